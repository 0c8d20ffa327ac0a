"""RK603: a lookup in a large table (a word embedding), which the board reads as a whole on every run."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.projections import Lookup, lookups
from rkgraph.analysis.work import byte_size
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

TIMES = 4
"""A table is worth leaving where reading it moves so many times the bytes of the rows that are looked up."""

SMALLEST = 2 << 20
"""Bytes (fp16) of a table below which a lookup costs less than the crossing."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each lookup whose rows are much smaller than the table."""
    main = lint.model.main
    for found in lookups(main, lambda name: lint.is_constant(main, name)):
        rows = byte_size(main, found.node.outputs[0])
        static = main.value(found.node.outputs[0]).is_static
        if (found.node.path, found.node.index) in lint.folded or not static:
            continue
        if found.size * 2 >= max(SMALLEST, TIMES * rows):
            yield Finding(
                f"every run reads the whole table {found.node.inputs[0]}, {found.size * 2 / 2**20:.1f} MB in fp16, "
                f"on the CPU, for {rows / 1024:.1f} KB of rows; the host can look them up",
                node=found.node,
                observed={"table": found.size * 2, "rows": int(rows)},
            )


def fix(lint: LintContext, finding: Finding) -> Cut | Refusal:
    """The host looks the rows up."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    found = next(each for each in lookups(main, lambda name: lint.is_constant(main, name)) if each.node is node)
    return Cut(frozenset({node.outputs[0]}), _detail(found), weight=found.table)


def _detail(found: Lookup) -> str:
    return f"the lookup {found.node.label} in {found.node.inputs[0]} on the host"
