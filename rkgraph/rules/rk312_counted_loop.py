"""RK312: a Loop, which no compiler takes; written out where it is known how often it runs."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.inlining import CannotInline
from rkgraph.analysis.loops import Unknown, trips
from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.unrolling import unroll_loop
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Loop of the main graph that something needs; folded ones too, for only they can be read."""
    for node in lint.model.main.nodes_of("Loop"):
        place = (node.path, node.index)
        if place in lint.folding.dead or not any(map(lint.model.main.is_read, node.outputs)):
            continue
        folds = place in lint.folding.constant
        known = trips(lint.model.main, node)
        times = "an unknown number of times" if isinstance(known, Unknown) else f"{known} times"
        yield Finding(
            f"a Loop that runs {times}; " + ("the compiler folds it" if folds else "the compiler takes no Loop"),
            node=node,
            observed={"trips": None if isinstance(known, Unknown) else known},
            limit={"loops": "none"},
            severity=Severity.NOTE if folds else Severity.ERROR,
            roots=("RK302",),
            explains=frozenset({place}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The body once for each time that it runs."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    known = trips(main, node)
    if isinstance(known, Unknown):
        return Refusal(known.reason, known.needs)
    writer = Writer(main, f"rk312/{next(name for name in node.outputs if name)}")
    try:
        made = unroll_loop(writer, node, known)
    except CannotInline as error:
        return Refusal(str(error))
    replaces = {old: new for old, new in zip(node.outputs, made, strict=False) if old and main.is_read(old)}
    return writer.rewrite(replaces, EXACT, f"written out {known} times, {len(writer.tape.nodes)} nodes")
