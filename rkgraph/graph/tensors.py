"""Tensors without numpy: dtype names, sizes, and the elements of small constants."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.graph.view import Constant

if TYPE_CHECKING:
    from onnx import TensorProto, TensorShapeProto

__all__ = [
    "DTYPES",
    "SMALL",
    "byte_size",
    "decode",
    "dtype_code",
    "dtype_name",
    "element_count",
    "fits",
    "is_external",
    "size_of",
    "symbol_of",
]

SMALL = 1024
"""Largest number of elements of a constant whose elements rules may see."""

DTYPES: dict[int, str] = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    18: "float8_e4m3fnuz",
    19: "float8_e5m2",
    20: "float8_e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4_e2m1fn",
    24: "float8_e8m0fnu",
    25: "uint2",
    26: "int2",
    27: "float6_e2m3fn",
    28: "float6_e3m2fn",
}
"""TensorProto.DataType → numpy (or ml_dtypes) spelling."""

_CODES = {name: code for code, name in DTYPES.items()}

# How raw_data is laid out, little-endian (struct characters).
_STRUCT = {
    "float32": "f",
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "bool": "?",
    "float16": "e",
    "float64": "d",
    "uint32": "I",
    "uint64": "Q",
    "bfloat16": "H",
}
_PACKED_BITS = {
    "uint4": 4,
    "int4": 4,
    "uint2": 2,
    "int2": 2,
    "float4_e2m1fn": 4,
    "float6_e2m3fn": 8,
    "float6_e3m2fn": 8,
}
_BITS = {"complex64": 64, "complex128": 128} | {n: 8 for n in DTYPES.values() if n.startswith("float8")} | _PACKED_BITS

# Which typed field holds a dtype; int32_data holds all the others.
_FIELDS = {
    "float32": "float_data",
    "complex64": "float_data",
    "int64": "int64_data",
    "float64": "double_data",
    "complex128": "double_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
    "string": "string_data",
}


def dtype_name(code: int) -> str | None:
    """The numpy spelling of a TensorProto.DataType; None for undefined and unknown codes."""
    return DTYPES.get(code)


def dtype_code(name: str) -> int:
    """The TensorProto.DataType of a dtype in numpy spelling. Raises KeyError for unknown ones."""
    return _CODES[name]


def element_count(dims: Sequence[int]) -> int:
    """The number of elements of a shape; 1 for a scalar, -1 where a dimension is negative."""
    return -1 if any(d < 0 for d in dims) else math.prod(dims)


def byte_size(tensor: TensorProto) -> int | None:
    """How many bytes the raw data of `tensor` takes; None for strings and unknown dtypes."""
    name = DTYPES.get(tensor.data_type)
    count = element_count(tensor.dims)
    if name in _STRUCT:
        return count * struct.calcsize("<" + _STRUCT[name])
    if name in _BITS:
        return -(-count * _BITS[name] // 8)
    return None


def size_of(dim: TensorShapeProto.Dimension) -> int | None:
    """The size of a dimension, None where it is dynamic; some exporters write a dynamic one as -1."""
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None


def symbol_of(dim: TensorShapeProto.Dimension) -> str | None:
    """The symbolic name of a dimension, None where it has none; some exporters call every dynamic one "?"."""
    return dim.dim_param if dim.dim_param not in {"", "?"} else None


def fits(tensor: TensorProto) -> bool:
    """Whether a tensor whose bytes are present has as many elements as its shape says; True for unknown dtypes."""
    name = DTYPES.get(tensor.data_type)
    count = element_count(tensor.dims)
    if name is None or is_external(tensor):
        return True
    if tensor.raw_data:
        return byte_size(tensor) == len(tensor.raw_data)
    if name in _PACKED_BITS:
        count = -(-count * _PACKED_BITS[name] // 8)
    elif name.startswith("complex"):
        count *= 2  # the real and the imaginary part
    return len(getattr(tensor, _FIELDS.get(name, "int32_data"))) == count


def is_external(tensor: TensorProto) -> bool:
    """True when the bytes of `tensor` lie elsewhere."""
    return tensor.data_location == 1


def decode(tensor: TensorProto) -> Constant | None:
    """The elements of a small tensor whose bytes are present.

    Returns:
        None for tensors of more than SMALL elements, external ones, and those whose bytes do not fit their shape;
        also for complex, 6-bit and 8-bit floats, whose elements no rule looks at.
    """
    name = DTYPES.get(tensor.data_type)
    count = element_count(tensor.dims)
    if name is None or not 0 <= count <= SMALL or is_external(tensor):
        return None
    values = _from_raw(name, tensor.raw_data, count) if tensor.raw_data else _from_field(name, tensor, count)
    return None if values is None else Constant(name, tuple(tensor.dims), values)


def _from_raw(name: str, raw: bytes, count: int) -> tuple[Any, ...] | None:
    if name in _STRUCT:
        layout = f"<{count}{_STRUCT[name]}"
        if struct.calcsize(layout) != len(raw):
            return None
        values = struct.unpack(layout, raw)
        return tuple(map(_bfloat16, values)) if name == "bfloat16" else values
    if name in _UNPACK and len(raw) == -(-count * _PACKED_BITS[name] // 8):
        return _unpack(name, raw, count)
    return None


def _from_field(name: str, tensor: TensorProto, count: int) -> tuple[Any, ...] | None:
    data = getattr(tensor, _FIELDS.get(name, "int32_data"))
    if name in _UNPACK:
        return (
            _unpack(name, bytes(v & 0xFF for v in data), count)
            if len(data) == -(-count * _PACKED_BITS[name] // 8)
            else None
        )
    if len(data) != count:
        return None
    convert = _TYPED.get(name)
    if convert is not None:
        return tuple(convert(v) for v in data)
    return tuple(data) if name in _STRUCT else None


def _bfloat16(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0])


def _float16(bits: int) -> float:
    return float(struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0])


_TYPED: dict[str, Callable[[Any], Any]] = {
    "float16": _float16,
    "bfloat16": _bfloat16,
    "bool": bool,
    "string": lambda value: value.decode("utf-8", "replace"),
}

_FLOAT4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # E2M1, OCP Microscaling Formats v1.0, table 5

_UNPACK: dict[str, Callable[[int], Any]] = {
    "uint4": lambda bits: bits,
    "uint2": lambda bits: bits,
    "int4": lambda bits: bits - 16 if bits & 8 else bits,
    "int2": lambda bits: bits - 4 if bits & 2 else bits,
    "float4_e2m1fn": lambda bits: -_FLOAT4[bits & 7] if bits & 8 else _FLOAT4[bits],
}


def _unpack(name: str, raw: bytes, count: int) -> tuple[Any, ...]:
    """Elements of less than a byte; the first lies in the low bits."""
    width = _PACKED_BITS[name]
    mask = (1 << width) - 1
    elements = (byte >> shift & mask for byte in raw for shift in range(0, 8, width))
    return tuple(_UNPACK[name](bits) for bits, _ in zip(elements, range(count), strict=False))
