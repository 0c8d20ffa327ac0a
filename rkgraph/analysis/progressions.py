"""Tables of whole numbers that follow a rule: each axis adds a fixed step, as indices of frames of a signal do.

The table of a second of sound has forty thousand numbers, which lint does not read with the model. It is read here
when a rule asks, and compared row by row with what the first numbers promise.
"""

from __future__ import annotations

import math
import sys
from array import array
from itertools import product
from typing import TYPE_CHECKING

from rkgraph.errors import ModelError
from rkgraph.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rkgraph.graph.view import GraphView, ModelView, Node

__all__ = ["Progression", "progression"]

MOST = 1 << 20
"""Elements of a table that are read; frames of a minute of sound at 16 kHz, overlapping by half, are two million."""

LARGEST = 1 << 31

_CODES = {"int32": "i", "int64": "q"}
_DEEPEST = 8


class Progression(Record):
    """Whole numbers base + Σ index[i] · steps[i] of a shape; the step of an axis of one element is 0."""

    base: int
    steps: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number at the last place."""
        return self.base + sum(step * (size - 1) for step, size in zip(self.steps, self.shape, strict=True))


def progression(model: ModelView, graph: GraphView, name: str, deep: int = 0) -> Progression | None:
    """The constant `name` as a progression; None where it is none, or is not known.

    A constant of any size up to `MOST` elements, and what Add, Sub, Mul by one number, Cast, Identity, Unsqueeze and
    Reshape make of such constants where only sizes of 1 come and go: what exporters leave of `arange`.
    """
    small = graph.constant(name)
    if small is not None:
        code = _CODES.get(small.dtype)
        return _of(array(code, small.values).tobytes(), small.shape, code) if code and small.values else None
    if name in graph.stored:
        return _read(model, graph, name)
    node = graph.producer(name)
    known = node is not None and deep < _DEEPEST and node.domain in ("", "ai.onnx")
    return _computed(model, graph, node, deep) if known and node else None


def _computed(model: ModelView, graph: GraphView, node: Node, deep: int) -> Progression | None:
    def operand(place: int) -> Progression | None:
        return progression(model, graph, node.inputs[place], deep + 1)

    if node.op in ("Add", "Sub", "Mul"):
        return _joined(node.op, operand(0), operand(1))
    if node.op in ("Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape"):
        value = graph.value(node.outputs[0])
        return _reshaped(operand(0), value.shape) if value.dtype in _CODES else None
    return None


def _read(model: ModelView, graph: GraphView, name: str) -> Progression | None:
    value = graph.value(name)
    shape = tuple(size for size in value.shape or () if isinstance(size, int))
    data, code, count = graph.stored[name], _CODES.get(value.dtype or ""), math.prod(shape)
    if code is None or not 0 < count <= MOST:
        return None
    try:
        if not isinstance(data, bytes):
            if model.read is None or data.field != "raw_data":
                return None
            data = model.read(data, name)
    except ModelError:  # the file went away; whoever needs the weights will say so
        return None
    if len(data) != count * array(code).itemsize:
        return None
    if sys.byteorder == "big":
        numbers = array(code, data)
        numbers.byteswap()
        data = numbers.tobytes()
    return _of(data, shape, code)


def _of(data: bytes, shape: tuple[int, ...], code: str) -> Progression | None:
    """The numbers of `data`, row-major, as a progression."""
    numbers = array(code, data)
    stride, steps = 1, []
    for size in reversed(shape):
        steps.append(numbers[stride] - numbers[0] if size > 1 else 0)
        stride *= size
    found = Progression(numbers[0], tuple(reversed(steps)), shape)
    reach = sum(abs(step) * size for step, size in zip(found.steps, shape, strict=True))
    if abs(found.base) + reach >= LARGEST:  # no place in a tensor that fits anywhere
        return None
    width = shape[-1] if shape else 1
    row_of, seen = _rows(found, width, code), memoryview(numbers)
    starts = product(*(range(size) for size in shape[:-1]))
    for number, place in enumerate(starts):
        begin = found.base + sum(index * step for index, step in zip(place, found.steps, strict=False))
        if seen[number * width : (number + 1) * width] != row_of(begin):
            return None
    return found


def _rows(found: Progression, width: int, code: str) -> Callable[[int], Sequence[int]]:
    step = found.steps[-1] if found.steps else 0
    if not step:
        return lambda begin: memoryview(array(code, [begin]) * width)
    return lambda begin: memoryview(array(code, range(begin, begin + step * width, step)))


def _joined(op: str, one: Progression | None, other: Progression | None) -> Progression | None:
    """The sum, difference or product of two progressions, broadcast; a product by one number only."""
    if one is None or other is None:
        return None
    if op == "Mul":
        factor, table = (other, one) if any(one.steps) else (one, other)
        if any(factor.steps):
            return None
        one, other = _times(table, factor.base), _times(factor, 0)
    elif op == "Sub":
        other = _times(other, -1)
    rank = max(len(one.shape), len(other.shape))
    one, other = _of_rank(one, rank), _of_rank(other, rank)
    if any(a != b and 1 not in (a, b) for a, b in zip(one.shape, other.shape, strict=True)):
        return None
    shape = tuple(max(a, b) for a, b in zip(one.shape, other.shape, strict=True))
    return Progression(one.base + other.base, tuple(map(int.__add__, one.steps, other.steps)), shape)


def _times(found: Progression, factor: int) -> Progression:
    return Progression(found.base * factor, tuple(step * factor for step in found.steps), found.shape)


def _of_rank(found: Progression, rank: int) -> Progression:
    """The same with axes of size 1 in front."""
    more = rank - len(found.shape)
    return Progression(found.base, (0,) * more + found.steps, (1,) * more + found.shape)


def _reshaped(found: Progression | None, shape: Sequence[object] | None) -> Progression | None:
    """The same with axes of size 1 put in or left out."""
    if found is None or shape is None:
        return None
    sizes = tuple(size for size in shape if isinstance(size, int))
    kept = [(size, step) for size, step in zip(found.shape, found.steps, strict=True) if size != 1]
    if len(sizes) < len(shape) or [size for size, _ in kept] != [size for size in sizes if size != 1]:
        return None
    steps = iter(step for _, step in kept)
    return Progression(found.base, tuple(0 if size == 1 else next(steps) for size in sizes), sizes)
