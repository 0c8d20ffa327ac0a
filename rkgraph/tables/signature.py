"""What makes two nodes the same to a compiler: an instance of an operator, written down as text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.limit import IsConstant

__all__ = ["MOST_VALUES", "key_of", "position_of", "signature_of"]

MOST_VALUES = 16
"""Elements of a constant that tell instances apart by value: lengths, axes, exponents. Of larger ones only the type."""

_STANDARD = ("", "ai.onnx")
_WHOLE = ("bool", "int32", "int64")
_MAKES_WHOLE = ("Cast", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")


def signature_of(node: Node, graph: GraphView, is_constant: IsConstant) -> str | None:
    """The node without its name and its weights, as JSON text; equal for nodes that a compiler cannot tell apart.

    It holds operator, domain, opset, attributes, the dtype, shape and constness of inputs (with the elements of small
    constants), the dtype and shape of outputs, and `position_of`. Which computed inputs are one value is in it, too.

    Args:
        node: of `graph`.
        graph: the view that the node stands in.
        is_constant: whether a value is constant or folded away.

    Returns:
        None where that is not all: a shape that is not static, a dtype that is not known, a subgraph or a large
        tensor as an attribute, an attribute of an enclosing function.
    """
    attributes = {name: _plain(value) for name, value in sorted(node.attributes.items())}
    inputs = [_input(node, place, graph, is_constant) for place in range(len(node.inputs))]
    outputs = [_type(name, graph) if name else [] for name in node.outputs]
    if None in attributes.values() or None in inputs or None in outputs:
        return None
    standard = node.domain in _STANDARD
    what: dict[str, Any] = {
        "op": node.op,
        "domain": "" if standard else node.domain,
        "opset": graph.opset if standard else graph.opsets.get(node.domain, 1),
        "attributes": attributes,
        "inputs": inputs,
        "outputs": outputs,
        "position": position_of(node, graph, is_constant),
    }
    return json.dumps(what, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def key_of(signature: str) -> str:
    """A short name of a signature: 16 hexadecimal digits."""
    return hashlib.sha256(signature.encode()).hexdigest()[:16]


def position_of(node: Node, graph: GraphView, is_constant: Callable[[str], bool]) -> str:
    """Where a node stands, as `rkgraph.probe.case.case` means it.

    "alone": on inputs of the model, and read by nothing but its outputs; "inside": whole numbers or truth values come
    from an operator that works on such, too; "between": all else.
    """
    computed = [name for name in node.inputs if name and not is_constant(name)]
    makers = [graph.producer(name) for name in computed]
    if not any(makers) and not any(graph.consumers(name) for name in node.outputs if name):
        return "alone"
    for name, maker in zip(computed, makers, strict=True):
        if graph.value(name).dtype in _WHOLE and maker is not None and maker.op not in _MAKES_WHOLE:
            return "inside"
    return "between"


def _input(node: Node, place: int, graph: GraphView, is_constant: IsConstant) -> list[Any] | None:
    """[dtype, shape, how, elements]; "same" and the place of the first one where an input comes twice; [] if absent."""
    name = node.inputs[place]
    if not name:
        return []
    if place > (first := node.inputs.index(name)):
        return ["same", first]
    type_ = _type(name, graph)
    if type_ is None or not is_constant(name):
        return type_ and [*type_, "computed"]
    maker = graph.producer(name)
    how = "node" if maker is not None and maker.op == "Constant" else "constant"
    constant = graph.constant(name)
    if constant is None or len(constant.values) > MOST_VALUES:
        return [*type_, how]
    return [*type_, how, list(map(_scalar, constant.values))]


def _type(name: str, graph: GraphView) -> list[Any] | None:
    value = graph.value(name)
    return [value.dtype, list(value.shape or ())] if value.dtype and value.is_static else None


def _plain(value: Any) -> Any:
    """An attribute as JSON; None where it has no plain value."""
    if isinstance(value, tuple):
        items = [_plain(item) for item in value]
        return None if None in items else items
    if isinstance(value, bool | int | float | str):
        return _scalar(value)
    values = getattr(value, "values", None)
    if isinstance(values, tuple):  # a small tensor
        return [value.dtype, list(value.shape), list(map(_scalar, values))] if len(values) <= MOST_VALUES else None
    return None


def _scalar(value: Any) -> Any:
    """A number as it is; those that JSON has no word for as text."""
    is_number = isinstance(value, float) and (value != value or value in (float("inf"), float("-inf")))  # noqa: PLR0124
    return repr(value) if is_number else value
