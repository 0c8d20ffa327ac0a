"""Reads FlatBuffers from files that nobody vouches for: every offset is held against the end, every list bounded.

The format (https://flatbuffers.dev/internals/): tables with a vtable of 16-bit offsets, vectors and strings with a
32-bit length, little-endian. The reader of the `flatbuffers` package checks none of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["BrokenBufferError", "Bytes", "Table"]

Bytes = bytes | memoryview
MOST = 1 << 20
"""Longer lists and texts are refused: models have a few thousand nodes."""

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")


class BrokenBufferError(ValueError):
    """An offset leads out of the buffer, or a list is longer than a model can be."""


class Table:
    """A table of a buffer. Fields are named by their place in the schema, from 0; one that is not there is empty."""

    def __init__(self, data: Bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._fields = place - _read(_I32, data, place)
        self._size = _read(_U16, data, self._fields)

    @staticmethod
    def root(data: Bytes) -> Table:
        """The outermost table."""
        return Table(data, _read(_U32, data, 0))

    def text(self, field: int) -> str:
        """A text, bytes that are no UTF-8 replaced."""
        start, size = self._list(field, 1)
        return bytes(self._data[start : start + size]).decode("utf-8", "replace")

    def byte(self, field: int) -> int:
        """A small number, 0 where it is not there."""
        place = self._offset(field)
        if not place:
            return 0
        if not 0 <= place < len(self._data):
            raise BrokenBufferError("a number lies outside")
        return self._data[place]

    def numbers(self, field: int) -> tuple[int, ...]:
        """A list of whole numbers."""
        start, size = self._list(field, 4)
        return struct.unpack_from(f"<{size}i", self._data, start)

    def floats(self, field: int) -> tuple[float, ...]:
        """A list of numbers in single precision."""
        start, size = self._list(field, 4)
        return struct.unpack_from(f"<{size}f", self._data, start)

    def tables(self, field: int) -> Iterator[Table]:
        """A list of tables."""
        start, size = self._list(field, 4)
        for place in range(start, start + 4 * size, 4):
            yield Table(self._data, place + _read(_U32, self._data, place))

    def _offset(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        offset = _read(_U16, self._data, self._fields + entry)
        return self._place + offset if offset else 0

    def _list(self, field: int, width: int) -> tuple[int, int]:
        """Where the elements of a list begin, and how many there are."""
        place = self._offset(field)
        if not place:
            return 0, 0
        start = place + _read(_U32, self._data, place)
        size = _read(_U32, self._data, start)
        if size > MOST or start + 4 + width * size > len(self._data):
            raise BrokenBufferError(f"a list of {size} elements does not fit")
        return start + 4, size


def _read(kind: struct.Struct, data: Bytes, place: int) -> int:
    if place < 0 or place + kind.size > len(data):
        raise BrokenBufferError(f"an offset leads to byte {place} of {len(data)}")
    number: int = kind.unpack_from(data, place)[0]
    return number
