"""RK109: a node that the toolkit cannot run while it builds."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.host_kernels import load_host_kernels
from rkgraph.analysis.origins import subgraphs
from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import model_facts


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node, folded and dead ones too, that the toolkit's ONNX Runtime cannot run."""
    kernels = load_host_kernels(model_facts(lint.target.toolkit).onnxruntime)
    functions = {function.path for function in lint.model.functions}
    for graph, node in _nodes(lint.model.main):
        refused = kernels.refusal(node, graph)
        if refused is not None and f"function:{node.domain}.{node.op}" not in functions:
            yield Finding(
                f"the toolkit runs every node in ONNX Runtime {kernels.version} while it builds, and {refused.reason}",
                graph=graph.path,
                node=node,
                observed=refused.observed,
                limit=refused.limit,
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def _nodes(graph: GraphView) -> Iterator[tuple[GraphView, Node]]:
    """The nodes of the main graph, and those in bodies, which are run with the node that has the body."""
    for node in graph.nodes:
        yield graph, node
        for inner in subgraphs(node):
            yield from _nodes(inner)
