"""Models quantized before: pairs of QuantizeLinear and DequantizeLinear, dynamic quantization, integer products."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


SCALES = "float s = {0.03}, float r = {0.002}, "
UNSIGNED, SIGNED = "uint8 z = {3}", "int8 z = {0}"


def _image(dtype: str, weights: str, more: str, name: str) -> Pattern:
    """A convolution between pairs; its weights are quantized constants."""
    zero = UNSIGNED if dtype == "uint8" else SIGNED
    return Pattern(
        name,
        f"float[1,12,9,15] x, {weights} w1, int32[20] w2{more}",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
e = DequantizeLinear<axis = 0>(w1, ws, wz)
b = DequantizeLinear(w2, bs, bz)
c = Conv(d, e, b)
a = Relu(c)
p = QuantizeLinear(a, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + zero + (", float ws = {0.002}, int8 wz = {0}, float bs = {0.0001}, int32 bz = {0}"),
    )


CHANNELS = "float[20] ws = {" + ", ".join(["0.002"] * 20) + "}, int8[20] wz = {" + ", ".join(["0"] * 20) + "}"

PATTERNS = (
    _image("uint8", "int8[20,12,3,3]", "", "pairs-conv-unsigned"),
    _image("int8", "int8[20,12,3,3]", "", "pairs-conv-signed"),
    Pattern(
        "pairs-conv-channels",
        "float[1,12,9,15] x, int8[20,12,3,3] w1, float[20] w2",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
e = DequantizeLinear<axis = 0>(w1, ws, wz)
c = Conv(d, e, w2)
p = QuantizeLinear(c, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + SIGNED + ", " + CHANNELS,
    ),
    Pattern(
        "pairs-conv-float-weights",
        "float[1,12,9,15] x, float[20,12,3,3] w1",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
f = QuantizeLinear(w1, r, z)
e = DequantizeLinear(f, r, z)
c = Conv(d, e)
p = QuantizeLinear(c, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + SIGNED,
    ),
    Pattern(
        "pairs-matmul",
        "float[1,14,30] x, int8[30,20] w1, float[20] w2",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
e = DequantizeLinear(w1, r, z)
m = MatMul(d, e)
b = Add(m, w2)
p = QuantizeLinear(b, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + SIGNED,
    ),
    Pattern(
        "pairs-add",
        "float[1,12,9,15] x, float[1,12,9,15] x2",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
f = QuantizeLinear(x2, r, z)
e = DequantizeLinear(f, r, z)
a = Add(d, e)
p = QuantizeLinear(a, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + UNSIGNED,
    ),
    Pattern(
        "pairs-pool",
        "float[1,12,9,15] x",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
m = MaxPool<kernel_shape = [2,2], strides = [2,2]>(d)
p = QuantizeLinear(m, s, z)
y = DequantizeLinear(p, s, z)
""",
        constants=SCALES + UNSIGNED,
    ),
    Pattern(
        "pairs-gemm",
        "float[1,30] x, int8[20,30] w1, int32[20] w2",
        """
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
e = DequantizeLinear(w1, r, z)
b = DequantizeLinear(w2, bs, bz)
g = Gemm<transB = 1>(d, e, b)
y = Relu(g)
""",
        constants=SCALES + SIGNED + ", float bs = {0.0001}, int32 bz = {0}",
    ),
    Pattern(
        "weights-only-matmul",
        "float[1,14,30] x, int8[30,20] w1",
        "e = DequantizeLinear(w1, r, z)\nm = MatMul(x, e)\ny = Sigmoid(m)",
        constants="float r = {0.002}, " + SIGNED,
    ),
    Pattern(
        "weights-only-conv",
        "float[1,12,9,15] x, int8[20,12,3,3] w1",
        "e = DequantizeLinear<axis = 0>(w1, ws, wz)\nc = Conv(x, e)\ny = Relu(c)",
        constants=CHANNELS,
    ),
    Pattern(
        "weights-cast",
        "float[1,14,30] x, float16[30,20] w1",
        "e = Cast<to = 1>(w1)\nm = MatMul(x, e)\ny = Sigmoid(m)",
    ),
    Pattern(
        "pairs-bias-without-zero",
        "float[1,12,9,15] x, int8[20,12,3,3] w1, int32[20] w2",
        "e = DequantizeLinear(w1, r, z)\nb = DequantizeLinear(w2, bs)\ny = Conv(x, e, b)",
        constants="float r = {0.002}, float bs = {0.0001}, " + SIGNED,
        probes="b",
    ),
    Pattern(
        "dynamic-matmul",
        "float[1,14,30] x, int8[30,20] w1, float[20] w2",
        """
q, s, z = DynamicQuantizeLinear(x)
k = Mul(s, r)
i = MatMulInteger(q, w1, z, wz)
c = Cast<to = 1>(i)
m = Mul(c, k)
y = Add(m, w2)
""",
        constants="float r = {0.002}, int8 wz = {0}",
        probes="q",
    ),
)
