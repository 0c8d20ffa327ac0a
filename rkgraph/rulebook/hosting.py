"""Which nodes only the host can run: by the op table, for shapes that data decide, for values that are no tensors."""

from __future__ import annotations

from rkgraph.analysis.origins import CONTROL_INPUTS, DATA_SHAPED, SHAPE_INPUTS, Origin
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import LintContext
from rkgraph.targets import refused_inputs

__all__ = ["HOST_ONLY", "by_nature", "host_only", "is_pinned"]

HOST_ONLY = "host-only: nothing that computes could stay on the NPU, all of the model would run on the host"
"""What is said of a model that nothing would be left of for the NPU."""

_CANNOT = frozenset({"no-kernel", "build-fails"})


def is_pinned(lint: LintContext) -> bool:
    """Whether all inputs that are tensors of numbers have fixed shapes; before that nobody knows what has to be cut."""
    values = [lint.model.main.value(name) for name in lint.model.main.inputs]
    return all(v.is_static or v.dtype in (None, "string") for v in values if lint.is_read(v.name))


def host_only(lint: LintContext) -> tuple[Node, ...]:
    """The live nodes of the main graph that neither the NPU nor its runtime can take, in file order.

    They are those that the op table says so of, those whose output shape depends on data, and all that touch a value
    which no build can hold: strings, sequences, optionals, shapes that are not fixed, inputs of refused dtypes.
    Empty where shapes of inputs are still to be pinned.
    """
    if not is_pinned(lint):
        return ()
    main = lint.model.main
    live = lint.live_nodes(main)
    return tuple(node for node in live if lint.judgement(node).outcome in _CANNOT or by_nature(lint, node))


def by_nature(lint: LintContext, node: Node) -> bool:
    """Whether no rewrite changes that: data decide a shape, or the node touches what no compiled model can hold."""
    graph = lint.model.main
    if any(not _is_held(lint, graph, name) for name in (*node.reads, *filter(None, node.outputs))):
        return True
    return node.domain in ("", "ai.onnx") and any(_is_data(lint, graph, node, p) for p in _deciding(node))


def _is_held(lint: LintContext, graph: GraphView, name: str) -> bool:
    """Whether a compiled model can hold the value: a tensor of fixed shape and known dtype."""
    if lint.is_constant(graph, name):
        return graph.value(name).dtype != "string"
    value = graph.value(name)
    if value.dtype is None or not value.is_static:
        return False
    return value.dtype != "string" and not (
        value.kind == "input" and value.dtype in refused_inputs(lint.target.toolkit)
    )


def _deciding(node: Node) -> tuple[int, ...]:
    places = {*DATA_SHAPED.get(node.op, ()), *SHAPE_INPUTS.get(node.op, ()), *CONTROL_INPUTS.get(node.op, ())}
    return tuple(sorted(places))


def _is_data(lint: LintContext, graph: GraphView, node: Node, position: int) -> bool:
    name = node.inputs[position] if position < len(node.inputs) else ""
    return bool(name) and lint.origin(graph, name) is Origin.DATA
