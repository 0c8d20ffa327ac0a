"""RK418: an AveragePool whose windows reach beyond the rim and do not count what is there: on the CPU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.pooling import is_dilated
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.windows import Windows, windows_of
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PLATFORMS = frozenset({"rk3576", "rk3588"})  # rk3566 keeps large windows on the CPU in either form
RANKS = (3, 4)
LONGEST = 15
"""Windows of more elements the compiler takes to pieces."""

LESS = 2
"""How many times more the pool reads than it makes. What it makes is written and read once more, which is not to cost
more than the crossing to the CPU."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such pool that makes at most half of what it reads."""
    if lint.target.platform not in PLATFORMS or lint.target.precision != "fp16":
        return
    for graph, node in needing(lint, ("AveragePool",), SLOW):
        if _windows(graph, node) is not None:
            yield not_as_it_is(lint, graph, node, "it can count the padding, and be corrected at the rim")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The mean with the padding counted, times the part of each window that is no padding, turned over."""
    return lower(lint, finding, "rk418", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    windows = _windows(graph, node)
    if windows is None:
        raise NotKnown(f"{node.label} has no rim, or makes as much as it reads")
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    mean = write.op(
        "AveragePool", node.inputs[0], kernel_shape=windows.kernel, strides=windows.strides, pads=windows.pads,
        count_include_pad=1,
    )  # fmt: skip
    count = math.prod(windows.kernel)
    scale = write.constant(count / _inside(windows, shape[2:]), dtype, "scale")
    return write.rewrite(
        {node.outputs[0]: write.op("Mul", mean, scale)}, rounding(dtype, count), "corrected at the rim"
    )


def _inside(windows: Windows, sizes: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """How many elements of each window lie inside, [1, 1, *results]."""
    import numpy as np  # lint imports rules, and has no time for numpy

    counts = np.ones((1, 1))
    results = windows.results(sizes)
    for size, many, kernel, stride, begin in zip(
        sizes, results, windows.kernel, windows.strides, windows.begins, strict=True
    ):
        first = np.arange(many) * stride - begin
        counts = counts[..., None] * (np.minimum(first + kernel, size) - np.maximum(first, 0))
    return counts


def _windows(graph: GraphView, node: Node) -> Windows | None:
    """The windows, without sizes rounded up, of a pool that can be written in this way."""
    try:
        shape, made = shape_of(graph, node.inputs[0]), shape_of(graph, node.outputs[0])
        if len(shape) not in RANKS or is_dilated(node) or node.attributes.get("count_include_pad", 0):
            return None
        float_of(graph, node.inputs[0])
        windows = windows_of(node, shape[2:]).covered(shape[2:])
    except NotKnown:
        return None
    rim = any(windows.pads) and max(windows.kernel) <= LONGEST
    rim = rim and all(pad < size for pad, size in zip(windows.pads, windows.kernel * 2, strict=True))
    small = LESS * math.prod(made) <= math.prod(shape) and windows.results(shape[2:]) == made[2:]
    return windows if rim and small and bool((_inside(windows, shape[2:]) > 0).all()) else None
