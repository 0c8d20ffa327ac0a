"""A node of a user's model as a case of its own: the same operator, attributes, dtypes, shapes and constants.

Names and weights of the model do not go into it; small constants do, for they are lengths, axes and the like.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rkgraph.probe.case import ABSENT, AGAIN, CODES, Arg, Case, case

if TYPE_CHECKING:
    from rkgraph.graph.view import Constant, GraphView, Node

__all__ = ["POSITIONS", "cases_of", "describe"]

POSITIONS = ("between", "inside", "alone")

_STANDARD = ("", "ai.onnx")
_TEXT_NAMES = {"float32": "float", "float64": "double"}
_LARGEST_WEIGHT = 1 << 26  # elements: what a case can be asked to invent
_LARGEST_FLOATS = 16
"""Elements of a constant of floats that is copied: more of them are weights, and those stay with their owner."""


def cases_of(
    node: Node,
    graph: GraphView,
    *,
    is_constant: Callable[[str], bool] | None = None,
    value_of: Callable[[str], Constant | None] | None = None,
    positions: Sequence[str] = POSITIONS,
) -> tuple[Case, ...]:
    """The node among various neighbours, one case each; none where a case cannot hold it.

    That is so for subgraphs and tensors as attributes, outputs that are left out, inputs that are not static, and types
    that ONNX text cannot write or infer.

    Args:
        node: of `graph`.
        graph: the view that the node stands in.
        is_constant: whether a value is constant; that of the graph unless given.
        value_of: the elements of a small constant, or None; those of the graph unless given.
        positions: as `rkgraph.probe.case.case` takes them.
    """
    fixed, elements = is_constant or graph.is_constant, value_of or graph.constant
    args = [_arg(place, node, graph, fixed, elements) for place in range(len(node.inputs))]
    attributes = _attributes(node.attributes)
    outputs = _without_last_empty(node.outputs)
    if attributes is None or not all(outputs) or not any(arg and arg.how == "x" for arg in args) or None in args:
        return ()
    known = [arg for arg in args if arg is not None]
    found = []
    for position in positions:
        try:
            made = _case(node, graph, known, attributes, outputs, position)
        except Exception:  # noqa: BLE001, S112 - onnx's parser and inference raise what they like at what they cannot do
            continue
        digest = hashlib.sha256(made.text.encode()).hexdigest()[:10]
        found.append(replace(made, id=f"{made.op}/seen-{digest},{position}"))
    return tuple(found)


def describe(node: Node, graph: GraphView) -> dict[str, Any]:
    """The node as facts: inputs and outputs by dtype, shape and constness, attributes, opset, and the neighbours."""
    before = (graph.producer(name) for name in node.inputs if name and not graph.is_constant(name))
    after = {reader.op for name in node.outputs if name for reader in graph.consumers(name)}
    return {
        "inputs": [_tensor(name, graph) for name in node.inputs],
        "outputs": [_tensor(name, graph) for name in node.outputs],
        "attributes": {name: value for name, value in sorted(node.attributes.items()) if _is_plain(value)},
        "opset": graph.opset,
        "after": sorted({found.op if found is not None else "input" for found in before}),
        "before": sorted(after) or ["output"],
    }


def _case(  # noqa: PLR0917  # a node, and what is known of it
    node: Node, graph: GraphView, args: Sequence[Arg], attributes: str, outputs: Sequence[str], position: str
) -> Case:
    if node.domain in _STANDARD:
        return case(node.op, "", args, attributes, outputs=len(outputs), position=position, opset=graph.opset)
    first = graph.value(outputs[0])
    result = _typed(first.dtype, first.shape, "x")
    made = case(
        f"{node.domain}::{node.op}",
        "",
        args,
        attributes,
        outputs=len(outputs),
        position=position,
        opset=graph.opset,
        result=result,
    )
    version = f'"" : {graph.opset}]'
    own = f'"" : {graph.opset}, "{node.domain}" : {graph.opsets.get(node.domain, 1)}]'
    return replace(made, text=made.text.replace(version, own, 1))


def _arg(
    place: int,
    node: Node,
    graph: GraphView,
    is_constant: Callable[[str], bool],
    value_of: Callable[[str], Constant | None],
) -> Arg | None:
    """The input as an argument of a case; None where it is not static or has no type that ONNX text writes."""
    name = node.inputs[place]
    if not name:
        return ABSENT
    value = graph.value(name)
    if not is_constant(name):
        again = place > 0 and name == node.inputs[0]
        return AGAIN if again else _typed(value.dtype, value.shape, "x")
    arg = _typed(value.dtype, value.shape, "w")
    constant = value_of(name)
    if arg is None or constant is None or not _is_copied(constant):
        return arg if arg is not None and math.prod(arg.shape) <= _LARGEST_WEIGHT else None
    maker = graph.producer(name)
    how = "n" if maker is not None and maker.op == "Constant" else "c"
    return replace(arg, how=how, values=tuple(1 if each is True else each for each in constant.values))


def _is_copied(constant: Constant) -> bool:
    values = constant.values
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in values):
        return False
    return len(values) <= _LARGEST_FLOATS or not any(isinstance(each, float) for each in values)


def _typed(dtype: str | None, shape: Sequence[Any] | None, how: str) -> Arg | None:
    sizes = tuple(size for size in shape or () if isinstance(size, int))
    name = _TEXT_NAMES.get(dtype or "", dtype or "")
    if shape is None or len(sizes) != len(shape) or name not in CODES:
        return None
    return Arg(how, name, sizes)


def _without_last_empty(names: Sequence[str]) -> Sequence[str]:
    count = max((place + 1 for place, name in enumerate(names) if name), default=0)
    return names[:count]


def _attributes(attributes: Mapping[str, Any]) -> str | None:
    """Attributes in ONNX text; None where one has no plain value."""
    if not all(_is_plain(value) for value in attributes.values()):
        return None
    return ", ".join(f"{name} = {_written(value)}" for name, value in sorted(attributes.items()))


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(not isinstance(item, tuple) and _is_plain(item) for item in value)
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _tensor(name: str, graph: GraphView) -> dict[str, Any] | None:
    if not name:
        return None
    value = graph.value(name)
    found: dict[str, Any] = {"dtype": value.dtype, "shape": None if value.shape is None else list(value.shape)}
    if graph.is_constant(name):
        constant = graph.constant(name)
        found["constant"] = list(constant.values) if constant is not None and len(constant.values) <= 16 else True
    return found
