"""RK413: a Pad whose channels fill no whole registers: on the CPU; as a Concat with constants, on the NPU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rkgraph.diagnostics import Device
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS, NotKnown, constant_of, input_of, lower, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

PLATFORMS = frozenset({"rk3576", "rk3588"})
OF_CHANNELS_ONLY = frozenset({"2.5.0"})
"""Versions that pad the channels themselves on the CPU, and the other axes on the NPU."""

ALIGNMENT = 8
RANKS = (3, 4)
PADS_INPUT = 11
"""Opset from which pads are an input."""

KEEPS_LAST = frozenset(
    {"Add", "Clip", "Div", "Mul", "Relu", "Reshape", "Sigmoid", "Squeeze", "Sub", "Tanh", "Unsqueeze"}
)
PRODUCTS = frozenset({"Gemm", "MatMul"})
"""Results of products have their last dimension in the channels, and keep it there through `KEEPS_LAST`."""

TAKE_PADS = frozenset({"Conv", "ConvTranspose", "MaxPool", "AveragePool"})
"""Readers that the compiler lets do the padding."""


@dataclass(frozen=True)
class _Padded:
    """The one axis that is padded, by how much in front and behind, with which number; and of how many channels.

    `of_channels`: the axis is that of the channels.
    """

    channels: int
    of_channels: bool
    axis: int
    begin: int
    end: int
    fill: float


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Pad with constants of one axis of such a value that no convolution or pool reads."""
    target = lint.target
    if target.platform not in PLATFORMS or target.precision != "fp16":
        return
    for graph in lint.model.graphs():
        if "Pad" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            padded = _padded(graph, node)
            if padded is not None and (padded.of_channels or target.toolkit not in OF_CHANNELS_ONLY):
                yield Finding(
                    f"{node.label} pads a value of {padded.channels} channels, no multiple of {ALIGNMENT}: it runs on "
                    "the CPU",
                    graph=graph.path,
                    node=node,
                    observed={"channels": padded.channels, "axis": padded.axis},
                    limit={"multiple_of": ALIGNMENT},
                    evidence=("facts:cards",),
                    device=Device.CPU,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """What is added, as constants in a Concat."""
    return lower(lint, finding, "rk413", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    padded = _padded(graph, node)
    if padded is None:
        raise NotKnown(f"{node.label} does not pad one axis with a constant")
    shape, dtype = shape_of(graph, node.inputs[0]), graph.value(node.inputs[0]).dtype or ""

    def block(size: int) -> str:
        import numpy as np  # lint imports rules, and has no time for numpy

        sizes = (*shape[: padded.axis], size, *shape[padded.axis + 1 :])
        return write.constant(np.full(sizes, padded.fill), dtype, "padding")

    parts = [block(padded.begin)] if padded.begin else []
    parts += [node.inputs[0], *([block(padded.end)] if padded.end else [])]
    return write.rewrite({node.outputs[0]: write.concat(parts, padded.axis)}, EXACT, f"axis {padded.axis} joined")


def _padded(graph: GraphView, node: Node) -> _Padded | None:
    if node.op != "Pad" or node.domain not in ("", "ai.onnx") or graph.opset < PADS_INPUT or input_of(node, 3):
        return None
    if node.attributes.get("mode", "constant") != "constant" or graph.value(node.inputs[0]).dtype not in FLOATS:
        return None
    if any(reader.op in TAKE_PADS for reader in graph.consumers(node.outputs[0])):
        return None
    try:
        shape, pads = shape_of(graph, node.inputs[0]), constant_of(graph, node.inputs[1])
        fill = float(constant_of(graph, node.inputs[2])[0]) if input_of(node, 2) else 0.0
        of_product = _is_of_product(graph, node.inputs[0])
    except NotKnown:
        return None
    rank = len(shape)
    axes = [axis for axis in range(rank) if pads[axis] or pads[rank + axis]]
    is_row = sum(size > 1 for size in shape) < 2  # the compiler lays a row along the channels, where the NPU pads it
    if rank not in RANKS or is_row or len(axes) != 1 or min(pads) < 0 or (axes[0] == 0 and not of_product):
        return None
    place = rank - 1 if of_product else 1
    channels = shape[place]
    begin, end = int(pads[axes[0]]), int(pads[rank + axes[0]])
    # The constants are read, too: at most twice as much as the value itself.
    few = channels % ALIGNMENT and begin + end <= 2 * shape[axes[0]] and math.isfinite(fill)
    return _Padded(channels, axes[0] == place, axes[0], begin, end, fill) if few else None


def _is_of_product(graph: GraphView, name: str) -> bool:
    """Whether a matrix product made the value, or what it is a Reshape or an elementwise function of, row by row."""
    last = shape_of(graph, name)[-1]
    while (made := graph.producer(name)) is not None and shape_of(graph, name)[-1] == last:
        if made.op in PRODUCTS:
            return True
        computed = [one for one in made.inputs if one and not graph.is_constant(one)]
        if made.op not in KEEPS_LAST or len(computed) != 1:
            return False
        (name,) = computed
    return False
