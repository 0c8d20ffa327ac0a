"""RK417: a Conv that pads by more than the NPU does in a convolution, on channels that fill no whole registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkgraph.diagnostics import Device
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.convolutions import Convolution, convolution_of
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, lower
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

PLATFORMS = frozenset({"rk3576", "rk3588"})
VERSIONS = frozenset({"2.2.0", "2.3.0", "2.3.2"})  # 2.5.0 pads any number of channels on the NPU
ALIGNMENT = 8
MOST = 15
"""By how much a convolution pads itself on either side."""

LONGEST = 15
"""Windows of more elements the compiler takes to pieces, with paddings of their own."""

FARTHEST = 31
"""The largest dilation of one convolution; beyond it the compiler gathers rows, and pads on the CPU once more."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such Conv of one or two spatial axes."""
    target = lint.target
    if target.platform not in PLATFORMS or target.toolkit not in VERSIONS or target.precision != "fp16":
        return
    for graph in lint.model.graphs():
        if "Conv" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            conv = _convolution(graph, node)
            if conv is not None:
                pads = max(*conv.windows.begins, *conv.windows.ends)
                yield Finding(
                    f"{node.label} pads {conv.shape[1]} channels, no multiple of {ALIGNMENT}, by {pads}: beyond {MOST} "
                    "the compiler pads on the CPU",
                    graph=graph.path,
                    node=node,
                    observed={"padding": pads, "channels": conv.shape[1]},
                    limit={"padding": MOST, "multiple_of": ALIGNMENT},
                    evidence=("facts:cards",),
                    device=Device.CPU,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """What the convolution does not pad itself, as zeros in a Concat."""
    return lower(lint, finding, "rk417", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    conv = _convolution(graph, node)
    if conv is None:
        raise NotKnown(f"{node.label} pads by no more than {MOST}")
    own = MOST if max(conv.windows.dilations) <= FARTHEST else 0
    begins, ends = ([min(pad, own) for pad in pads] for pads in (conv.windows.begins, conv.windows.ends))
    value, shape = conv.x, list(conv.shape)
    for place, axis in enumerate(range(2, len(shape))):
        sizes = (conv.windows.begins[place] - begins[place], conv.windows.ends[place] - ends[place])
        front, behind = (_zeros(write, conv, shape, axis, size) for size in sizes)
        value = write.concat([*front, value, *behind], axis)
        shape[axis] += sum(sizes)
    windows = replace(conv.windows, begins=tuple(begins), ends=tuple(ends))
    result = replace(conv, windows=windows).write(write, value, conv.weight, conv.bias)
    return write.rewrite({node.outputs[0]: result}, EXACT, f"{shape[2:]} from {list(conv.shape[2:])}")


def _zeros(write: Writer, conv: Convolution, shape: list[int], axis: int, size: int) -> list[str]:
    """No constant where nothing is added."""
    import numpy as np  # lint imports rules, and has no time for numpy

    sizes = (*shape[:axis], size, *shape[axis + 1 :])
    bounded("the padding", sizes)
    return [write.constant(np.zeros(sizes), conv.dtype, "padding")] if size else []


def _convolution(graph: GraphView, node: Node) -> Convolution | None:
    if node.op != "Conv" or node.domain not in ("", "ai.onnx") or graph.is_constant(node.inputs[0]):
        return None
    try:
        conv = convolution_of(graph, node)
    except NotKnown:
        return None
    pads = tuple(zip(conv.windows.begins, conv.windows.ends, conv.shape[2:], strict=True))
    much = max(max(begin, end) for begin, end, _ in pads) > MOST
    # The constants are read, too: at most twice as much as the value itself.
    few = all(begin >= 0 <= end and begin + end <= 2 * size for begin, end, size in pads)
    is_row = sum(size > 1 for size in conv.shape) < 2  # the compiler lays a row along the channels
    plain = len(pads) <= 2 and max(conv.windows.kernel) <= LONGEST and not is_row
    return conv if much and few and plain and conv.shape[1] % ALIGNMENT else None
