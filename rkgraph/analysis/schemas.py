"""What changes for a node when the model declares an older opset: decided from onnx's own operator schemas."""

from __future__ import annotations

from typing import Any

from rkgraph.graph.proto import native, pb
from rkgraph.graph.view import GraphView, Node

__all__ = ["MEANS_SOMETHING_ELSE", "STANDARD", "default_of", "first_opset", "unchanged", "why_not_in"]

STANDARD = ("", "ai.onnx")

# Operators whose meaning changed at a version, though a node of it may look the same before (ONNX changelog).
# All other new versions since 17 allow more dtypes, or have more attributes or inputs.
MEANS_SOMETHING_ELSE = {
    "DFT": 20,  # the axis became an input
    "GridSample": 20,  # the modes bilinear and bicubic became linear and cubic
    "GroupNormalization": 21,  # scale and bias by channel, no longer by group
}

_IMAGES = 4
_NEWEST = 25  # no lowering writes an operator that is newer

_TENSORS = {
    "float32": "float", "float64": "double", "float16": "float16", "bfloat16": "bfloat16",
    "complex64": "complex64", "complex128": "complex128", "string": "string", "bool": "bool",
}  # fmt: skip


def why_not_in(opset: int, node: Node, graph: GraphView) -> str | None:
    """Why `node` of `graph` cannot stand as it is in a model of `opset`; None if it means the same there.

    Nodes of other domains do not depend on the opset of the standard domain.
    """
    if node.domain not in STANDARD or graph.opset <= opset:
        return None
    new, old = _schema(node.op, graph.opset), _schema(node.op, opset)
    if new is None:
        return f"{node.op} is not known to this version of onnx"
    if old is None:
        return f"{node.op} exists from opset {_first_version(node.op, graph.opset)} on"
    return None if old.since_version == new.since_version else _what_changed(node, graph, old, new)


def unchanged(opset: int, node: Node, graph: GraphView) -> bool:
    """Whether the operator of `node` is of the same version in `opset`, older or newer, as in that of `graph`."""
    if node.domain not in STANDARD:
        return True
    here, there = _schema(node.op, graph.opset), _schema(node.op, opset)
    return here is not None and there is not None and here.since_version == there.since_version


def first_opset(op: str, opset: int) -> int:
    """The first opset that has the operator of the standard domain, `opset` itself if that one has it."""
    newest = opset
    while _schema(op, newest) is None and newest < _NEWEST:
        newest += 1
    return newest


def default_of(op: str, opset: int, attribute: str) -> float | int | None:
    """The default of an attribute that is a number, in the standard domain; None where it has none."""
    schema = _schema(op, opset)
    declared = None if schema is None else schema.attributes.get(attribute)
    if declared is None or not declared._default_value:  # the property beside it needs the whole onnx package
        return None
    default = pb.AttributeProto.FromString(declared._default_value)
    kinds: dict[int, float | int] = {pb.AttributeProto.FLOAT: default.f, pb.AttributeProto.INT: default.i}
    return kinds.get(default.type)


def _what_changed(node: Node, graph: GraphView, old: Any, new: Any) -> str | None:
    """What the node uses that the older version of its operator does not have."""
    changed = MEANS_SOMETHING_ELSE.get(node.op, 0)
    if old.since_version < changed <= new.since_version and not _means_the_same(node, graph):
        return f"{node.op} means something else before opset {changed}"
    strange = sorted(name for name in node.attributes if name not in old.attributes)
    if strange:
        return f"{node.op} has no attribute {strange[0]!r} before opset {new.since_version}"
    if len(node.inputs) > old.max_input or len(node.outputs) > old.max_output:
        return f"{node.op} has fewer inputs or outputs before opset {new.since_version}"
    return _dtype_trouble(node, graph, old, new)


def _means_the_same(node: Node, graph: GraphView) -> bool:
    """A GridSample of images by its default mode, or the nearest number: these are called alike in both versions."""
    shape = graph.value(node.inputs[0]).shape
    return node.op == "GridSample" and node.attributes.get("mode") in (None, "nearest") and len(shape or ()) == _IMAGES


def _dtype_trouble(node: Node, graph: GraphView, old: Any, new: Any) -> str | None:
    for names, formal in ((node.inputs, old.inputs), (node.outputs, old.outputs)):
        for index, name in enumerate(names):
            dtype = graph.value(name).dtype if name else None
            if dtype is None or not formal:
                continue
            types = formal[min(index, len(formal) - 1)].types
            if f"tensor({_TENSORS.get(dtype, dtype)})" not in types:
                return f"{node.op} takes no {dtype} before opset {new.since_version}"
    return None


def _schema(op: str, opset: int) -> Any:
    try:
        return native.defs.get_schema(op, opset, "")
    except native.defs.SchemaError:
        return None


def _first_version(op: str, opset: int) -> int:
    """The version in which the operator came."""
    schema = _schema(op, opset)
    while schema is not None:
        opset = schema.since_version
        schema = _schema(op, opset - 1) if opset > 1 else None
    return opset
