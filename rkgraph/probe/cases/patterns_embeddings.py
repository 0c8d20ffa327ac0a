"""Embeddings, positions, rotary embeddings, masks and poolers of language models."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


PATTERNS = (
    Pattern(
        "embeddings-bert",
        "int64[1,14] ids, int64[1,14] types, float[60,40] w1, float[2,40] w2, float[1,14,40] w3, float[40] w4, "
        "float[40] w5",
        """
a = Gather(w1, ids)
b = Gather(w2, types)
s = Add(a, b)
p = Add(s, w3)
y = LayerNormalization<axis = -1, epsilon = 0.000000000001>(p, w4, w5)
""",
    ),
    Pattern(
        "embeddings-int32",
        "int32[1,14] ids, float[60,40] w1, float[1,14,40] w3, float[40,24] w4",
        """
a = Gather<axis = 0>(w1, ids)
s = Add(a, w3)
y = MatMul(s, w4)
""",
    ),
    Pattern(
        "positions-roberta",
        "int64[1,14] ids, float[60,40] w1, float[60,40] w2, float[40,16] w3",
        """
e = Equal(ids, pad)
n = Not(e)
c = Cast<to = 6>(n)
s = CumSum(c, ax)
m = Mul(s, c)
k = Cast<to = 7>(m)
i = Add(k, one)
p = Gather(w1, i)
t = Gather(w2, ids)
a = Add(t, p)
y = MatMul(a, w3)
""",
        constants="int64 pad = {1}, int64 ax = {1}, int64 one = {1}",
    ),
    Pattern(
        "mask-bert",
        "int64[1,14] ids, float[1,5,14,14] x",
        """
u = Unsqueeze(ids, a1)
v = Unsqueeze(u, a2)
c = Cast<to = 1>(v)
s = Sub(one, c)
m = Mul(s, low)
t = Add(x, m)
y = Softmax<axis = -1>(t)
""",
        constants="int64[1] a1 = {1}, int64[1] a2 = {2}, float one = {1.0}, float low = {-3.4028235e38}",
    ),
    Pattern(
        "mask-float-input",
        "float[1,14] ids, float[1,5,14,14] x",
        """
v = Unsqueeze(ids, a)
s = Sub(one, v)
m = Mul(s, low)
t = Add(x, m)
y = Softmax<axis = -1>(t)
""",
        constants="int64[2] a = {1, 2}, float one = {1.0}, float low = {-10000.0}",
    ),
    Pattern(
        "mask-slice-gather",
        "int64[1,14] ids, float[1,5,14,14] x, bool[1,1,14,14] w1",
        """
r = Reshape(ids, flat)
c = Cast<to = 9>(r)
g = Gather(c, w2)
h = Reshape(g, four)
b = And(h, w1)
f = Where(b, zero, low)
t = Add(x, f)
y = Softmax<axis = -1>(t)
""",
        constants="int64[1] flat = {14}, int64[14] w2 = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, "
        "int64[4] four = {1, 1, 1, 14}, float zero = {0.0}, float low = {-3.4028235e38}",
    ),
    Pattern(
        "mask-expand-int",
        "int64[1,14] ids, float[1,5,14,14] x",
        """
u = Unsqueeze(ids, a)
e = Expand(u, shape)
c = Cast<to = 1>(e)
s = Sub(one, c)
b = Cast<to = 9>(s)
w = Where(b, low, s)
t = Add(x, w)
y = Softmax<axis = -1>(t)
""",
        constants="int64[2] a = {1, 2}, int64[4] shape = {1, 1, 14, 14}, float one = {1.0}, "
        "float low = {-3.4028235e38}",
    ),
    Pattern(
        "mask-outer",
        "int64[1,14] ids, float[1,5,14,14] x",
        """
c = Cast<to = 1>(ids)
u = Unsqueeze(c, a1)
v = Unsqueeze(c, a2)
o = Mul(u, v)
h = Unsqueeze(o, a1)
b = Cast<to = 9>(h)
n = Not(b)
w = Where(n, low, x)
y = Softmax<axis = -1>(w)
""",
        constants="int64[1] a1 = {1}, int64[1] a2 = {2}, float low = {-10000.0}",
    ),
    Pattern(
        "pooler-first-token",
        "float[1,14,40] x, float[40] w1, float[40] w2, float[40,40] w3, float[40] w4",
        """
n = LayerNormalization<axis = -1, epsilon = 0.00001>(x, w1, w2)
g = Gather<axis = 1>(n, i)
d = Gemm<transB = 1>(g, w3, w4)
y = Tanh(d)
""",
        constants="int64 i = {0}",
    ),
    Pattern(
        "pooler-slice",
        "float[1,14,40] x, float[40,40] w1, float[40,7] w2",
        """
a = MatMul(x, w1)
s = Slice(a, b, e, ax)
q = Squeeze(s, ax)
y = MatMul(q, w2)
""",
        constants="int64[1] b = {0}, int64[1] e = {1}, int64[1] ax = {1}",
    ),
    Pattern(
        "pooler-mean",
        "int64[1,14] ids, float[1,14,40] x, float[40] w1, float[40] w2",
        """
n = LayerNormalization<axis = -1, epsilon = 0.00001>(x, w1, w2)
u = Unsqueeze(ids, a)
c = Cast<to = 1>(u)
m = Mul(n, c)
t = ReduceSum<keepdims = 0>(m, d)
k = ReduceSum<keepdims = 0>(c, d)
h = Clip(k, lo)
p = Div(t, h)
l = ReduceL2<axes = [1], keepdims = 1>(p)
f = Clip(l, lo)
e = Expand(f, shape)
y = Div(p, e)
""",
        constants="int64[1] a = {-1}, int64[1] d = {1}, float lo = {0.000000001}, int64[2] shape = {1, 40}",
    ),
    Pattern(
        "pooler-attention",
        "float[1,14,40] x, float[40,40] w1, float[40,1] w2",
        """
a = MatMul(x, w1)
t = Tanh(a)
s = MatMul(t, w2)
p = Softmax<axis = 1>(s)
m = Mul(p, x)
y = ReduceSum<keepdims = 0>(m, d)
""",
        constants="int64[1] d = {1}",
    ),
    Pattern(
        "rotary-halves",
        "float[1,14,48] x, float[48,48] w, float[1,1,14,8] w1, float[1,1,14,8] w2",
        """
a = MatMul(x, w)
r = Reshape(a, h)
q = Transpose<perm = [0,2,1,3]>(r)
c = Mul(q, w1)
lo = Slice(q, z, m, ax)
hi = Slice(q, m, e, ax)
n = Neg(hi)
j = Concat<axis = -1>(n, lo)
s = Mul(j, w2)
y = Add(c, s)
""",
        constants="int64[4] h = {1, 14, 6, 8}, int64[1] z = {0}, int64[1] m = {4}, "
        "int64[1] e = {9223372036854775807}, int64[1] ax = {3}",
    ),
    Pattern(
        "rotary-interleaved",
        "float[1,6,14,8] x, float[1,1,14,4] w1, float[1,1,14,4] w2",
        """
a = Slice(x, z, e, ax, st)
b = Slice(x, o, e, ax, st)
ac = Mul(a, w1)
bs = Mul(b, w2)
r = Sub(ac, bs)
bc = Mul(b, w1)
as_ = Mul(a, w2)
i = Add(bc, as_)
ru = Unsqueeze(r, u)
iu = Unsqueeze(i, u)
c = Concat<axis = -1>(ru, iu)
y = Reshape(c, shape)
""",
        constants="int64[1] z = {0}, int64[1] o = {1}, int64[1] e = {8}, int64[1] ax = {3}, int64[1] st = {2}, "
        "int64[1] u = {-1}, int64[4] shape = {1, 6, 14, 8}",
    ),
    Pattern(
        "rotary-computed-angles",
        "int64[1,14] ids, float[1,4,1] w1, float[1,6,14,8] x",
        """
u = Unsqueeze(ids, a)
f = Cast<to = 1>(u)
m = MatMul(w1, f)
t = Transpose<perm = [0,2,1]>(m)
c = Concat<axis = -1>(t, t)
cos = Cos(c)
sin = Sin(c)
cu = Unsqueeze(cos, a)
su = Unsqueeze(sin, a)
xc = Mul(x, cu)
xs = Mul(x, su)
y = Add(xc, xs)
""",
        constants="int64[1] a = {1}",
    ),
    Pattern(
        "rotary-split",
        "float[1,6,14,8] x, float[1,1,14,8] w1, float[1,1,14,8] w2",
        """
lo, hi = Split<axis = -1>(x, n)
g = Neg(hi)
j = Concat<axis = -1>(g, lo)
s = Mul(j, w2)
c = Mul(x, w1)
y = Add(c, s)
""",
        constants="int64[2] n = {4, 4}",
    ),
    Pattern(
        "logits-tied",
        "float[1,14,40] x, float[40] w1, float[40] w2, float[40,300] w3, float[300] w4",
        """
n = LayerNormalization<axis = -1, epsilon = 0.00001>(x, w1, w2)
d = MatMul(n, w3)
b = Add(d, w4)
y = ArgMax<axis = -1, keepdims = 0>(b)
""",
    ),
)
