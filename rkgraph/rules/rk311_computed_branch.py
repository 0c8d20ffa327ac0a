"""RK311: an If whose condition is computed, with branches so small that both can be computed, and one result chosen."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.inlining import CannotInline, Inliner, size_of_body
from rkgraph.analysis.origins import RANDOM, Origin
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

MOST_NODES = 64
"""In both branches together: what is not taken is computed all the same."""

# Operators that fail for some indices; a branch may be there to avoid just that.
INDEXING = {
    "Gather": 1,
    "GatherElements": 1,
    "GatherND": 1,
    "NegativeLogLikelihoodLoss": 1,
    "ScatterElements": 1,
    "ScatterND": 1,
    "SoftmaxCrossEntropyLoss": 1,
}
DIVIDING = frozenset({"Div", "Mod"})
NOT_PURE = RANDOM | {"Loop", "Scan", "SequenceMap"}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live If of the main graph whose condition depends on data; shapes are pinned before."""
    main = lint.model.main
    for node in main.nodes_of("If"):
        place = (node.path, node.index)
        if place not in lint.folded and lint.origin(main, node.inputs[0]) is Origin.DATA:
            yield Finding(
                f"which branch runs is decided by {node.inputs[0]} when the model runs; the compiler takes no such If",
                node=node,
                observed={"nodes": sum(size_of_body(branch) for branch in node.subgraphs)},
                limit={"condition": "a constant"},
                roots=("RK302", "RK320"),
                explains=frozenset({place}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Both branches, and a Where that takes the result of the one."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    branches = [node.attributes.get(name) for name in ("then_branch", "else_branch")]
    if not all(isinstance(branch, GraphView) for branch in branches):
        return Refusal("it has not two branches")
    graphs = [branch for branch in branches if isinstance(branch, GraphView)]
    why = next(filter(None, (_objection(branch) for branch in graphs)), None) or _unlike(*graphs)
    if why is None and sum(map(size_of_body, graphs)) > MOST_NODES:
        why = f"its branches have more than {MOST_NODES} nodes, which would all be computed each time"
    if why is not None:
        return Refusal(why, f"--freeze {node.inputs[0]}=NUMBER" if node.inputs[0] in main.inputs else None)
    writer = Writer(main, f"rk311/{next(name for name in node.outputs if name)}")
    try:
        yes, no = (Inliner(branch, writer.tape).write({}) for branch in graphs)
    except CannotInline as error:
        return Refusal(str(error))
    replaces = {}
    for old, output, one, other in zip(node.outputs, graphs[0].outputs, yes, no, strict=False):
        if old and main.is_read(old):
            rank = len(graphs[0].value(output).shape or ())
            condition = writer.reshape(node.inputs[0], [1] * max(rank, 1))
            replaces[old] = writer.op("Where", condition, one, other)
    return writer.rewrite(replaces, EXACT, f"both branches computed, {len(writer.tape.nodes)} nodes")


def _objection(branch: GraphView) -> str | None:
    """Why the branch must not be computed where it is not taken."""
    for node in branch.nodes:
        if node.op in NOT_PURE or node.domain not in ("", "ai.onnx"):
            return f"{node.label} in {branch.path} may not run for nothing"
        position = INDEXING.get(node.op)
        if position is not None and not branch.is_constant(node.inputs[position]):
            return f"{node.label} in {branch.path} fails for some indices, which the condition may keep away"
        is_whole = (branch.value(node.inputs[0]).dtype or "int").startswith(("int", "uint")) if node.inputs else False
        if node.op in DIVIDING and is_whole and not branch.is_constant(node.inputs[1]):
            return f"{node.label} in {branch.path} may divide whole numbers by zero"
        for inner in node.subgraphs:
            found = _objection(inner)
            if found is not None:
                return found
    return None


def _unlike(one: GraphView, other: GraphView) -> str | None:
    """Why no Where can choose between the results of two branches."""
    for first, second in zip(one.outputs, other.outputs, strict=True):
        a, b = one.value(first), other.value(second)
        if not a.is_static or a.shape != b.shape or a.dtype != b.dtype or a.dtype is None:
            return (
                f"its branches return {first} {_text(a.shape)} and {second} {_text(b.shape)}: not the same, or unknown"
            )
        if a.shape == ():
            return f"its branches return the scalar {first}, which the compiler chooses from no two"
    return None


def _text(shape: tuple[object, ...] | None) -> str:
    return "of unknown rank" if shape is None else str(list(shape))
