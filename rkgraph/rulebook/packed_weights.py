"""Weights of few bits, several in a byte, as the floats that they stand for: arithmetic on constants, which folds.

Source: com.microsoft.MatMulNBits in ONNX Runtime, docs/ContribOperators.md. Weights are (N, blocks, bytes), the columns
of the product one after the other, each in blocks of `block_size` numbers with a scale and a zero point of their own;
in a byte the number of the lower bits comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rkgraph.rulebook.quantized import element_count, static_shape

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.writer import Writer

__all__ = ["apart", "unpacked"]


def unpacked(graph: GraphView, writer: Writer, names: tuple[str, str, str], attributes: Mapping[str, Any]) -> str:
    """Record the weights as floats: (K, N).

    Args:
        graph: where the values are.
        writer: records.
        names: of the weights, uint8 (N, blocks, block_size·bits/8); of the scales, N·blocks floats; and of the zero
            points, packed like the weights, or N·blocks floats ("": the middle of the range).
        attributes: K, N, bits, block_size.

    Raises:
        ValueError: bits other than 2, 4 and 8, or sizes that do not fit.
    """
    packed, scales, zeros = names
    k, n = int(attributes["K"]), int(attributes["N"])
    bits, size = int(attributes.get("bits", 4)), int(attributes["block_size"])
    blocks, dtype = -(-k // size), graph.value(scales).dtype or "float32"
    if bits not in (2, 4, 8) or static_shape(graph, packed) != (n, blocks, size * bits // 8):
        raise ValueError(f"weights of {bits} bits in blocks of {size}, stored as {static_shape(graph, packed)}")
    whole = writer.reshape(apart(writer, packed, bits, dtype, (n, blocks, size * bits // 8)), (n, blocks, size))
    if not zeros:
        middle = writer.constant(float(2 ** (bits - 1)), dtype, "middle")
    elif graph.value(zeros).dtype == "uint8":
        row = -(-blocks * bits // 8)  # bytes: zero points of a column fill whole ones
        if element_count(graph, zeros) != n * row:
            raise ValueError(f"{zeros} does not hold a zero point for each block")
        flat = apart(writer, writer.reshape(zeros, (n, row)), bits, dtype, (n, row))
        each = writer.slice(writer.reshape(flat, (n, row * 8 // bits)), (1,), (0,), (blocks,))
        middle = writer.reshape(each, (n, blocks, 1))
    else:
        middle = writer.reshape(zeros, (n, blocks, 1))
    real = writer.op("Mul", writer.op("Sub", whole, middle), writer.reshape(scales, (n, blocks, 1)))
    columns = writer.reshape(real, (n, blocks * size))
    if blocks * size > k:
        columns = writer.slice(columns, (1,), (0,), (k,))
    return writer.transpose(columns, (1, 0))


def apart(writer: Writer, packed: str, bits: int, dtype: str, shape: tuple[int, ...]) -> str:
    """Record the numbers in bytes `packed` of `shape`, along a new last axis of 8/bits, as floats of numpy `dtype`."""
    rest, parts = writer.cast(packed, dtype), []
    base = writer.constant(float(2**bits), dtype, "base")
    for left in range(8 // bits, 0, -1):
        upper = writer.op("Floor", writer.op("Div", rest, base)) if left > 1 else ""
        part = writer.op("Sub", rest, writer.op("Mul", upper, base)) if upper else rest
        parts.append(writer.reshape(part, (*shape, 1)))
        rest = upper
    return writer.concat(parts, len(shape))
