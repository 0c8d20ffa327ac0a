"""Weights of few bits, several in a byte, as the floats that they stand for: arithmetic on constants, which folds.

Source: com.microsoft.MatMulNBits and MatMulBnb4 in ONNX Runtime, docs/ContribOperators.md. Of MatMulNBits, weights are
(N, blocks, bytes), the columns of the product one after the other, each in blocks of `block_size` numbers with a scale
and a zero point of their own; in a byte the number of the lower bits comes first. Of MatMulBnb4 they are codes of 4
bits, each of one of 16 floats, the upper bits of a byte first, in blocks that do not heed where a column ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rkgraph.rulebook.quantized import element_count, static_shape

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.writer import Writer

__all__ = ["apart", "decoded", "unpacked"]

CODES: Mapping[int, tuple[float, ...]] = {
    # FP4: a sign, two bits of exponent and one of mantissa, over 12 (bitsandbytes, csrc/kernels.cu)
    0: tuple(sign * value / 12 for sign in (1, -1) for value in (0.0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0)),
    # NF4: https://arxiv.org/abs/2305.14314, appendix E
    1: (
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634,
        0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ),
}  # fmt: skip
"""The floats that codes stand for, by the attribute quant_type of MatMulBnb4."""


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


def decoded(graph: GraphView, writer: Writer, names: tuple[str, str], attributes: Mapping[str, Any]) -> str:
    """Record the weights as floats, (K, N), of codes and the largest number of each block.

    Args:
        graph: where the values are.
        writer: records.
        names: of the codes, uint8 (⌈N·K/2⌉), and of the largest numbers, floats, one a block.
        attributes: K, N, block_size, quant_type.

    Raises:
        ValueError: another quant_type, or sizes that do not fit.
    """
    packed, largest = names
    k, n, size = int(attributes["K"]), int(attributes["N"]), int(attributes["block_size"])
    if size < 2 or size % 2:
        raise ValueError(f"blocks of {size}")
    kind, octets, blocks = int(attributes["quant_type"]), -(-n * k // 2), -(-n * k // size)
    if kind not in CODES or element_count(graph, packed) != octets or element_count(graph, largest) != blocks:
        raise ValueError(
            f"{n}·{k} weights of quant_type {kind} in blocks of {size}, stored in {octets} bytes are wanted"
        )
    dtype = graph.value(largest).dtype or "float32"
    given = packed if static_shape(graph, packed) == (octets,) else writer.reshape(packed, (octets,))
    codes = apart(writer, given, 4, dtype, (octets,), upper_first=True)
    numbers = writer.op("Gather", writer.constant(CODES[kind], dtype, "codes"), writer.cast(codes, "int64"), axis=0)
    if 2 * octets < blocks * size:  # the last block is not full
        numbers = writer.pad(writer.reshape(numbers, (2 * octets,)), dtype, (0, blocks * size - 2 * octets))
    real = writer.op("Mul", writer.reshape(numbers, (blocks, size)), writer.reshape(largest, (blocks, 1)))
    if blocks * size > n * k:
        real = writer.slice(writer.reshape(real, (blocks * size,)), (0,), (0,), (n * k,))
    return writer.transpose(writer.reshape(real, (n, k)), (1, 0))


def apart(
    writer: Writer, packed: str, bits: int, dtype: str, shape: tuple[int, ...], *, upper_first: bool = False
) -> str:
    """Record the numbers in bytes `packed` of `shape`, along a new last axis of 8/bits, as floats of numpy `dtype`."""
    rest, parts = writer.cast(packed, dtype), []
    base = writer.constant(float(2**bits), dtype, "base")
    for left in range(8 // bits, 0, -1):
        upper = writer.op("Floor", writer.op("Div", rest, base)) if left > 1 else ""
        part = writer.op("Sub", rest, writer.op("Mul", upper, base)) if upper else rest
        parts.append(writer.reshape(part, (*shape, 1)))
        rest = upper
    return writer.concat(parts[::-1] if upper_first else parts, len(shape))
