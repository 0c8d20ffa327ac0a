"""Reads a model off the disk without its weights: a walk over the protobuf wire format of a memory map.

The bytes of every large tensor are left out and replaced by an external-data reference to the file itself, so that
inline and external weights look alike to all that follows. Only the pages between the weights are touched.

Wire format: https://protobuf.dev/programming-guides/encoding. Field numbers: onnx.proto3 of onnx.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rkgraph.errors import ModelError

__all__ = [
    "DATA_FIELDS",
    "FIELD_KEY",
    "INLINE_LIMIT",
    "LOCATED_KEY",
    "PATHS",
    "SELF",
    "Field",
    "fields",
    "not_a_model",
    "open_map",
    "skim",
    "tagged",
    "varint",
]

INLINE_LIMIT = 10 * 1024
"""Bytes of tensor data that stay inline: 1024 elements of at most ten bytes, the longest varint."""

SELF = "rkgraph:self"
"""The location of a reference into the model file itself."""

FIELD_KEY = "rkgraph:field"
"""The key of a reference that names the tensor's field ("raw_data", "int32_data", …) that was left out."""

LOCATED_KEY = "rkgraph:located"
"""The key of a reference whose tensor stated its data_location, though it was the default."""

DATA_FIELDS = {"float_data": 4, "int32_data": 5, "int64_data": 7, "raw_data": 9, "double_data": 10, "uint64_data": 11}
"""The fields of a TensorProto that hold elements as one run of bytes, and their numbers."""

_MAX_DEPTH = 100  # protobuf's own limit on nested messages

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

PATHS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
}
"""The fields that lead to tensors: message → field number → message."""

_TENSOR_DATA = {number: name for name, number in DATA_FIELDS.items()}
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1


class Field(NamedTuple):
    """A field of a message: where its tag starts, where its payload starts and ends."""

    number: int
    wire: int
    start: int  # of the tag
    body: int  # of the payload
    end: int


class _Malformed(ValueError):
    """The bytes are not a protobuf message."""


def open_map(path: Path) -> mmap.mmap:
    """Map the file at `path` into memory, read-only.

    Raises:
        ModelError: it does not exist, is a folder, is empty or cannot be read.
    """
    if path.is_dir():
        raise ModelError(f"{path}: is a folder, not an ONNX file", "give the path of the .onnx file in it")
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        hint = "models are read from files: give the path of one" if str(path) == "-" else "check the path"
        raise ModelError(f"{path}: no such file", hint) from None
    except ValueError:
        raise ModelError(f"{path}: the file is empty (0 bytes)", "export or download the model again") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", "check its permissions") from error


def skim(data: mmap.mmap | bytes, path: Path) -> bytes:
    """Serialize the ModelProto in `data` again, without the bytes of tensors larger than INLINE_LIMIT.

    Args:
        data: the whole file.
        path: where it came from, for messages only.

    Returns:
        A ModelProto whose large tensors are external: location SELF, offset and length in `data`, and FIELD_KEY.

    Raises:
        ModelError: the bytes are no protobuf message, or end too early.
    """
    try:
        with memoryview(data) as view:
            return b"".join(_copy(view, 0, len(view), "Model", 0))
    except _Malformed as error:
        raise not_a_model(path, bytes(data[:64]), str(error)) from None


def not_a_model(path: Path, head: bytes, reason: str) -> ModelError:
    """The error for a file that does not parse; `head` is its beginning, to tell text and JSON from damage."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"<") or text.startswith((b"ir_version", b"graph", b"opset_import", b"producer_name")):
        return ModelError(
            f"{path}: not an ONNX model in the binary form, but text or JSON",
            "convert it: python -c \"import onnx, sys; onnx.save(onnx.load(sys.argv[1]), 'model.onnx')\" FILE",
        )
    if head.startswith(b"version https://git-lfs"):
        return ModelError(f"{path}: is a pointer of Git LFS, not the model itself", "git lfs pull")
    if head.startswith(b"RKNN"):
        return ModelError(f"{path}: is a compiled .rknn, not an ONNX model", "give the ONNX model it was made from")
    return ModelError(f"{path}: not an ONNX model, or truncated ({reason})", "export or download the model again")


def _copy(view: memoryview, start: int, end: int, message: str, depth: int) -> Iterator[bytes]:
    """The bytes of one message, large tensors in it replaced. What cannot hold one is copied in long runs."""
    if depth > _MAX_DEPTH:
        raise _Malformed(f"messages nested deeper than {_MAX_DEPTH}")
    if message == "Tensor":
        yield from _copy_tensor(view, start, end)
        return
    inner = PATHS[message]
    run = start
    for field in fields(view, start, end):
        if field.wire == _BYTES and field.number in inner and field.end - field.body > INLINE_LIMIT:
            yield bytes(view[run : field.start])
            body = b"".join(_copy(view, field.body, field.end, inner[field.number], depth + 1))
            yield tagged(field.number, body)
            run = field.end
    yield bytes(view[run:end])


def _copy_tensor(view: memoryview, start: int, end: int) -> Iterator[bytes]:
    parts = list(fields(view, start, end))
    data = [f for f in parts if f.number in _TENSOR_DATA and f.wire == _BYTES]
    if len(data) != 1 or data[0].end - data[0].body <= INLINE_LIMIT:
        yield bytes(view[start:end])  # small, or data in pieces, which no exporter writes
        return
    left_out = data[0]
    yield bytes(view[start : left_out.start])
    yield bytes(view[left_out.end : end])
    entries = {
        "location": SELF,
        "offset": str(left_out.body),
        "length": str(left_out.end - left_out.body),
        FIELD_KEY: _TENSOR_DATA[left_out.number],
    }
    if any(f.number == _DATA_LOCATION for f in parts):
        entries[LOCATED_KEY] = "1"
    for key, value in entries.items():
        yield tagged(_EXTERNAL_DATA, tagged(1, key.encode()) + tagged(2, value.encode()))
    yield varint(_DATA_LOCATION << 3 | _VARINT) + varint(_EXTERNAL)


def fields(view: memoryview, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between `start` and `end`. Raises ValueError where the bytes are no message."""
    position = start
    while position < end:
        tag, body = _read_varint(view, position, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise _Malformed(f"field number 0 at byte {position}")
        if wire == _BYTES:
            length, body = _read_varint(view, body, end)
            stop = body + length
        elif wire == _VARINT:
            _, stop = _read_varint(view, body, end)
        elif wire in (_FIXED32, _FIXED64):
            stop = body + (4 if wire == _FIXED32 else 8)
        else:
            raise _Malformed(f"wire type {wire} at byte {position}")
        if stop > end:
            raise _Malformed(f"field {number} at byte {position} reaches {stop - end} bytes past the end")
        yield Field(number, wire, position, body, stop)
        position = stop


def _read_varint(view: memoryview, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for index in range(position, min(position + 10, end)):
        byte = view[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    raise _Malformed(f"unfinished number at byte {position}")


def varint(value: int) -> bytes:
    """A number of at least 0 in base 128, lowest digits first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tagged(number: int, body: bytes) -> bytes:
    """A length-delimited field: its tag, the length and the payload."""
    return varint(number << 3 | _BYTES) + varint(len(body)) + body
