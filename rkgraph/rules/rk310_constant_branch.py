"""RK310: an If of which it is known which branch it takes."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.inlining import CannotInline, Inliner, size_of_body
from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each If of the main graph on a constant condition; folded ones too, for only they can be read."""
    main = lint.model.main
    for node in main.nodes_of("If"):
        if (node.path, node.index) in lint.folding.dead or not any(map(main.is_read, node.outputs)):
            continue
        if _taken(main, node) is None:
            continue
        runs = (node.path, node.index) in lint.folding.constant or lint.judgement(node).outcome in ("npu", "cpu")
        yield Finding(
            "the condition is a constant: only one branch ever runs, and no rule looks into it",
            node=node,
            observed={"branch": _name(main, node)},
            limit={"branches": "none"},
            severity=Severity.NOTE if runs else Severity.ERROR,
            explains=frozenset({(node.path, node.index)}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The nodes of the branch in place of the If."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    branch = _taken(main, node)
    if branch is None:
        return Refusal("its condition is no constant")
    tape = Tape(f"rk310/{next(name for name in node.outputs if name)}")
    try:
        made = Inliner(branch, tape).write({})
    except CannotInline as error:
        return Refusal(str(error))
    replaces = {old: new for old, new in zip(node.outputs, made, strict=False) if old and main.is_read(old)}
    return Rewrite(replaces, tape, EXACT, detail=f"{_name(main, node)} written out as {size_of_body(branch)} nodes")


def _taken(main: GraphView, node: Node) -> GraphView | None:
    branch = node.attributes.get(_name(main, node))
    return branch if isinstance(branch, GraphView) else None


def _name(main: GraphView, node: Node) -> str:
    """The attribute that holds the branch that runs; "" where that is not known."""
    condition = main.constant(node.inputs[0])
    if condition is None or len(condition.values) != 1:
        return ""
    return "then_branch" if condition.values[0] else "else_branch"
