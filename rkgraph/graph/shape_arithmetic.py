"""The operators that exporters put between a Shape and an input that is a length, evaluated in plain Python.

Values are small tensors of whole numbers and truth values, of any rank: torch writes the pads of a Pad as a matrix that
is reversed and transposed. What an operator does not allow raises, and counts as not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from rkgraph.graph.proto import pb
from rkgraph.graph.tensors import SMALL
from rkgraph.records import Record

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["BOOL", "INT32", "INT64", "OPERATORS", "ShapeValue", "attribute", "of_tensor"]

INT32, INT64, BOOL = 6, 7, 9  # onnx.TensorProto.DataType
WIDTHS = {INT32: 4, INT64: 8, BOOL: 1}

Shape = tuple[int, ...]


class ShapeValue(Record):
    """A small tensor of int32, int64 or bool; `dtype` is onnx's number, `items` are in row-major order."""

    dtype: int
    shape: Shape
    items: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.items) != math.prod(self.shape):
            raise ValueError(f"{len(self.items)} items for {self.shape}")

    @property
    def scalar(self) -> int:
        """The one element. Raises ValueError where there are more."""
        (item,) = self.items
        return item

    def at(self, place: Sequence[int]) -> int:
        """The element at a place, one index an axis, none negative."""
        position = 0
        for size, index in zip(self.shape, place, strict=True):
            position = position * size + index
        return self.items[position]


Inputs = Sequence["ShapeValue | None"]
Evaluate = Callable[["NodeProto", "list[ShapeValue]"], ShapeValue]


def of_tensor(tensor: TensorProto) -> ShapeValue | None:
    """A small tensor of whole numbers or truth values that lies in the model; None for any other."""
    width = WIDTHS.get(tensor.data_type)
    shape = tuple(tensor.dims)
    if width is None or tensor.data_location == pb.TensorProto.EXTERNAL or not 0 <= math.prod(shape) <= SMALL:
        return None
    raw = tensor.raw_data
    items = (
        tuple(int.from_bytes(raw[i : i + width], "little", signed=width > 1) for i in range(0, len(raw), width))
        if raw
        else tuple(tensor.int64_data if tensor.data_type == INT64 else tensor.int32_data)
    )
    return ShapeValue(tensor.data_type, shape, items) if len(items) == math.prod(shape) else None


def attribute(node: NodeProto, name: str, default: Any) -> Any:
    """The attribute as int, tuple of ints or tensor, or `default`."""
    for found in node.attribute:
        if found.name == name:
            kind = found.type
            return tuple(found.ints) if kind == found.INTS else found.t if kind == found.TENSOR else found.i
    return default


def _cast(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source, to = inputs[0], attribute(node, "to", 0)
    if to not in WIDTHS:
        raise ValueError("not a whole number")
    bits = 8 * WIDTHS[to]
    items = (
        int(item != 0) if to == BOOL else (item + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
        for item in source.items
    )
    return ShapeValue(to, source.shape, tuple(items))


def _axes(node: NodeProto, inputs: list[ShapeValue], rank: int) -> tuple[int, ...] | None:
    """Axes by input 1 or attribute, none negative; None where they are left out."""
    axes = inputs[1].items if len(inputs) > 1 else attribute(node, "axes", None)
    return None if axes is None else tuple(axis % rank for axis in axes)


def _unsqueeze(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source = inputs[0]
    given = inputs[1].items if len(inputs) > 1 else attribute(node, "axes", ())
    axes = _axes(node, inputs, len(source.shape) + len(given)) or ()
    sizes = iter(source.shape)
    shape = tuple(1 if axis in axes else next(sizes) for axis in range(len(source.shape) + len(axes)))
    return ShapeValue(source.dtype, shape, source.items)


def _squeeze(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source = inputs[0]
    axes = _axes(node, inputs, len(source.shape))
    gone = [axis for axis, size in enumerate(source.shape) if (size == 1 if axes is None else axis in axes)]
    return ShapeValue(source.dtype, tuple(s for axis, s in enumerate(source.shape) if axis not in gone), source.items)


def _reshape(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source, target = inputs[0], list(inputs[1].items)
    if not attribute(node, "allowzero", 0):
        target = [source.shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    known = math.prod(size for size in target if size != -1)
    shape = tuple(len(source.items) // known if size == -1 else size for size in target)
    return ShapeValue(source.dtype, shape, source.items)


def _flatten(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source, axis = inputs[0], attribute(node, "axis", 1)
    axis += len(source.shape) if axis < 0 else 0
    return ShapeValue(source.dtype, (math.prod(source.shape[:axis]), math.prod(source.shape[axis:])), source.items)


def _built(dtype: int, shape: Shape, item: Callable[[Sequence[int]], int]) -> ShapeValue:
    """A value whose element at each place is `item(place)`."""
    if math.prod(shape) > SMALL:
        raise ValueError("too large to be a shape")
    return ShapeValue(dtype, shape, tuple(item(place) for place in product(*map(range, shape))))


def _transpose(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source = inputs[0]
    order = attribute(node, "perm", tuple(reversed(range(len(source.shape)))))
    shape = tuple(source.shape[axis] for axis in order)
    return _built(source.dtype, shape, lambda place: source.at([place[order.index(a)] for a in range(len(order))]))


def _gather(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source, rows = inputs[0], inputs[1]
    axis, rank = attribute(node, "axis", 0) % len(source.shape), len(rows.shape)
    if any(not -source.shape[axis] <= row < source.shape[axis] for row in rows.items):
        raise IndexError("no such row")

    def item(place: Sequence[int]) -> int:
        row = rows.at(place[axis : axis + rank]) % source.shape[axis]
        return source.at((*place[:axis], row, *place[axis + rank :]))

    return _built(source.dtype, (*source.shape[:axis], *rows.shape, *source.shape[axis + 1 :]), item)


def _concat(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    first = inputs[0]
    axis = attribute(node, "axis", 0) % len(first.shape)
    ends = [sum(part.shape[axis] for part in inputs[: n + 1]) for n in range(len(inputs))]

    def item(place: Sequence[int]) -> int:
        number = next(n for n, end in enumerate(ends) if place[axis] < end)
        own = place[axis] - (ends[number] - inputs[number].shape[axis])
        return inputs[number].at((*place[:axis], own, *place[axis + 1 :]))

    return _built(first.dtype, (*first.shape[:axis], ends[-1], *first.shape[axis + 1 :]), item)


def _slice(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source = inputs[0]
    given = [value.items for value in inputs[1:]] or [attribute(node, name, ()) for name in ("starts", "ends")]
    starts, ends = given[:2]
    axes = given[2] if len(given) > 2 else attribute(node, "axes", tuple(range(len(starts))))
    steps = given[3] if len(given) > 3 else (1,) * len(starts)
    places = [range(size) for size in source.shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places[axis] = range(source.shape[axis])[start:end:step]  # Python counts and clamps as ONNX does
    shape = tuple(len(rows) for rows in places)
    return _built(
        source.dtype, shape, lambda place: source.at([rows[i] for rows, i in zip(places, place, strict=True)])
    )


def _constant_of_shape(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    fill = of_tensor(attribute(node, "value", pb.TensorProto()))
    if fill is None:
        raise ValueError("not a whole number")
    return _built(fill.dtype, inputs[0].items, lambda _place: fill.scalar)


def _expand(_node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    source = inputs[0]
    shape = _broadcast([source.shape, inputs[1].items])
    return _built(source.dtype, shape, lambda place: source.at(_within(place, source.shape)))


def _range(_node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    found = range(*(value.scalar for value in inputs))
    if len(found) > SMALL:
        raise ValueError("too large to be a shape")
    return ShapeValue(inputs[0].dtype, (len(found),), tuple(found))


def _reduced(fold: Callable[[Iterator[int]], int]) -> Evaluate:
    def evaluate(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
        source = inputs[0]
        rank = len(source.shape)
        axes = _axes(node, inputs, rank)
        gone = axes or tuple(range(rank))
        if not axes and attribute(node, "noop_with_empty_axes", 0):
            return source
        kept = tuple(1 if axis in gone else size for axis, size in enumerate(source.shape))
        columns = [range(source.shape[axis]) if axis in gone else None for axis in range(rank)]

        def item(place: Sequence[int]) -> int:
            rows = [column or (place[axis],) for axis, column in enumerate(columns)]
            return fold(source.at(each) for each in product(*rows))

        made = _built(source.dtype, kept, item)
        if attribute(node, "keepdims", 1):
            return made
        return ShapeValue(made.dtype, tuple(s for axis, s in enumerate(kept) if axis not in gone), made.items)

    return evaluate


def _elementwise(compute: Callable[..., int], dtype: int | None = None) -> Evaluate:
    def evaluate(_node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
        shape = _broadcast([value.shape for value in inputs])

        def item(place: Sequence[int]) -> int:
            return int(compute(*(value.at(_within(place, value.shape)) for value in inputs)))

        return _built(dtype or inputs[-1].dtype, shape, item)

    return evaluate


def _broadcast(shapes: Sequence[Sequence[int]]) -> Shape:
    rank = max(map(len, shapes))
    columns = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    sizes = []
    for column in columns:
        wide = {size for size in column if size != 1} or {1}
        if len(wide) > 1:
            raise ValueError("shapes that do not broadcast")
        sizes.append(wide.pop())
    return tuple(sizes)


def _within(place: Sequence[int], shape: Shape) -> list[int]:
    """The place in a tensor of `shape` that is broadcast."""
    own = place[len(place) - len(shape) :]
    return [0 if size == 1 else index for index, size in zip(own, shape, strict=True)]


def _truncated(a: int, b: int) -> int:
    """Division of whole numbers as in C, which is what ONNX says."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _mod(node: NodeProto, inputs: list[ShapeValue]) -> ShapeValue:
    """The sign is that of the divisor, or with `fmod` that of the dividend."""
    as_in_c = bool(attribute(node, "fmod", 0))
    compute: Callable[[int, int], int] = (lambda a, b: a - b * _truncated(a, b)) if as_in_c else (lambda a, b: a % b)
    return _elementwise(compute)(node, inputs)


OPERATORS: Mapping[str, Evaluate] = {
    "Identity": lambda _node, inputs: inputs[0],
    "Cast": _cast,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Range": _range,
    "ReduceProd": _reduced(math.prod),
    "ReduceSum": _reduced(sum),
    "ReduceMax": _reduced(max),
    "ReduceMin": _reduced(min),
    "Add": _elementwise(lambda a, b: a + b),
    "Sub": _elementwise(lambda a, b: a - b),
    "Mul": _elementwise(lambda a, b: a * b),
    "Div": _elementwise(_truncated),
    "Mod": _mod,
    "Neg": _elementwise(lambda a: -a),
    "Abs": _elementwise(abs),
    "Max": _elementwise(lambda *row: max(row)),
    "Min": _elementwise(lambda *row: min(row)),
    "Equal": _elementwise(lambda a, b: a == b, BOOL),
    "Greater": _elementwise(lambda a, b: a > b, BOOL),
    "GreaterOrEqual": _elementwise(lambda a, b: a >= b, BOOL),
    "Less": _elementwise(lambda a, b: a < b, BOOL),
    "LessOrEqual": _elementwise(lambda a, b: a <= b, BOOL),
    "Not": _elementwise(lambda a: not a, BOOL),
    "And": _elementwise(lambda a, b: a and b, BOOL),
    "Or": _elementwise(lambda a, b: a or b, BOOL),
    "Where": _elementwise(lambda condition, a, b: a if condition else b),
}
"""By name: a function of the node and the values of all its inputs, which may raise ValueError, IndexError,
ZeroDivisionError, OverflowError or TypeError for what the operator does not allow."""
