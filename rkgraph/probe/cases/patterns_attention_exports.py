"""Attention of whole families of models: one projection for all, sequence first, over pixels, disentangled."""

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
        "attention-fused-qkv",
        "float[1,18,48] x, float[48,144] w1, float[144] w2, float[48,48] w3",
        """
a = MatMul(x, w1)
b = Add(a, w2)
r = Reshape(b, s)
t = Transpose<perm = [2,0,3,1,4]>(r)
q = Gather<axis = 0>(t, i0)
k = Gather<axis = 0>(t, i1)
v = Gather<axis = 0>(t, i2)
qs = Mul(q, d)
kt = Transpose<perm = [0,1,3,2]>(k)
m = MatMul(qs, kt)
p = Softmax<axis = -1>(m)
c = MatMul(p, v)
c1 = Transpose<perm = [0,2,1,3]>(c)
c2 = Reshape(c1, j)
y = MatMul(c2, w3)
""",
        constants="int64[5] s = {1, 18, 3, 6, 8}, int64 i0 = {0}, int64 i1 = {1}, int64 i2 = {2}, "
        "float d = {0.35355339}, "
        "int64[3] j = {1, 18, 48}",
    ),
    Pattern(
        "attention-split-qkv",
        "float[1,18,48] x, float[48,144] w1, float[144] w2, float[48,48] w3",
        """
a = MatMul(x, w1)
b = Add(a, w2)
r = Reshape(b, s)
t = Transpose<perm = [2,0,3,1,4]>(r)
q, k, v = Split<axis = 0>(t, n)
qq = Squeeze(q, z)
kk = Squeeze(k, z)
vv = Squeeze(v, z)
kt = Transpose<perm = [0,1,3,2]>(kk)
m = MatMul(qq, kt)
d = Mul(m, f)
p = Softmax<axis = -1>(d)
c = MatMul(p, vv)
c1 = Transpose<perm = [0,2,1,3]>(c)
y = Reshape(c1, j)
""",
        constants="int64[5] s = {1, 18, 3, 6, 8}, int64[3] n = {1, 1, 1}, int64[1] z = {0}, float f = {0.35355339}, "
        "int64[3] j = {1, 18, 48}",
    ),
    Pattern(
        "attention-gpt2",
        "float[1,18,48] x, float[48,144] w1, float[144] w2, bool[1,1,18,18] w3",
        """
f = Reshape(x, flat)
g = Gemm(f, w1, w2)
u = Reshape(g, wide)
q, k, v = Split<axis = 2>(u, n)
q1 = Reshape(q, h)
k1_ = Reshape(k, h)
v1 = Reshape(v, h)
q2 = Transpose<perm = [0,2,1,3]>(q1)
k2 = Transpose<perm = [0,2,3,1]>(k1_)
v2 = Transpose<perm = [0,2,1,3]>(v1)
m = MatMul(q2, k2)
s = Div(m, d)
o = Where(w3, s, low)
p = Softmax<axis = -1>(o)
c = MatMul(p, v2)
t = Transpose<perm = [0,2,1,3]>(c)
y = Reshape(t, j)
""",
        constants="int64[2] flat = {-1, 48}, int64[3] wide = {1, 18, 144}, int64[3] n = {48, 48, 48}, "
        "int64[4] h = {1, 18, 6, 8}, float d = {2.8284271}, float low = {-10000.0}, int64[3] j = {1, 18, 48}",
    ),
    Pattern(
        "attention-sequence-first",
        "float[18,1,48] x, float[48,144] w1, float[144] w2, float[48,48] w3, float[48] w4",
        """
a = MatMul(x, w1)
b = Add(a, w2)
q, k, v = Split<axis = 2>(b, n)
q1 = Mul(q, d)
q2 = Reshape(q1, h)
q3 = Transpose<perm = [1,0,2]>(q2)
k2 = Reshape(k, h)
v2 = Reshape(v, h)
v3 = Transpose<perm = [1,0,2]>(v2)
k3 = Transpose<perm = [1,2,0]>(k2)
m = MatMul(q3, k3)
p = Softmax<axis = -1>(m)
c = MatMul(p, v3)
t = Transpose<perm = [1,0,2]>(c)
f = Reshape(t, flat)
y = Gemm<transB = 1>(f, w3, w4)
""",
        constants="int64[3] n = {48, 48, 48}, int64[3] h = {18, 6, 8}, float d = {0.35355339}, "
        "int64[2] flat = {18, 48}",
    ),
    Pattern(
        "attention-one-head",
        "float[1,20,32] x, float[32,32] w1, float[32,32] w2, float[32,32] w3",
        """
q = MatMul(x, w1)
k = MatMul(x, w2)
v = MatMul(x, w3)
t = Transpose<perm = [0,2,1]>(k)
m = MatMul(q, t)
s = Div(m, d)
p = Softmax<axis = 2>(s)
y = MatMul(p, v)
""",
        constants="float d = {5.656854}",
    ),
    Pattern(
        "attention-over-pixels",
        "float[1,32,6,10] x, float[64,32,1,1] w1, float[32,32,1,1] w2, float[32,1,3,3] w3",
        """
a = Conv(x, w1)
r = Reshape(a, s)
q, k, v = Split<axis = 2>(r, n)
t = Transpose<perm = [0,1,3,2]>(q)
m = MatMul(t, k)
d = Mul(m, f)
p = Softmax<axis = -1>(d)
pt = Transpose<perm = [0,1,3,2]>(p)
c = MatMul(v, pt)
b = Reshape(c, image)
vi = Reshape(v, image)
e = Conv<group = 32, pads = [1,1,1,1]>(vi, w3)
o = Add(b, e)
y = Conv(o, w2)
""",
        constants="int64[4] s = {1, 2, 32, 60}, int64[3] n = {8, 8, 16}, float f = {0.35355339}, "
        "int64[4] image = {1, 32, 6, 10}",
    ),
    Pattern(
        "attention-cross",
        "float[1,10,32] x, float[1,25,32] x2, float[32,32] w1, float[32,32] w2, float[32,32] w3",
        """
q = MatMul(x, w1)
k = MatMul(x2, w2)
v = MatMul(x2, w3)
q1 = Reshape(q, hq)
k1_ = Reshape(k, hk)
v1 = Reshape(v, hk)
q2 = Transpose<perm = [0,2,1,3]>(q1)
k2 = Transpose<perm = [0,2,3,1]>(k1_)
v2 = Transpose<perm = [0,2,1,3]>(v1)
m = MatMul(q2, k2)
s = Mul(m, d)
p = Softmax<axis = -1>(s)
c = MatMul(p, v2)
t = Transpose<perm = [0,2,1,3]>(c)
y = Reshape(t, j)
""",
        constants="int64[4] hq = {1, 10, 4, 8}, int64[4] hk = {1, 25, 4, 8}, float d = {0.35355339}, "
        "int64[3] j = {1, 10, 32}",
    ),
    Pattern(
        "attention-linear",
        "float[1,24,32] x, float[32,32] w1, float[32,32] w2, float[32,32] w3",
        """
q = MatMul(x, w1)
k = MatMul(x, w2)
v = MatMul(x, w3)
qs = Softmax<axis = -1>(q)
ks = Softmax<axis = 1>(k)
t = Transpose<perm = [0,2,1]>(ks)
c = MatMul(t, v)
y = MatMul(qs, c)
""",
    ),
    Pattern(
        "attention-mobilevit2",
        "float[1,16,8,20] x, float[33,16,1,1] w1, float[16,16,1,1] w2",
        """
a = Conv(x, w1)
q, k, v = Split<axis = 1>(a, n)
p = Softmax<axis = 3>(q)
m = Mul(k, p)
s = ReduceSum<keepdims = 1>(m, ax)
r = Relu(v)
e = Expand(s, shape)
c = Mul(r, e)
y = Conv(c, w2)
""",
        constants="int64[3] n = {1, 16, 16}, int64[1] ax = {3}, int64[4] shape = {1, 16, 8, 20}",
    ),
    Pattern(
        "attention-disentangled",
        "float[1,4,12,8] x, float[1,4,12,8] x2, float[1,4,24,8] w1, int64[1,4,12,12] w2, float[1,4,24,8] w3",
        """
kt = Transpose<perm = [0,1,3,2]>(x2)
s = MatMul(x, kt)
d = Div(s, f)
pk = Transpose<perm = [0,1,3,2]>(w1)
c2p = MatMul(x, pk)
g = GatherElements<axis = 3>(c2p, w2)
gd = Div(g, f)
pq = Transpose<perm = [0,1,3,2]>(w3)
p2c = MatMul(x2, pq)
g2 = GatherElements<axis = 3>(p2c, w2)
gt = Transpose<perm = [0,1,3,2]>(g2)
g2d = Div(gt, f)
a = Add(gd, g2d)
m = Add(d, a)
y = Softmax<axis = 3>(m)
""",
        constants="float f = {4.89}",
    ),
    Pattern(
        "attention-disentangled-einsum",
        "float[4,12,8] x, float[4,12,8] x2, float[4,24,8] w1, int64[4,12,12] w2, float[1,12,4,16] x4",
        """
pk = Transpose<perm = [0,2,1]>(w1)
c2p = MatMul(x, pk)
g = GatherElements<axis = 2>(c2p, w2)
gd = Div(g, f)
kt = Transpose<perm = [0,2,1]>(x2)
s = MatMul(x, kt)
a = Add(s, gd)
r = Reshape(a, h)
p = Softmax<axis = -1>(r)
v = Transpose<perm = [0,2,1,3]>(x4)
c = Einsum<equation = "bhij,bhjd->bihd">(p, v)
y = Reshape(c, j)
""",
        constants="float f = {4.89}, int64[4] h = {1, 4, 12, 12}, int64[3] j = {1, 12, 64}",
    ),
)
