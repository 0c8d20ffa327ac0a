"""RK525: sines and cosines of multiples of whole numbers, positions mostly, whose angles fp16 does not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.constants import NotFoldable
from rkgraph.analysis.intervals import interval_of
from rkgraph.analysis.tabulated import source_of, table_of
from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array

WAVES = ("Cos", "Sin")

LARGEST_WHOLE = 2048
"""Every whole number up to here is an fp16 number; what is computed of a larger one is wrong on the NPU anyway."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value of angles, at the first of the waves that are made of it."""
    main = lint.model.main
    if main.ops.isdisjoint(WAVES):
        return
    for angles, waves in _waves(lint, main).items():
        source = source_of(main, angles)
        if source is None:
            continue
        names = " and ".join(sorted({wave.op for wave in waves}))
        yield Finding(
            f"{names} of multiples of the whole numbers {source.name}: as fp16 an angle of {LARGEST_WHOLE - 1} is off "
            "by up to ½, and one of 100 by 0.03; a row of a table is exact",
            node=waves[0],
            observed={"numbers": source.name, "angles": angles},
            limit={"angle": "of few multiples of 2π"},
            evidence=("rewrites:angles-of-positions",),
            explains=frozenset((main.path, wave.index) for wave in waves),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Take the rows of a table of cosines and sines."""
    longest = max((size for name in lint.model.main.inputs for size in _sizes(lint.model.main, name)), default=0)

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        waves = _waves(lint, graph).get(node.inputs[0], [node])
        return _write(graph, waves, w, max(LARGEST_WHOLE, longest))

    return lower(lint, finding, "rk525", write)


def _write(graph: GraphView, waves: list[Node], w: Writer, rows: int) -> Rewrite:
    import numpy as np

    sources = [source_of(graph, wave.outputs[0]) for wave in waves]
    source = sources[0]
    if source is None:
        raise NotKnown(f"{waves[0].inputs[0]} is not made of whole numbers and constants alone")
    known = interval_of(graph, source.name)
    bound = known.low >= 0 and known.high < rows
    rows = int(known.high) + 1 if bound else rows
    dtype, shape = float_of(graph, waves[0].outputs[0]), shape_of(graph, waves[0].outputs[0])
    try:
        made = [(wave.outputs[0], each) for wave, each in zip(waves, sources, strict=True) if each is not None]
        tables = [table_of(graph, each, name, rows) for name, each in made]
    except NotFoldable as reason:
        raise NotKnown(str(reason)) from reason
    halves = _halves(tables)
    narrow = [table[:, : table.shape[1] // halves] for table in tables]
    whole = np.concatenate(narrow, axis=1)
    bounded("the table", whole.shape)
    taken = w.op("Gather", w.constant(whole, dtype, "table"), source.name, axis=0)
    last = len(source.shape)
    parts = w.split(taken, last, [table.shape[1] for table in narrow])
    replaces = {}
    for wave, part in zip(waves, parts, strict=True):
        full = w.concat([part] * halves, last)
        given = (*source.shape, tables[0].shape[1])
        replaces[wave.outputs[0]] = full if given == shape else w.reshape(full, shape)
    # The same operators made the table, perhaps by another kernel for other sizes.
    return w.rewrite(
        replaces,
        Tolerance(1e-6, 1e-6),
        f"a table for the numbers 0 to {rows - 1}",
        within={} if bound else {source.name: Between(0, rows - 1, integer=True)},
    )


def _halves(tables: list[Array]) -> int:
    """2 where the right half of each table repeats the left one, as rotary embeddings have it; else 1."""
    import numpy as np

    even = all(table.shape[1] % 2 == 0 for table in tables)
    halves = [np.split(table, 2, axis=1) for table in tables] if even else []
    return 2 if even and all(np.array_equal(left, right) for left, right in halves) else 1


def _waves(lint: LintContext, graph: GraphView) -> dict[str, list[Node]]:
    """The live waves by the angles that they are made of, in file order."""
    found: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes_of(*WAVES):
        if (node.path, node.index) not in lint.folded:
            found[node.inputs[0]].append(node)
    return dict(found)


def _sizes(graph: GraphView, name: str) -> list[int]:
    return [size for size in graph.value(name).shape or () if isinstance(size, int)]
