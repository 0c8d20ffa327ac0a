"""RK524: a value multiplied with its own transpose, or keys or queries that are the values, too: the toolkit dies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.known import NotKnown, float_of, lower
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

PRODUCT, ATTENTION = "product-with-itself", "attention-of-one-value"

PRODUCTS = frozenset({"MatMul", "Gemm", "Einsum"})
MOVING = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Neg"})
"""What the toolkit moves past a product, so that both operands end as one value."""
SCALING = frozenset({"Mul", "Div"})
BEFORE_SOFTMAX = frozenset({"Mul", "Div", "Add", "Where", "Reshape", "Identity"})
NUMBERS_AS_INPUT = 11  # opset since which the bounds of a Clip are inputs
_SAID = {
    PRODUCT: "both operands of the {op} are {shared}, reordered or scaled: {version} makes one of them and dies of it",
    ATTENTION: "the values of an attention are its keys or queries, too ({shared}): {version} dies of the fused layer",
}
TWO = 2  # operands of a product
FAR = 12  # nodes of a chain that are followed


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each product whose operands are one value."""
    version = lint.table.version
    if not any(version in defect(name).fails for name in (PRODUCT, ATTENTION)):
        return
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(PRODUCTS):
            continue
        for node in lint.live_nodes(graph):
            name, shared = _trouble(graph, node, version) if node.op in PRODUCTS else ("", "")
            if name:
                yield Finding(
                    _SAID[name].format(op=node.op, shared=shared, version=version),
                    graph=graph.path,
                    node=node,
                    observed={"value": shared},
                    evidence=defect(name).evidence,
                    verdict=Verdict.BUILD_FAILS,
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The second operand behind a Clip that changes nothing, which the toolkit does not see through."""
    return lower(lint, finding, "rk524", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    first, second, *more = node.inputs
    if graph.opset < NUMBERS_AS_INPUT:
        raise NotKnown(f"Clip of opset {graph.opset} has its bounds as attributes, which hold no infinity safely")
    same = write.clip(second, float_of(graph, second), -math.inf, math.inf)
    new = write.op(node.op, first, same, *more, **node.attributes)
    return write.rewrite({node.outputs[0]: new}, EXACT, f"{second} behind a Clip without bounds")


def _trouble(graph: GraphView, node: Node, version: str) -> tuple[str, str]:
    """The defect that the product sets off and the value that is there twice; two empty strings for none."""
    if len(node.inputs) < TWO:
        return "", ""
    first, second = node.inputs[:2]
    root = _root(graph, second)
    if graph.is_constant(root):
        return "", ""
    if version in defect(PRODUCT).fails and root == _root(graph, first) and _is_turned(node, first, second):
        return PRODUCT, root
    scores = _scores(graph, first)
    if scores is None:
        return "", ""
    roots = [_root(graph, name) for name in scores.inputs[:2]]
    alike = any(each == root for each in roots) if version in defect(PRODUCT).fails else roots == [root, root]
    return (ATTENTION, root) if alike and version in defect(ATTENTION).fails else ("", "")


def _is_turned(node: Node, first: str, second: str) -> bool:
    """Whether the operands are not the very same: x·x builds, x·xᵀ does not."""
    if node.op == "Gemm":
        return first != second or node.attributes.get("transA", 0) != node.attributes.get("transB", 0)
    if node.op == "Einsum":
        terms = str(node.attributes.get("equation", "")).replace(" ", "").partition("->")[0].split(",")
        return len(terms) == TWO and terms[0] != terms[1]
    return first != second


def _root(graph: GraphView, name: str) -> str:
    """The value that this one holds in another order, shape or scale."""
    for _ in range(FAR):
        node = graph.producer(name)
        if node is None or node.domain not in ("", "ai.onnx"):
            return name
        if node.op in MOVING or (node.op in SCALING and scalar(graph, node.inputs[1]) is not None):
            name = node.inputs[0]
        elif node.op == "Mul" and scalar(graph, node.inputs[0]) is not None:
            name = node.inputs[1]
        else:
            return name
    return name


def _scores(graph: GraphView, name: str) -> Node | None:
    """The product behind the Softmax that made `name`; None where there is none."""
    softmax = graph.producer(name)
    if softmax is None or softmax.op != "Softmax":
        return None
    node = graph.producer(softmax.inputs[0])
    for _ in range(FAR):
        if node is None or node.op == "MatMul":
            return node
        if node.op not in BEFORE_SOFTMAX:
            return None
        made = (graph.producer(each) for each in node.inputs if not graph.is_constant(each))
        node = next((each for each in made if each is not None and each.op in {"MatMul", *BEFORE_SOFTMAX}), None)
    return None
