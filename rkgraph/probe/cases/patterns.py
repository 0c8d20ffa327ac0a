"""Patterns of transformers and convolutional blocks; more are in the files named patterns_*."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


def _gelu(name: str, scale: tuple[str, str], tail: str) -> Pattern:
    """One of the ways to write GELU with Erf: `scale` is the operator and constant that make x/√2."""
    half = "float two = {2.0}" if "two" in tail else "float h = {0.5}"
    return Pattern(
        name,
        "float[1,12,24] x, float[24,32] w, float[32,24] w1",
        f"""
a = MatMul(x, w)
d = {scale[0]}(a, s)
e = Erf(d)
p = Add(e, o)
{tail}
y = MatMul(g, w1)
""",
        constants=f"float s = {{{scale[1]}}}, float o = {{1.0}}, {half}",
        probes="e" if "e)" in tail else "",
    )


ONES = ", ".join(["1"] * 576)
DIV, MUL = ("Div", "1.4142135"), ("Mul", "0.70710678")
HALF_LAST = "m = Mul(a, p)\ng = Mul(m, h)"
HALF_FIRST = "f = Mul(a, h)\ng = Mul(f, p)"
HALF_OF_SUM = "f = Mul(p, h)\ng = Mul(a, f)"

PATTERNS = (
    _gelu("gelu-div-half-last", DIV, HALF_LAST),
    _gelu("gelu-div-half-first", DIV, HALF_FIRST),
    _gelu("gelu-div-half-of-sum", DIV, HALF_OF_SUM),
    _gelu("gelu-mul-half-last", MUL, HALF_LAST),
    _gelu("gelu-mul-half-first", MUL, HALF_FIRST),
    _gelu("gelu-mul-half-of-sum", MUL, HALF_OF_SUM),
    Pattern(
        "gelu-biased",
        "float[1,14,40] x, float[40,60] w, float[60] w1, float[60,40] w2",
        """
b = MatMul(x, w)
a = Add(w1, b)
d = Div(a, s)
e = Erf(d)
p = Add(e, o)
m = Mul(a, p)
g = Mul(m, h)
y = MatMul(g, w2)
""",
        constants="float s = {1.4142135}, float o = {1.0}, float h = {0.5}",
    ),
    Pattern(
        "gelu-biased-dynamo",
        "float[1,14,40] x, float[40,60] w, float[60] w1, float[60,40] w2",
        """
b = MatMul(x, w)
a = Add(b, w1)
d = Div(a, s)
e = Erf(d)
p = Add(e, o)
m = Mul(h, p)
g = Mul(a, m)
y = MatMul(g, w2)
""",
        constants="float s = {1.4142135}, float o = {1.0}, float h = {0.5}",
        opset=18,
    ),
    _gelu("gelu-half-on-the-left", DIV, "m = Mul(a, p)\ng = Mul(h, m)"),
    _gelu("gelu-product-swapped", DIV, "m = Mul(p, a)\ng = Mul(m, h)"),
    _gelu("gelu-both-swapped", DIV, "m = Mul(p, a)\ng = Mul(h, m)"),
    _gelu("gelu-half-first-on-the-left", DIV, "f = Mul(h, a)\ng = Mul(f, p)"),
    _gelu("gelu-half-first-swapped", DIV, "f = Mul(a, h)\ng = Mul(p, f)"),
    _gelu("gelu-halved-by-div", DIV, "f = Div(a, two)\ng = Mul(f, p)"),
    _gelu("gelu-read-twice", DIV, "m = Mul(a, p)\nq = Mul(m, h)\ng = Add(q, e)"),
    Pattern(
        "gelu-tanh",
        "float[1,12,24] x, float[24,32] w, float[32,24] w1",
        """
a = MatMul(x, w)
q = Pow(a, t)
r = Mul(q, c)
u = Add(a, r)
v = Mul(u, s)
n = Tanh(v)
p = Add(n, o)
f = Mul(a, h)
g = Mul(f, p)
y = MatMul(g, w1)
""",
        constants="float c = {0.044715}, float s = {0.7978845}, float o = {1.0}, float h = {0.5}, float t = {3.0}",
    ),
    Pattern(
        "silu",
        "float[1,8,12,24] x, float[16,8,3,3] w, float[8,16,1,1] w1",
        """
a = Conv(x, w)
s = Sigmoid(a)
m = Mul(a, s)
y = Conv(m, w1)
""",
    ),
    Pattern(
        "norm-by-parts",
        "float[1,12,24] x, float[24,24] w, float[24] w1, float[24] w2, float[24,16] w3",
        """
a = MatMul(x, w)
m = ReduceMean<axes = [-1]>(a)
d = Sub(a, m)
q = Pow(d, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
g = Mul(r, w1)
b = Add(g, w2)
y = MatMul(b, w3)
""",
        constants="float t = {2.0}, float e = {0.00001}",
    ),
    Pattern(
        "rms-norm",
        "float[1,12,24] x, float[24,24] w, float[24] w1, float[24,16] w3",
        """
a = MatMul(x, w)
q = Pow(a, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
i = Reciprocal(s)
r = Mul(a, i)
g = Mul(w1, r)
y = MatMul(g, w3)
""",
        constants="float t = {2.0}, float e = {0.00001}",
    ),
    Pattern(
        "rms-norm-fused",
        "float[1,12,24] x, float[24,24] w, float[24] w1, float[24,16] w3",
        """
a = MatMul(x, w)
q = Pow(a, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
i = Div(o, s)
r = Mul(a, i)
g = Mul(w1, r)
y = MatMul(g, w3)
""",
        constants="float t = {2.0}, float o = {1.0}, float e = {0.00001}",
    ),
    Pattern(
        "attention",
        "float[1,12,32] x, float[32,32] w1, float[32,32] w2, float[32,32] w3, float[1,1,1,12] b",
        """
q0 = MatMul(x, w1)
k0 = MatMul(x, w2)
v0 = MatMul(x, w3)
q1 = Reshape(q0, h)
k1_ = Reshape(k0, h)
v1 = Reshape(v0, h)
q = Transpose<perm = [0,2,1,3]>(q1)
k = Transpose<perm = [0,2,3,1]>(k1_)
v = Transpose<perm = [0,2,1,3]>(v1)
s0 = MatMul(q, k)
s1 = Div(s0, s)
s2 = Add(s1, b)
p = Softmax<axis = -1>(s2)
c = MatMul(p, v)
c1 = Transpose<perm = [0,2,1,3]>(c)
y = Reshape(c1, j)
""",
        constants="float s = {2.8284271}, int64[4] h = {1, 12, 4, 8}, int64[3] j = {1, 12, 32}",
    ),
    Pattern(
        "additive-mask",
        "int64[1,24] ids, float[1,4,24,24] x",
        """
u = Unsqueeze(ids, a)
c = Cast<to = 1>(u)
s = Sub(o, c)
m = Mul(s, f)
t = Add(x, m)
y = Softmax<axis = -1>(t)
""",
        constants="int64[2] a = {1, 2}, float o = {1.0}, float f = {-10000.0}",
    ),
    Pattern(
        "expanded-mask",
        "int64[1,24] ids, float[1,4,24,24] x",
        """
u = Unsqueeze(ids, a)
n = Expand(u, e)
c = Cast<to = 1>(n)
s = Sub(o, c)
b = Cast<to = 9>(s)
m = Where(b, f, s)
t = Add(x, m)
y = Softmax<axis = -1>(t)
""",
        constants="int64[2] a = {1, 2}, float o = {1.0}, float f = {-10000.0}, int64[4] e = {1, 1, 24, 24}",
    ),
    Pattern(
        "boolean-mask",
        "int64[1,24] ids, float[1,4,24,24] x",
        """
q = Equal(ids, z)
n = Not(q)
u = Unsqueeze(n, a)
g = Expand(u, e)
m = Where(g, x, f)
y = Softmax<axis = -1>(m)
""",
        constants="int64 z = {0}, int64[2] a = {1, 2}, float f = {-10000.0}, float o = {0.0}, int64[4] e = {1, "
        "4, 24, 24}",
    ),
    Pattern(
        "dynamo-mask",
        "int64[1,24] ids, float[1,4,24,24] x",
        """
g = Greater(ids, z)
u = Unsqueeze(g, a)
n = And(u, t)
m = Where(n, o, f)
s = Add(x, m)
y = Softmax<axis = -1>(s)
""",
        constants="int64 z = {0}, bool[1,1,24,24] t = {"
        + ONES
        + "}, int64[2] a = {1, 2}, float f = {-10000.0}, float o = {0.0}",
    ),
    Pattern(
        "pool-mask",
        "int64[1,12] ids, float[1,12,24] x",
        """
u = Unsqueeze(ids, a)
n = Expand(u, e)
c = Cast<to = 1>(n)
m = Mul(x, c)
t = ReduceSum<keepdims = 0>(m, d)
k = ReduceSum<keepdims = 0>(c, d)
h = Clip(k, lo)
y = Div(t, h)
""",
        constants="int64[1] a = {-1}, int64[3] e = {1, 12, 24}, int64[1] d = {1}, float lo = {0.000001}",
    ),
    Pattern(
        "normalize",
        "float[1,24] x, float[24,24] w",
        """
a = MatMul(x, w)
l = ReduceL2<axes = [1]>(a)
c = Clip(l, lo)
n = Expand(c, e)
y = Div(a, n)
""",
        constants="float lo = {0.000001}, int64[2] e = {1, 24}",
    ),
    Pattern(
        "embedding",
        "int64[1,12] ids, float[50,24] w, float[24] w1, float[24] w2, float[12,24] w3",
        """
e = Gather(w, ids)
p = Add(e, w3)
y = LayerNormalization<axis = -1, epsilon = 0.00001>(p, w1, w2)
""",
    ),
    Pattern(
        "class-token",
        "float[1,12,24] x, float[24,24] w, float[24,16] w1",
        """
a = MatMul(x, w)
g = Gather<axis = 1>(a, i)
t = Tanh(g)
y = MatMul(t, w1)
""",
        constants="int64 i = {0}",
    ),
    Pattern(
        "conv-norm-relu",
        "float[1,8,12,24] x, float[16,8,3,3] w, float[16] w1, float[16] w2, float[16] w3, float[16] w4, "
        "float[8,16,1,1] w5",
        """
a = Conv(x, w)
b = BatchNormalization(a, w1, w2, w3, w4)
r = Relu(b)
y = Conv(r, w5)
""",
    ),
    Pattern(
        "squeeze-excite",
        "float[1,8,12,24] x, float[8,8,3,3] w, float[4,8,1,1] w1, float[8,4,1,1] w2",
        """
a = Conv(x, w)
g = GlobalAveragePool(a)
d = Conv(g, w1)
r = Relu(d)
u = Conv(r, w2)
h = HardSigmoid<alpha = 0.2, beta = 0.5>(u)
y = Mul(a, h)
""",
    ),
    Pattern(
        "squeeze-excite-defaults",
        "float[1,8,12,24] x, float[8,8,3,3] w, float[4,8,1,1] w1, float[8,4,1,1] w2",
        """
a = Conv(x, w)
g = GlobalAveragePool(a)
d = Conv(g, w1)
r = Relu(d)
u = Conv(r, w2)
h = HardSigmoid(u)
y = Mul(a, h)
""",
        probes="h",
    ),
    Pattern(
        "rotary",
        "float[1,4,12,8] x, float[1,1,12,8] w1, float[1,1,12,8] w2",
        """
l = Slice(x, z, m, a)
h = Slice(x, m, e, a)
n = Neg(h)
j = Concat<axis = -1>(n, l)
c = Mul(x, w1)
s = Mul(j, w2)
y = Add(c, s)
""",
        constants="int64[1] z = {0}, int64[1] m = {4}, int64[1] e = {8}, int64[1] a = {3}",
    ),
)
