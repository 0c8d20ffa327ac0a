"""Activations by parts, gates, and attention over channels."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

IMAGE = "float[1,12,9,15] x, float[20,12,3,3] w, float[8,20,1,1] w1"
ROWS = "float[1,14,30] x, float[30,40] w, float[40,20] w1"

TANH = """
q = Mul(a, a)
u = Mul(q, a)
r = Mul(u, c)
v = Add(a, r)
s = Mul(v, k)
t = Tanh(s)
p = Add(t, o)
m = Mul(a, p)
g = Mul(m, h)
"""

FORMS = {
    "swish": ("s = Sigmoid(a)\ng = Mul(a, s)", ""),
    "swish-reversed": ("s = Sigmoid(a)\ng = Mul(s, a)", ""),
    "quick-gelu": ("u = Mul(a, c)\ns = Sigmoid(u)\ng = Mul(a, s)", "float c = {1.702}"),
    "hard-swish-div": (
        "p = Add(a, t)\nk = Clip(p, lo, hi)\nm = Mul(a, k)\ng = Div(m, hi)",
        "float t = {3.0}, float lo = {0.0}, float hi = {6.0}",
    ),
    "hard-swish-parts": (
        "p = Add(a, t)\nk = Clip(p, lo, hi)\nd = Div(k, hi)\ng = Mul(a, d)",
        "float t = {3.0}, float lo = {0.0}, float hi = {6.0}",
    ),
    "hard-swish-mul": (
        "p = Add(a, t)\nk = Clip(p, lo, hi)\nm = Mul(k, c)\ng = Mul(a, m)",
        "float t = {3.0}, float lo = {0.0}, float hi = {6.0}, float c = {0.16666667}",
    ),
    "hard-swish-paddle": (
        "p = Add(a, t)\nk = Clip(p, lo, hi)\nm = Mul(a, k)\ng = Mul(m, c)",
        "float[1] t = {3.0}, float lo = {0.0}, float hi = {6.0}, float[1] c = {0.16666667}",
    ),
    "hard-swish-sigmoid": ("h = HardSigmoid<alpha = 0.16666667, beta = 0.5>(a)\ng = Mul(a, h)", ""),
    "hard-swish": ("g = HardSwish(a)", ""),
    "mish": ("u = Softplus(a)\nt = Tanh(u)\ng = Mul(a, t)", ""),
    "mish-exp": ("e = Exp(a)\np = Add(e, o)\nl = Log(p)\nt = Tanh(l)\ng = Mul(a, t)", "float o = {1.0}"),
    "relu6": ("g = Clip(a, lo, hi)", "float lo = {0.0}, float hi = {6.0}"),
    "relu": ("g = Relu(a)", ""),
    "leaky": ("g = LeakyRelu<alpha = 0.1>(a)", ""),
    "elu": ("g = Elu(a)", ""),
    "selu": ("g = Selu(a)", ""),
    "softplus": ("g = Softplus(a)", ""),
    "tanh": ("g = Tanh(a)", ""),
    "sigmoid": ("g = Sigmoid(a)", ""),
    "hard-sigmoid": ("g = HardSigmoid(a)", ""),
    "softsign": ("g = Softsign(a)", ""),
    "square-relu": ("r = Relu(a)\ng = Mul(r, r)", ""),
    "squared-power": ("r = Relu(a)\ng = Pow(r, t)", "float t = {2.0}"),
    "gelu-tanh": (TANH, "float c = {0.044715}, float k = {0.7978846}, float o = {1.0}, float h = {0.5}"),
    "gelu-erf": (
        "d = Div(a, k)\ne = Erf(d)\np = Add(e, o)\nm = Mul(a, p)\ng = Mul(m, h)",
        "float k = {1.4142135}, float o = {1.0}, float h = {0.5}",
    ),
    "snake": (
        "u = Mul(a, c)\ns = Sin(u)\nq = Pow(s, t)\nm = Mul(q, i)\ng = Add(a, m)",
        "float c = {0.7}, float t = {2.0}, float i = {1.4285}",
    ),
    "logit-clamp": (
        "k = Clip(a, lo, hi)\nn = Sub(o, k)\nd = Div(k, n)\ng = Log(d)",
        "float lo = {0.00001}, float hi = {0.99999}, float o = {1.0}",
    ),
}
"""What stands between `a`, the product of weights, and `g`, which goes into the next ones; the constants of it."""


def cases() -> Iterator[Case]:
    """One case for every node of every pattern, activations behind convolutions and behind matrix products."""
    for name, (body, constants) in FORMS.items():
        behind = f"a = Conv(x, w)\n{body}\ny = Conv(g, w1)"
        probes = " ".join(line.split(" ")[0] for line in body.split("\n") if line)
        yield from cases_of(Pattern(f"conv-{name}", IMAGE, behind, constants=constants, probes=probes))
        behind = f"a = MatMul(x, w)\n{body}\ny = MatMul(g, w1)"
        yield from cases_of(Pattern(f"matmul-{name}", ROWS, behind, constants=constants, probes=probes))
    for pattern in PATTERNS:
        yield from cases_of(pattern)


PATTERNS = (
    Pattern(
        "conv-prelu",
        IMAGE + ", float[20,1,1] w2",
        "a = Conv(x, w)\ng = PRelu(a, w2)\ny = Conv(g, w1)",
    ),
    Pattern("conv-prelu-scalar", IMAGE + ", float[1] w2", "a = Conv(x, w)\ng = PRelu(a, w2)\ny = Conv(g, w1)"),
    Pattern(
        "conv-add-relu",
        IMAGE + ", float[1,20,7,13] x2",
        "a = Conv(x, w)\ns = Add(a, x2)\nr = Relu(s)\ny = Conv(r, w1)",
    ),
    Pattern(
        "conv-residual",
        "float[1,12,9,15] x, float[12,12,3,3] w, float[12,12,3,3] w1",
        "a = Conv<pads = [1,1,1,1]>(x, w)\nr = Relu(a)\nb = Conv<pads = [1,1,1,1]>(r, w1)\ns = Add(b, x)\ny = Relu(s)",
    ),
    Pattern(
        "glu-split",
        "float[1,14,30] x, float[30,40] w, float[20,16] w1",
        "a = MatMul(x, w)\nv, u = Split<axis = -1>(a, n)\ns = Sigmoid(u)\nm = Mul(v, s)\ny = MatMul(m, w1)",
        constants="int64[2] n = {20, 20}",
    ),
    Pattern(
        "glu-channels",
        "float[1,12,60] x, float[40,12,1] w, float[20,1,7] w1",
        "a = Conv(x, w)\nv, u = Split<axis = 1>(a, n)\ns = Sigmoid(u)\nm = Mul(v, s)\ny = Conv<group = 20, "
        "pads = [3,3]>(m, w1)",
        constants="int64[2] n = {20, 20}",
    ),
    Pattern(
        "geglu",
        "float[1,14,30] x, float[30,40] w, float[20,16] w1",
        """
a = MatMul(x, w)
v = Slice(a, z, h, ax)
u = Slice(a, h, e, ax)
d = Div(u, k)
f = Erf(d)
p = Add(f, o)
m = Mul(u, p)
q = Mul(m, half)
g = Mul(v, q)
y = MatMul(g, w1)
""",
        constants="int64[1] z = {0}, int64[1] h = {20}, int64[1] e = {40}, int64[1] ax = {2}, float k = {1.4142135}, "
        "float o = {1.0}, float half = {0.5}",
    ),
    Pattern(
        "swiglu",
        "float[1,14,30] x, float[30,40] w1, float[30,40] w2, float[40,30] w3",
        "a = MatMul(x, w1)\ns = Sigmoid(a)\ng = Mul(a, s)\nu = MatMul(x, w2)\nm = Mul(g, u)\ny = MatMul(m, w3)",
    ),
    Pattern(
        "channel-attention-gemm",
        "float[1,20,9,15] x, float[5,20] w1, float[5] w2, float[20,5] w3, float[20] w4",
        """
g = GlobalAveragePool(x)
f = Flatten(g)
d = Gemm<transB = 1>(f, w1, w2)
r = Relu(d)
u = Gemm<transB = 1>(r, w3, w4)
s = Sigmoid(u)
e = Reshape(s, four)
y = Mul(x, e)
""",
        constants="int64[4] four = {1, 20, 1, 1}",
    ),
    Pattern(
        "channel-attention-mean",
        "float[1,20,9,15] x, float[5,20,1,1] w1, float[20,5,1,1] w2",
        """
g = ReduceMean<axes = [2,3], keepdims = 1>(x)
d = Conv(g, w1)
i = Sigmoid(d)
m = Mul(d, i)
u = Conv(m, w2)
s = Sigmoid(u)
y = Mul(s, x)
""",
    ),
    Pattern(
        "channel-attention-eca",
        "float[1,20,9,15] x, float[1,1,3] w1",
        """
g = GlobalAveragePool(x)
q = Squeeze(g, ax)
t = Transpose<perm = [0,2,1]>(q)
c = Conv<pads = [1,1]>(t, w1)
b = Transpose<perm = [0,2,1]>(c)
u = Unsqueeze(b, ax)
s = Sigmoid(u)
e = Expand(s, shape)
y = Mul(x, e)
""",
        constants="int64[1] ax = {3}, int64[4] shape = {1, 20, 9, 15}",
    ),
    Pattern(
        "spatial-attention",
        "float[1,20,9,15] x, float[1,2,7,7] w1",
        """
m = ReduceMean<axes = [1], keepdims = 1>(x)
k = ReduceMax<axes = [1], keepdims = 1>(x)
c = Concat<axis = 1>(m, k)
a = Conv<pads = [3,3,3,3]>(c, w1)
s = Sigmoid(a)
y = Mul(x, s)
""",
    ),
    Pattern(
        "channel-attention-max",
        "float[1,20,9,15] x, float[5,20,1,1] w1, float[20,5,1,1] w2",
        """
g = GlobalAveragePool(x)
h = GlobalMaxPool(x)
d = Conv(g, w1)
e = Conv(h, w1)
r = Relu(d)
q = Relu(e)
u = Conv(r, w2)
v = Conv(q, w2)
a = Add(u, v)
s = Sigmoid(a)
y = Mul(x, s)
""",
    ),
)
