"""RK117: a call of a function that the model brings along."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.function_bodies import NoBody, function_path, inline
from rkgraph.analysis.origins import subgraphs
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node, folded and dead ones too, that calls a function of the model."""
    functions = {function.path: function for function in lint.model.functions}
    for graph, node in _nodes(lint.model.main) if functions else ():
        function = functions.get(function_path(node))
        if function is not None:
            yield Finding(
                f"{node.domain}.{node.op} is a function of the model; the toolkit does not write functions out, and "
                "ONNX Runtime does not know the operator",
                graph=graph.path,
                node=node,
                observed={"function": f"{node.domain}.{node.op}", "nodes": len(function.nodes)},
                limit={"functions": "written out"},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The nodes of the function in place of the call."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    tape = Tape(f"rk117/{next(name for name in node.outputs if name)}")
    try:
        outputs = inline(lint.model, node, tape)
    except NoBody as error:
        return Refusal(str(error))
    replaces = {old: new for old, new in zip(node.outputs, outputs, strict=True) if old and main.is_read(old)}
    if not replaces:
        return Refusal("nothing reads what it computes")
    return Rewrite(replaces, tape, EXACT, detail=f"{node.op} written out as {len(tape.nodes)} nodes")


def _nodes(graph: GraphView) -> Iterator[tuple[GraphView, Node]]:
    for node in graph.nodes:
        yield graph, node
        for inner in subgraphs(node):
            yield from _nodes(inner)
