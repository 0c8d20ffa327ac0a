"""RK235: the logarithm of a sum of exponentials, which overflow in fp16 above 11."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import float_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.reductions import Reduction, log_sum_exp
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

WITHIN = Between(-80.0, 80.0)  # beyond, exponentials leave float32 too


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Log(ReduceSum(Exp(x))) whose exponent is not less its largest."""
    for graph in lint.model.graphs():
        if not {"Log", "ReduceSum", "Exp"} <= graph.ops:
            continue
        for node in lint.live_nodes(graph):
            parts = _parts(graph, node)
            if parts is not None and not _is_shifted(graph, parts[1].inputs[0]):
                yield Finding(
                    f"the logarithm of a sum of exponentials of {parts[1].inputs[0]}: they overflow in fp16 above 11",
                    graph=graph.path,
                    node=node,
                    observed={"x": parts[1].inputs[0]},
                    limit={"form": "max + log(sum(exp(x - max)))"},
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same relative to the largest number."""
    return lower(lint, finding, "rk235", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    parts = _parts(graph, node)
    assert parts is not None  # noqa: S101  # it was found
    total, exponential = parts
    x = exponential.inputs[0]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    axes = reduced_axes(graph, total, len(shape))
    over = Reduction(shape, axes, bool(total.attributes.get("keepdims", 1)))
    new = log_sum_exp(write, x, dtype, over) if axes else x
    tolerance = rounding(dtype, over.count)
    return write.rewrite({node.outputs[0]: new}, tolerance, f"over {list(axes)} of {list(shape)}", within={x: WITHIN})


def _parts(graph: GraphView, node: Node) -> tuple[Node, Node] | None:
    """The ReduceSum and the Exp of Log(ReduceSum(Exp(x))), which nobody else reads."""
    if node.op != "Log" or node.domain not in ("", "ai.onnx"):
        return None
    total = graph.producer(node.inputs[0])
    if total is None or total.op != "ReduceSum" or not _is_only_step(graph, total):
        return None
    exponential = graph.producer(total.inputs[0])
    if exponential is None or exponential.op != "Exp" or not _is_only_step(graph, exponential):
        return None
    return total, exponential


def _is_only_step(graph: GraphView, node: Node) -> bool:
    return len(graph.consumers(node.outputs[0])) == 1 and node.outputs[0] not in graph.outputs


def _is_shifted(graph: GraphView, name: str) -> bool:
    """Whether the value is a difference, as a stable form has it."""
    producer = graph.producer(name)
    return producer is not None and producer.op == "Sub"
