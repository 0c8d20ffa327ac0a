"""RK313: a Scan that does not build, written out."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.inlining import CannotInline
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.scans import unroll_scan
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Scan of the main graph that does not build, or has no kernel."""
    for node in lint.model.main.nodes_of("Scan"):
        place = (node.path, node.index)
        if place in lint.folded or lint.judgement(node).outcome not in CANNOT_RUN:
            continue
        yield Finding(
            "the compiler does not take this Scan",
            node=node,
            observed={"outcome": lint.judgement(node).outcome},
            limit={"scans": "none"},
            explains=frozenset({place}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The body once for each element."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    writer = Writer(main, f"rk313/{next(name for name in node.outputs if name)}")
    try:
        made = unroll_scan(writer, node)
    except CannotInline as error:
        return Refusal(str(error))
    replaces = {old: new for old, new in zip(node.outputs, made, strict=False) if old and main.is_read(old)}
    return writer.rewrite(replaces, EXACT, f"written out as {len(writer.tape.nodes)} nodes")
