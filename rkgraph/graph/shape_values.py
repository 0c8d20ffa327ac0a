"""What the shape arithmetic of a model comes to, where it can be told: whole numbers, scalars and short vectors.

onnx's own data propagation knows Shape, Gather, Concat and a few more, and hands no result to Slice, Expand or Range.
This evaluates the operators that exporters put between a Shape and such an input, in plain Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.proto import pb
from rkgraph.graph.tensors import SMALL

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

__all__ = ["ShapeValue", "shape_values"]

INT32, INT64, BOOL = 6, 7, 9  # onnx.TensorProto.DataType
WIDTHS = {INT32: 4, INT64: 8, BOOL: 1}


@dataclass(frozen=True)
class ShapeValue:
    """A scalar (`rank` 0) or a vector (`rank` 1) of int32, int64 or bool; `dtype` is onnx's number."""

    dtype: int
    rank: int
    items: tuple[int, ...]


Static = Mapping[str, tuple[int | None, ...]]
_Evaluate = Callable[["NodeProto", "Sequence[ShapeValue | None]"], "ShapeValue | None"]


def shape_values(graph: GraphProto, shapes: Static) -> dict[str, ShapeValue]:
    """Name → value, for constants and for what nodes compute from them and from static `shapes`."""
    known = {tensor.name: value for tensor in graph.initializer if (value := _of_tensor(tensor)) is not None}
    for node in graph.node:
        if node.domain in ("", "ai.onnx") and len(node.output) == 1:
            value = _evaluate(node, known, shapes)
            if value is not None and len(value.items) <= SMALL:
                known[node.output[0]] = value
    return known


def _evaluate(node: NodeProto, known: Mapping[str, ShapeValue], shapes: Static) -> ShapeValue | None:
    if node.op_type == "Constant":
        return next((_of_tensor(a.t) for a in node.attribute if a.name == "value"), None)
    if node.op_type == "Shape":
        return _shape_of(node, shapes.get(node.input[0]))
    if node.op_type == "Size":
        return _size_of(shapes.get(node.input[0]))
    inputs = [known.get(name) for name in node.input]
    evaluate = _OPERATORS.get(node.op_type)
    if evaluate is None or not inputs or inputs[0] is None:
        return None
    try:
        return evaluate(node, inputs)
    except (IndexError, ValueError, ZeroDivisionError, OverflowError):
        return None  # not what the operator allows: the checker's business


def _shape_of(node: NodeProto, shape: tuple[int | None, ...] | None) -> ShapeValue | None:
    if shape is None:
        return None
    wanted = shape[slice(_attribute(node, "start", None), _attribute(node, "end", None))]
    sizes = tuple(size for size in wanted if size is not None)
    return ShapeValue(INT64, 1, sizes) if len(sizes) == len(wanted) else None


def _size_of(shape: tuple[int | None, ...] | None) -> ShapeValue | None:
    sizes = [size for size in shape or () if size is not None]
    return ShapeValue(INT64, 0, (math.prod(sizes),)) if shape is not None and len(sizes) == len(shape) else None


def _attribute(node: NodeProto, name: str, default: int | None) -> int | None:
    return next((a.i for a in node.attribute if a.name == name), default)


def _of_tensor(tensor: TensorProto) -> ShapeValue | None:
    width = WIDTHS.get(tensor.data_type)
    if width is None or len(tensor.dims) > 1 or tensor.data_location == pb.TensorProto.EXTERNAL:
        return None
    count = tensor.dims[0] if tensor.dims else 1
    raw = tensor.raw_data
    items = (
        tuple(int.from_bytes(raw[i : i + width], "little", signed=width > 1) for i in range(0, len(raw), width))
        if raw
        else tuple(tensor.int64_data if tensor.data_type == INT64 else tensor.int32_data)
    )
    return ShapeValue(tensor.data_type, len(tensor.dims), items) if len(items) == count else None


def _same(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    return inputs[0]


def _cast(node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source, to = inputs[0], _attribute(node, "to", 0)
    if source is None or to not in WIDTHS:
        return None
    items = tuple(int(item != 0) for item in source.items) if to == BOOL else source.items
    return ShapeValue(to, source.rank, items)


def _unsqueeze(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source = inputs[0]
    return ShapeValue(source.dtype, 1, source.items) if source and source.rank == 0 else None


def _squeeze(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source = inputs[0]
    return ShapeValue(source.dtype, 0, source.items) if source and len(source.items) == 1 else None


def _reshape(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source, target = inputs[0], inputs[1]
    return ShapeValue(source.dtype, 1, source.items) if source and target and len(target.items) == 1 else None


def _gather(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source, places = inputs[0], inputs[1]
    if source is None or places is None or source.rank != 1:
        return None
    return ShapeValue(source.dtype, places.rank, tuple(source.items[place] for place in places.items))


def _concat(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    parts = [part for part in inputs if part is not None and part.rank == 1]
    if len(parts) < len(inputs):
        return None
    return ShapeValue(parts[0].dtype, 1, tuple(item for part in parts for item in part.items))


def _slice(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    source, start, end = inputs[0], inputs[1], inputs[2]
    step = inputs[4] if len(inputs) > 4 else ShapeValue(INT64, 1, (1,))
    if source is None or start is None or end is None or step is None or source.rank != 1 or step.items[0] < 1:
        return None
    return ShapeValue(source.dtype, 1, source.items[start.items[0] : end.items[0] : step.items[0]])


def _constant_of_shape(node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    size, fill = inputs[0], next((_of_tensor(a.t) for a in node.attribute if a.name == "value"), None)
    if size is None or fill is None or len(size.items) != 1 or size.items[0] > SMALL:
        return None
    return ShapeValue(fill.dtype, 1, fill.items * size.items[0])


def _range(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
    start, limit, step = inputs
    if start is None or limit is None or step is None or any(len(v.items) != 1 for v in (start, limit, step)):
        return None
    found = range(start.items[0], limit.items[0], step.items[0])
    return ShapeValue(start.dtype, 1, tuple(found)) if len(found) <= SMALL else None


def _elementwise(compute: Callable[..., int], dtype: int | None = None) -> _Evaluate:
    def evaluate(_node: NodeProto, inputs: Sequence[ShapeValue | None]) -> ShapeValue | None:
        given = [value for value in inputs if value is not None]
        length = max(len(value.items) for value in given)
        if len(given) < len(inputs) or any(len(value.items) not in (1, length) for value in given):
            return None
        columns = (value.items * (length if len(value.items) == 1 else 1) for value in given)
        items = tuple(int(compute(*row)) for row in zip(*columns, strict=True))
        return ShapeValue(dtype or given[-1].dtype, max(value.rank for value in given), items)

    return evaluate


def _truncated(a: int, b: int) -> int:
    """Division of whole numbers as in C, which is what ONNX says."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_OPERATORS: Mapping[str, _Evaluate] = {
    "Identity": _same,
    "Cast": _cast,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Add": _elementwise(lambda a, b: a + b),
    "Sub": _elementwise(lambda a, b: a - b),
    "Mul": _elementwise(lambda a, b: a * b),
    "Div": _elementwise(_truncated),
    "Max": _elementwise(lambda *row: max(row)),
    "Min": _elementwise(lambda *row: min(row)),
    "Equal": _elementwise(lambda a, b: a == b, BOOL),
    "Where": _elementwise(lambda condition, a, b: a if condition else b),
}
