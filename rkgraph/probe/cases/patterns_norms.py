"""Normalisations by parts, and around other operators, as exporters write them."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


PARTS = """
m = ReduceMean<axes = [-1]>(a)
d = Sub(a, m)
q = Mul(d, d)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
g = Mul(r, w1)
y = Add(g, w2)
"""

PATTERNS = (
    Pattern(
        "norm-squared-by-mul",
        "float[1,14,40] a, float[40] w1, float[40] w2",
        PARTS,
        constants="float e = {0.00001}",
    ),
    Pattern(
        "norm-residual",
        "float[1,14,40] x, float[1,14,40] x2, float[40] w1, float[40] w2, float[40,40] w3",
        "a = Add(x, x2)\nb = MatMul(a, w3)\nc = Add(b, a)\n" + PARTS.replace("(a", "(c"),
        constants="float e = {0.00001}",
        probes="a c m d v y",
    ),
    Pattern(
        "norm-opset18",
        "float[1,14,40] x, float[40,40] w, float[40] w1, float[40] w2",
        """
a = MatMul(x, w)
m = ReduceMean(a, ax)
d = Sub(a, m)
q = Pow(d, t)
v = ReduceMean(q, ax)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
g = Mul(r, w1)
y = Add(g, w2)
""",
        constants="int64[1] ax = {-1}, float t = {2.0}, float e = {0.00001}",
        opset=18,
    ),
    Pattern(
        "norm-over-channels",
        "float[1,12,9,15] x, float[20,12,3,3] w, float[1,20,1,1] w1, float[1,20,1,1] w2, float[8,20,1,1] w3",
        """
a = Conv(x, w)
m = ReduceMean<axes = [1]>(a)
d = Sub(a, m)
q = Pow(d, t)
v = ReduceMean<axes = [1]>(q)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
g = Mul(w1, r)
b = Add(g, w2)
y = Conv(b, w3)
""",
        constants="float t = {2.0}, float e = {0.000001}",
    ),
    Pattern(
        "norm-biased-std",
        "float[1,14,40] x, float[40] w1, float[40] w2",
        """
m = ReduceMean<axes = [-1]>(x)
d = Sub(x, m)
q = Mul(d, d)
v = ReduceSum(q, ax)
u = Div(v, c)
s = Sqrt(u)
n = Add(s, e)
r = Div(d, n)
g = Mul(w1, r)
y = Add(g, w2)
""",
        constants="int64[1] ax = {-1}, float c = {39.0}, float e = {0.000001}",
    ),
    Pattern(
        "norm-instance-by-parts",
        "float[1,12,9,15] x, float[20,12,3,3] w, float[1,20,1,1] w1",
        """
a = Conv(x, w)
m = ReduceMean<axes = [2,3]>(a)
d = Sub(a, m)
q = Mul(d, d)
v = ReduceMean<axes = [2,3]>(q)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
y = Mul(r, w1)
""",
        constants="float e = {0.00001}",
    ),
    Pattern(
        "norm-rms-t5",
        "float[1,14,40] x, float[40,40] w, float[40] w1, float[40,24] w2",
        """
a = MatMul(x, w)
q = Pow(a, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
i = Div(o, s)
r = Mul(a, i)
g = Mul(r, w1)
y = MatMul(g, w2)
""",
        constants="float t = {2.0}, float e = {0.000001}, float o = {1.0}",
    ),
    Pattern(
        "norm-rms-l2",
        "float[1,14,40] x, float[40] w1, float[40,24] w2",
        """
l = ReduceL2<axes = [-1]>(x)
m = Mul(l, c)
n = Clip(m, lo)
r = Div(x, n)
g = Mul(r, w1)
y = MatMul(g, w2)
""",
        constants="float c = {0.15811388}, float lo = {0.00000001}",
    ),
    Pattern(
        "norm-group-by-instance",
        "float[1,12,9,15] x, float[20,12,3,3] w, float[20,1,1] w1, float[20,1,1] w2, float[8,20,1,1] w3",
        """
a = Conv(x, w)
f = Reshape(a, group)
i = InstanceNormalization<epsilon = 0.00001>(f, ones, zeros)
b = Reshape(i, image)
g = Mul(b, w1)
s = Add(g, w2)
u = Sigmoid(s)
m = Mul(s, u)
y = Conv(m, w3)
""",
        constants="int64[3] group = {0, 4, -1}, int64[4] image = {1, 20, 7, 13}, float[4] ones = {1.0, 1.0, "
        "1.0, 1.0}, "
        "float[4] zeros = {0.0, 0.0, 0.0, 0.0}",
    ),
    Pattern(
        "norm-response",
        "float[1,9,15,12] x, float[12,48] w, float[1,1,1,48] w1, float[1,1,1,48] w2, float[48,12] w3",
        """
a = MatMul(x, w)
l = ReduceL2<axes = [1,2]>(a)
m = ReduceMean<axes = [-1]>(l)
n = Add(m, e)
r = Div(l, n)
p = Mul(a, r)
g = Mul(p, w1)
b = Add(g, w2)
s = Add(b, a)
y = MatMul(s, w3)
""",
        constants="float e = {0.000001}",
    ),
    Pattern(
        "norm-channels-last",
        "float[1,12,9,15] x, float[12,1,7,7] w, float[12] w1, float[12] w2, float[12,48] w3, float[48,12] w4",
        """
a = Conv<group = 12, pads = [3,3,3,3]>(x, w)
t = Transpose<perm = [0,2,3,1]>(a)
n = LayerNormalization<axis = -1, epsilon = 0.000001>(t, w1, w2)
u = MatMul(n, w3)
g = Relu(u)
d = MatMul(g, w4)
b = Transpose<perm = [0,3,1,2]>(d)
y = Add(x, b)
""",
    ),
    Pattern(
        "norm-around-transposes",
        "float[1,12,60] x, float[12] w1, float[12] w2, float[20,12,3] w3",
        """
t = Transpose<perm = [0,2,1]>(x)
n = LayerNormalization<axis = -1, epsilon = 0.00001>(t, w1, w2)
b = Transpose<perm = [0,2,1]>(n)
y = Conv(b, w3)
""",
    ),
    Pattern(
        "norm-batch-after-gemm",
        "float[1,30] x, float[20,30] w, float[20] w1, float[20] w2, float[20] w3, float[20] w4",
        "a = Gemm<transB = 1>(x, w, w1)\nb = BatchNormalization(a, w1, w2, w3, w4)\ny = Relu(b)",
    ),
    Pattern(
        "norm-batch-after-matmul",
        "float[1,14,30] x, float[30,20] w, float[20] w1, float[20] w2, float[20] w3, float[20] w4",
        """
a = MatMul(x, w)
t = Transpose<perm = [0,2,1]>(a)
b = BatchNormalization(t, w1, w2, w3, w4)
u = Transpose<perm = [0,2,1]>(b)
y = Relu(u)
""",
    ),
    Pattern(
        "norm-batch-first",
        "float[1,12,9,15] x, float[1,12,9,15] x2, float[12] w1, float[12] w2, float[12] w3, float[12] w4, "
        "float[8,12,3,3] w5",
        "a = Add(x, x2)\nb = BatchNormalization(a, w1, w2, w3, w4)\nr = Relu(b)\ny = Conv(r, w5)",
    ),
    Pattern(
        "norm-batch-after-concat",
        "float[1,6,9,15] x, float[1,6,9,15] x2, float[12] w1, float[12] w2, float[12] w3, float[12] w4, "
        "float[8,12,3,3] w5",
        "a = Concat<axis = 1>(x, x2)\nb = BatchNormalization(a, w1, w2, w3, w4)\nr = Relu(b)\ny = Conv(r, w5)",
    ),
    Pattern(
        "norm-batch-after-deconvolution",
        "float[1,12,9,15] x, float[12,20,4,4] w, float[20] w1, float[20] w2, float[20] w3, float[20] w4",
        """
a = ConvTranspose<strides = [2,2], pads = [1,1,1,1]>(x, w)
b = BatchNormalization(a, w1, w2, w3, w4)
y = Relu(b)
""",
    ),
    Pattern(
        "norm-batch-1d",
        "float[1,12,60] x, float[20,12,5] w, float[20] w1, float[20] w2, float[20] w3, float[20] w4",
        "a = Conv<pads = [2,2]>(x, w)\nr = Relu(a)\ny = BatchNormalization(r, w1, w2, w3, w4)",
    ),
    Pattern(
        "norm-batch-by-parts",
        "float[1,12,9,15] x, float[20,12,3,3] w, float[1,20,1,1] w1, float[1,20,1,1] w2, float[1,20,1,1] w3",
        """
a = Conv(x, w)
d = Sub(a, w1)
n = Div(d, w2)
g = Mul(n, w3)
y = Add(g, w1)
""",
    ),
    Pattern(
        "norm-frozen-batch",
        "float[1,12,9,15] x, float[20,12,3,3] w, float[1,20,1,1] w1, float[1,20,1,1] w2",
        "a = Conv(x, w)\nm = Mul(a, w1)\nb = Add(m, w2)\ny = Relu(b)",
    ),
    Pattern(
        "norm-l2-rows",
        "float[1,14,40] x, float[40,40] w",
        "a = MatMul(x, w)\nl = ReduceL2<axes = [-1]>(a)\nc = Clip(l, lo)\ne = Expand(c, shape)\ny = Div(a, e)",
        constants="float lo = {0.000000000001}, int64[3] shape = {1, 14, 40}",
    ),
    Pattern(
        "norm-l2-pixels",
        "float[1,12,9,15] x, float[20,12,3,3] w",
        "a = Conv(x, w)\nl = ReduceL2<axes = [1]>(a)\nc = Max(l, lo)\ny = Div(a, c)",
        constants="float lo = {0.000000000001}",
    ),
    Pattern(
        "norm-adaptive",
        "float[1,12,9,15] x, float[1,30] x2, float[20,12,3,3] w, float[40,30] w1, float[40] w2",
        """
a = Conv(x, w)
i = InstanceNormalization<epsilon = 0.00001>(a, ones, zeros)
g = Gemm<transB = 1>(x2, w1, w2)
r = Reshape(g, four)
s, b = Split<axis = 1>(r, n)
o = Add(s, one)
m = Mul(o, i)
y = Add(m, b)
""",
        constants="int64[4] four = {1, 40, 1, 1}, int64[2] n = {20, 20}, float one = {1.0}, "
        f"float[20] ones = {{{', '.join(['1.0'] * 20)}}}, float[20] zeros = {{{', '.join(['0.0'] * 20)}}}",
    ),
)
