"""A node of a user's model as a case of its own: the same operator, attributes, dtypes, shapes and constants.

Names and weights of the model do not go into it; small constants do, for they are lengths, axes and the like.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rkgraph.probe.case import ABSENT, CODES, Arg, Case, case

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["cases_of", "describe"]

POSITIONS = ("between", "inside", "alone")

_TEXT_NAMES = {"float32": "float", "float64": "double"}
_LARGEST_WEIGHT = 1 << 26  # elements: what a case can be asked to invent


def cases_of(node: Node, graph: GraphView) -> tuple[Case, ...]:
    """The node among various neighbours, one case each; none where a case cannot hold it.

    That is so for subgraphs and tensors as attributes, inputs that are not static, and types that ONNX text cannot
    write or infer.
    """
    args = [_arg(name, graph) for name in node.inputs]
    attributes = _attributes(node.attributes)
    if attributes is None or any(arg is None for arg in args) or not any(arg and arg.how == "x" for arg in args):
        return ()
    known = [arg for arg in args if arg is not None]
    op = node.op if node.domain in ("", "ai.onnx") else f"{node.domain}::{node.op}"
    opset = graph.opset if node.domain in ("", "ai.onnx") else graph.opsets.get(node.domain, 1)
    found = []
    for position in POSITIONS:
        try:
            made = case(op, "", known, attributes, outputs=len(node.outputs), position=position, opset=opset)
        except Exception:  # noqa: BLE001, S112 - onnx's parser and inference raise what they like at what they cannot do
            continue
        digest = hashlib.sha256(made.text.encode()).hexdigest()[:10]
        found.append(replace(made, id=f"{op}/seen-{digest},{position}"))
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


def _arg(name: str, graph: GraphView) -> Arg | None:
    """The input as an argument of a case; None where it is not static or has no type that ONNX text writes."""
    if not name:
        return ABSENT
    value = graph.value(name)
    shape = tuple(size for size in value.shape or () if isinstance(size, int))
    dtype = _TEXT_NAMES.get(value.dtype or "", value.dtype or "")
    if value.shape is None or len(shape) != len(value.shape) or dtype not in CODES:
        return None
    if not graph.is_constant(name):
        return Arg("x", dtype, shape)
    constant = graph.constant(name)
    if constant is not None and all(isinstance(each, int | float) and math.isfinite(each) for each in constant.values):
        return Arg("c", dtype, shape, tuple(each if each is not True else 1 for each in constant.values))
    return Arg("w", dtype, shape) if math.prod(shape) <= _LARGEST_WEIGHT else None


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
