"""RK522: a constant that ConstantOfShape fills with the default, which the toolkit fails to load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT
from rkgraph.graph.view import Constant
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

ZERO = Constant("float32", (1,), (0.0,))  # the default: https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each ConstantOfShape without `value` that folds away; RK112 speaks of the others."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("ConstantOfShape"):
            if "value" not in node.attributes and (node.path, node.index) in lint.folded:
                yield Finding(
                    "ConstantOfShape leaves out value; the toolkit looks for it when it loads the model, long before "
                    "the node folds away",
                    graph=graph.path,
                    node=node,
                    observed={"attribute": "value"},
                    verdict=Verdict.BUILD_FAILS,
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same node with the default written out."""
    return lower(lint, finding, "rk522", _write)


def _write(_graph: GraphView, node: Node, w: Writer) -> Rewrite:
    new = w.op("ConstantOfShape", *node.inputs, value=ZERO)
    return w.rewrite({node.outputs[0]: new}, EXACT, "value = 0.0 written out")
