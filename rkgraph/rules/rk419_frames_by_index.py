"""RK419: overlapping frames of a signal, gathered by a table of places, which the compiler makes a dense matrix of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.analysis.progressions import progression
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.framing import Framing, frames
from rkgraph.rulebook.known import FLOATS, NotKnown, axis_of, lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.analysis.progressions import Progression
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

MOST_BLOCKS = 40
ALIGNED = 8  # blocks of other sizes are put together on the CPU
RUINOUS_MATRIX = 1 << 22  # elements; as weights, 8 MB that are read each time
SMALLEST_MATRIX = 1 << 16  # elements: below, nothing is gained
FRAMES_AND_PLACES = 2


@dataclass(frozen=True)
class _Frames:
    """Where frames lie along an axis: `begin` is the first place; `turned`: the table has a column for each frame."""

    axis: int
    begin: int
    step: int
    length: int
    count: int
    turned: bool

    @property
    def blocks(self) -> int:
        """How many steps a frame reaches into."""
        return -(-self.length // self.step)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Gather of frames, of which the matrix would be large."""
    for graph in lint.model.graphs():
        if "Gather" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            found = _frames(lint, graph, node)
            if found is not None:
                size = int(graph.value(node.inputs[0]).shape[found.axis])  # type: ignore[index,arg-type]
                kilobytes = size * found.count * found.length * 2 // 1024
                yield Finding(
                    f"{found.count} frames of {found.length}, each {found.step} behind the one before, by one Gather: "
                    f"place by place at best, else a product with a matrix of {kilobytes:,} KB",
                    graph=graph.path,
                    node=node,
                    observed={"frames": found.count, "length": found.length, "step": found.step, "from": size},
                    evidence=("facts:cards",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Frames put together from blocks of one step."""

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        found = _frames(lint, graph, node)
        if found is None:
            raise NotKnown(f"{node.label} gathers no frames any more")
        return _write(graph, node, w, found)

    return lower(lint, finding, "rk419", write)


def _write(graph: GraphView, node: Node, w: Writer, found: _Frames) -> Rewrite:
    x = node.inputs[0]
    shape, dtype = shape_of(graph, x), graph.value(x).dtype or "float32"
    before, behind = shape[: found.axis], shape[found.axis + 1 :]
    end = min(shape[found.axis], found.begin + (found.count + found.blocks - 1) * found.step)  # of the last block
    if end - found.begin < shape[found.axis]:
        x = w.slice(x, (found.axis,), (found.begin,), (end,))
    wide = math.prod(behind)
    framing = Framing(math.prod(before), (end - found.begin) * wide, found.step * wide, found.length * wide)
    plain = len(before) == 1 and not behind
    rows = frames(w, framing, x if plain else w.reshape(x, (framing.batch, framing.samples)), dtype)
    if not plain:
        rows = w.reshape(rows, (*before, found.count, found.length, *behind))
    if found.turned:
        order = list(range(len(before) + FRAMES_AND_PLACES + len(behind)))
        order[found.axis], order[found.axis + 1] = found.axis + 1, found.axis
        rows = w.transpose(rows, order)
    return w.rewrite({node.outputs[0]: rows}, EXACT, f"{framing.blocks} blocks of {found.step}")


def _frames(lint: LintContext, graph: GraphView, node: Node) -> _Frames | None:
    """The frames that `node` gathers; None where it is no such Gather, or the matrix is small."""
    if node.op != "Gather" or node.domain not in ("", "ai.onnx"):
        return None
    x, indices = node.inputs[:2]
    if not lint.is_constant(graph, indices) or lint.is_constant(graph, x) or graph.value(x).dtype not in FLOATS:
        return None
    try:
        shape, places = shape_of(graph, x), shape_of(graph, indices)
        axis = axis_of(node, len(shape), 0)
    except NotKnown:
        return None
    matrix = shape[axis] * math.prod(places)
    if len(places) != FRAMES_AND_PLACES or 1 in places or matrix < SMALLEST_MATRIX:
        return None
    table = progression(lint.model, graph, indices)
    found = None if table is None else _of_table(table, axis, shape[axis])
    aligned = found is not None and found.step * math.prod(shape[axis + 1 :]) % ALIGNED == 0
    return found if aligned or matrix >= RUINOUS_MATRIX else None


def _of_table(table: Progression, axis: int, size: int) -> _Frames | None:
    """The frames of a table of places along an axis of `size`; None where they are not one behind the other in it."""
    if table.base < 0 or table.last >= size or 1 not in table.steps or min(table.steps) < 1:
        return None
    turned = table.steps[1] != 1
    count, length = table.shape[::-1] if turned else table.shape
    step = table.steps[1 if turned else 0]
    found = _Frames(axis, table.base, step, length, count, turned)
    return found if step <= length and found.blocks <= MOST_BLOCKS else None
