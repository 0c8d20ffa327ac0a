"""Speech models: spectra by convolution, feature extractors, conformers, recurrent layers of frameworks."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


GELU = """
d = Div({0}, k)
e = Erf(d)
p = Add(e, o)
m = Mul({0}, p)
g = Mul(m, h)
"""
ERF = "float k = {1.4142135}, float o = {1.0}, float h = {0.5}"

PATTERNS = (
    Pattern(
        "features-group",
        "float[1,800] x, float[16,1,10] w1, float[16] w2, float[16] w3, float[16,16,3] w4",
        """
u = Unsqueeze(x, ax)
a = Conv<strides = [5]>(u, w1)
r = Reshape(a, groups)
i = InstanceNormalization<epsilon = 0.00001>(r, w2, w3)
"""
        + GELU.format("i")
        + "y = Conv<strides = [2]>(g, w4)",
        constants=f"int64[1] ax = {{1}}, int64[3] groups = {{0, 16, -1}}, {ERF}",
    ),
    Pattern(
        "features-layer",
        "float[1,1,800] x, float[16,1,10] w1, float[16] w2, float[16] w3, float[16,16,3] w4",
        """
a = Conv<strides = [5]>(x, w1)
t = Transpose<perm = [0,2,1]>(a)
n = LayerNormalization<axis = -1, epsilon = 0.00001>(t, w2, w3)
b = Transpose<perm = [0,2,1]>(n)
"""
        + GELU.format("b")
        + "y = Conv<strides = [2]>(g, w4)",
        constants=ERF,
    ),
    Pattern(
        "positions-by-convolution",
        "float[1,30,32] x, float[32,8,16] w1, float[32] w2, float[32] w3, float[32] w4",
        """
t = Transpose<perm = [0,2,1]>(x)
a = Conv<group = 4, pads = [8,8]>(t, w1, w2)
s = Slice(a, i0, end, ax)
"""
        + GELU.format("s")
        + """
b = Transpose<perm = [0,2,1]>(g)
r = Add(x, b)
y = LayerNormalization<axis = -1, epsilon = 0.00001>(r, w3, w4)
""",
        constants=f"int64[1] i0 = {{0}}, int64[1] end = {{-1}}, int64[1] ax = {{2}}, {ERF}",
    ),
    Pattern(
        "whisper-stem",
        "float[1,20,60] x, float[32,20,3] w1, float[32,32,3] w2, float[30,32] w3",
        "a = Conv<pads = [1,1]>(x, w1)\n"
        + GELU.format("a")
        + "b = Conv<pads = [1,1], strides = [2]>(g, w2)\nt = Transpose<perm = [0,2,1]>(b)\ny = Add(t, w3)",
        constants=ERF,
    ),
    Pattern(
        "conformer-convolution",
        "float[1,30,24] x, float[48,24,1] w1, float[24,1,7] w2, float[24] w3, float[24] w4, float[24] w5, "
        "float[24] w6, "
        "float[24,24,1] w7",
        """
t = Transpose<perm = [0,2,1]>(x)
a = Conv(t, w1)
v, u = Split<axis = 1>(a, n)
s = Sigmoid(u)
m = Mul(v, s)
d = Conv<group = 24, pads = [3,3]>(m, w2)
b = BatchNormalization(d, w3, w4, w5, w6)
i = Sigmoid(b)
w = Mul(b, i)
c = Conv(w, w7)
y = Transpose<perm = [0,2,1]>(c)
""",
        constants="int64[2] n = {24, 24}",
    ),
    Pattern(
        "relative-shift",
        "float[1,4,20,39] x",
        """
p = Pad(x, pads)
r = Reshape(p, tall)
s = Slice(r, one, big, ax)
b = Reshape(s, wide)
c = Slice(b, zero, most, last)
y = Softmax<axis = -1>(c)
""",
        constants="int64[8] pads = {0, 0, 0, 1, 0, 0, 0, 0}, int64[4] tall = {1, 4, 40, 20}, int64[1] one = {1}, "
        "int64[1] big = {9223372036854775807}, int64[1] ax = {2}, int64[4] wide = {1, 4, 20, 39}, "
        "int64[1] zero = {0}, "
        "int64[1] most = {20}, int64[1] last = {3}",
    ),
    Pattern(
        "spectrum-by-convolution",
        "float[1,640] x, float[66,1,64] w1, float[33,20] w2",
        """
p = Pad<mode = "reflect">(x, pads)
u = Unsqueeze(p, ax)
c = Conv<strides = [32]>(u, w1)
re = Slice(c, i0, half, ax)
im = Slice(c, half, all, ax)
r2 = Pow(re, two)
i2 = Pow(im, two)
s = Add(r2, i2)
q = Sqrt(s)
t = Transpose<perm = [0,2,1]>(q)
m = MatMul(t, w2)
k = Clip(m, low)
y = Log(k)
""",
        constants="int64[4] pads = {0, 32, 0, 32}, int64[1] ax = {1}, int64[1] i0 = {0}, int64[1] half = {33}, "
        "int64[1] all = {66}, float two = {2.0}, float low = {0.00001}",
    ),
    Pattern(
        "mel-by-product",
        "float[1,33,25] x, float[20,33] w1",
        """
m = MatMul(w1, x)
k = Max(m, low)
l = Log(k)
d = Mul(l, ten)
r = ReduceMax<keepdims = 0>(d)
s = Sub(r, eight)
f = Max(d, s)
a = Add(f, four)
y = Div(a, four)
""",
        constants="float low = {0.0000000001}, float ten = {0.4342945}, float eight = {8.0}, float four = {4.0}",
    ),
    Pattern(
        "mel-by-einsum",
        "float[1,33,25] x, float[20,33] w1",
        'q = Sqrt(x)\nm = Einsum<equation = "mf,bft->bmt">(w1, q)\na = Add(m, low)\ny = Log(a)',
        constants="float low = {0.00001}",
    ),
    Pattern(
        "lstm-torch",
        "float[1,20,24] x, float[1,64,24] w1, float[1,64,16] w2, float[1,128] w3, float[1,1,16] w4",
        """
t = Transpose<perm = [1,0,2]>(x)
l, h, c = LSTM<hidden_size = 16>(t, w1, w2, w3, , w4, w4)
q = Squeeze(l, one)
y = Transpose<perm = [1,0,2]>(q)
""",
        constants="int64[1] one = {1}",
        outputs="y, h, c",
    ),
    Pattern(
        "lstm-torch-both-ways",
        "float[1,20,24] x, float[2,64,24] w1, float[2,64,16] w2, float[2,128] w3, float[2,1,16] w4, float[32,10] w5",
        """
t = Transpose<perm = [1,0,2]>(x)
l, h, c = LSTM<hidden_size = 16, direction = "bidirectional">(t, w1, w2, w3, , w4, w4)
p = Transpose<perm = [0,2,1,3]>(l)
r = Reshape(p, joined)
b = Transpose<perm = [1,0,2]>(r)
y = MatMul(b, w5)
""",
        constants="int64[3] joined = {0, 0, -1}",
    ),
    Pattern(
        "lstm-state",
        "float[1,1,24] x, float[1,1,16] x1, float[1,1,16] x2, float[1,64,24] w1, float[1,64,16] w2, float[1,128] w3",
        "l, h, c = LSTM<hidden_size = 16>(x, w1, w2, w3, , x1, x2)\nq = Squeeze(l, one)\nr = Relu(q)\ny = Sigmoid(r)",
        constants="int64[1] one = {1}",
        outputs="y, h, c",
    ),
    Pattern(
        "lstm-stacked",
        "float[20,1,24] x, float[1,64,24] w1, float[1,64,16] w2, float[1,128] w3, float[1,64,16] w4, float[1,64,16] w5",
        """
a = LSTM<hidden_size = 16>(x, w1, w2, w3)
b = Squeeze(a, one)
c = LSTM<hidden_size = 16>(b, w4, w5, w3)
d = Squeeze(c, one)
g = Gather<axis = 0>(d, last)
y = Sigmoid(g)
""",
        constants="int64[1] one = {1}, int64 last = {-1}",
    ),
    Pattern(
        "lstm-final-state",
        "float[20,1,24] x, float[1,64,24] w1, float[1,64,16] w2, float[1,128] w3, float[16,5] w4",
        "l, h = LSTM<hidden_size = 16>(x, w1, w2, w3)\nq = Squeeze(h, zero)\ny = MatMul(q, w4)",
        constants="int64[1] zero = {0}",
    ),
    Pattern(
        "gru-torch",
        "float[1,20,24] x, float[1,48,24] w1, float[1,48,16] w2, float[1,96] w3, float[1,1,16] w4, float[16,9] w5",
        """
t = Transpose<perm = [1,0,2]>(x)
l, h = GRU<hidden_size = 16, linear_before_reset = 1>(t, w1, w2, w3, , w4)
q = Squeeze(l, one)
b = Transpose<perm = [1,0,2]>(q)
y = MatMul(b, w5)
""",
        constants="int64[1] one = {1}",
        outputs="y, h",
    ),
    Pattern(
        "gru-keras",
        "float[1,20,24] x, float[1,48,24] w1, float[1,48,16] w2, float[1,96] w3, float[16,9] w4",
        """
t = Transpose<perm = [1,0,2]>(x)
l = GRU<hidden_size = 16, linear_before_reset = 1>(t, w1, w2, w3)
p = Transpose<perm = [2,0,1,3]>(l)
q = Squeeze(p, one)
y = MatMul(q, w4)
""",
        constants="int64[1] one = {2}",
    ),
    Pattern(
        "ctc-head",
        "float[1,20,24] x, float[24,30] w1, float[30] w2",
        "m = MatMul(x, w1)\nb = Add(w2, m)\ns = LogSoftmax<axis = -1>(b)\ny = ArgMax<axis = -1, keepdims = 0>(s)",
    ),
    Pattern(
        "mask-softmax",
        "float[1,20] x, int64[1,20] ids, float[1,20,16] x2",
        """
e = Equal(ids, zero)
w = Where(e, low, x)
s = Softmax<axis = -1>(w)
u = Unsqueeze(s, ax)
m = MatMul(u, x2)
y = Squeeze(m, ax)
""",
        constants="int64 zero = {0}, float low = {-1000000000.0}, int64[1] ax = {1}",
    ),
    Pattern(
        "mask-softmax-rank3",
        "float[1,6,20] x, int64[1,1,20] ids",
        "e = Cast<to = 9>(ids)\nw = Where(e, x, low)\ny = Softmax<axis = -1>(w)",
        constants="float low = {-10000.0}",
    ),
    Pattern(
        "statistics-pooling",
        "float[1,24,30] x, float[48,10] w1",
        """
m = ReduceMean<axes = [2], keepdims = 1>(x)
d = Sub(x, m)
q = Mul(d, d)
v = ReduceMean<axes = [2], keepdims = 1>(q)
k = Clip(v, low)
s = Sqrt(k)
c = Concat<axis = 1>(m, s)
f = Squeeze(c, ax)
y = MatMul(f, w1)
""",
        constants="float low = {0.00001}, int64[1] ax = {2}",
    ),
    Pattern(
        "weighted-statistics",
        "float[1,24,30] x, float[24,24,1] w1",
        """
a = Conv(x, w1)
s = Softmax<axis = 2>(a)
p = Mul(s, x)
m = ReduceSum<keepdims = 0>(p, ax)
q = Mul(x, x)
r = Mul(q, s)
v = ReduceSum<keepdims = 0>(r, ax)
n = Mul(m, m)
d = Sub(v, n)
k = Clip(d, low)
t = Sqrt(k)
y = Concat<axis = 1>(m, t)
""",
        constants="float low = {0.00001}, int64[1] ax = {2}",
    ),
    Pattern(
        "scan-state",
        "float[1,24,8,6] x, float[1,24,8] x1, float[1,8,1] x2",
        """
e = Exp(x)
g = Gather<axis = 3>(e, zero)
m = Mul(g, x1)
h = Gather<axis = 3>(x, one)
a = Add(m, h)
c = MatMul(a, x2)
y = Squeeze(c, ax)
""",
        constants="int64 zero = {0}, int64 one = {1}, int64[1] ax = {2}",
    ),
)
