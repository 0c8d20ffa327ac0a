"""Attention in the forms that exporters write: eager and fused, masks, heads, biases, rotary embeddings."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

MASKED = "float[1,14,40] x, float[40,40] w1, float[40,40] w2, float[40,40] w3, float[40] w4, float[40] w5"
CORE = "q k qs ks s a m p c g n u b e o"
HEADS = "int64[4] h = {1, 14, 5, 8}, int64[4] hb = {0, 0, 5, 8}, int64[3] j = {1, 14, 40}"


def cases() -> Iterator[Case]:
    """One case for every node of every pattern."""
    for pattern in PATTERNS:
        yield from cases_of(pattern)


def _scores(scores: str, *, mask: str = "", extra: str = "", name: str, opset: int = 17, probes: str = CORE) -> Pattern:
    """Projections with biases, heads, `scores` (which ends in p), the context and the output projection."""
    body = f"""
q0 = MatMul(x, w1)
q1 = Add(w4, q0)
k0 = MatMul(x, w2)
k1_ = Add(w5, k0)
v0 = MatMul(x, w3)
q2 = Reshape(q1, h)
k2 = Reshape(k1_, h)
v2 = Reshape(v0, h)
q = Transpose<perm = [0,2,1,3]>(q2)
v = Transpose<perm = [0,2,1,3]>(v2)
{scores.strip()}
c = MatMul(p, v)
c1 = Transpose<perm = [0,2,1,3]>(c)
c2 = Reshape(c1, j)
y = MatMul(c2, w1)
"""
    inputs = MASKED + (f", {mask}" if mask else "")
    constants = HEADS + (f", {extra}" if extra else "")
    return Pattern(name, inputs, body, constants=constants, opset=opset, probes=probes)


KEYS = "k = Transpose<perm = [0,2,3,1]>(k2)"
SCALED_BOTH = f"""
{KEYS}
qs = Mul(q, r)
ks = Mul(k, r)
s = MatMul(qs, ks)
"""

PATTERNS = (
    _scores(
        f"{KEYS}\ns = MatMul(q, k)\na = Div(s, d)\nm = Add(a, b)\np = Softmax<axis = -1>(m)",
        mask="float[1,1,1,14] b",
        extra="float d = {2.8284271}",
        name="attention-eager",
        probes="",
    ),
    _scores(
        f"{KEYS}\ns = MatMul(q, k)\na = Mul(s, d)\np = Softmax<axis = -1>(a)",
        extra="float d = {0.35355339}",
        name="attention-unmasked",
    ),
    _scores(
        f"{SCALED_BOTH}m = Add(s, b)\np = Softmax<axis = -1>(m)",
        mask="float[1,1,14,14] b",
        extra="float r = {0.5946035}",
        name="attention-sdpa",
    ),
    _scores(
        f"{SCALED_BOTH}p = Softmax<axis = -1>(s)",
        extra="float r = {0.5946035}",
        name="attention-sdpa-unmasked",
    ),
    _scores(
        f"{SCALED_BOTH}m = Add(s, w6)\np = Softmax<axis = -1>(m)",
        mask="float[14,14] w6",
        extra="float r = {0.5946035}",
        name="attention-sdpa-constant-mask",
    ),
    _scores(
        f"{SCALED_BOTH}m = Add(s, b)\ng = Softmax<axis = -1>(m)\nn = IsNaN(g)\np = Where(n, z, g)",
        mask="float[1,1,14,14] b",
        extra="float r = {0.5946035}, float z = {0.0}",
        name="attention-sdpa-guarded",
        opset=18,
    ),
    _scores(
        f"{SCALED_BOTH}n = Cast<to = 9>(ids)\nu = Unsqueeze(n, ax)\ng = Where(u, z, f)\nm = Add(s, "
        "g)\np = Softmax<axis = -1>(m)",
        mask="int64[1,14] ids",
        extra="float r = {0.5946035}, float z = {0.0}, float f = {-1000000000.0}, int64[2] ax = {1, 2}",
        name="attention-sdpa-boolean",
    ),
    _scores(
        f"{KEYS}\ns = MatMul(q, k)\na = Div(s, d)\nm = Where(w6, a, f)\np = Softmax<axis = -1>(m)",
        mask="bool[1,1,14,14] w6",
        extra="float d = {2.8284271}, float f = {-10000.0}",
        name="attention-causal",
    ),
    _scores(
        f"{KEYS}\ns = MatMul(q, k)\nm = Add(s, w6)\no = Add(m, b)\np = Softmax<axis = -1>(o)",
        mask="float[1,5,14,14] w6, float[1,1,1,14] b",
        name="attention-relative-bias",
    ),
    _scores(
        f"{KEYS}\ns = MatMul(q, k)\na = Div(s, d)\nm = Add(a, b)\ne = Max(m, "
        "f)\ng = Softmax<axis = -1>(e)\np = Mul(g, t)",
        mask="float[1,1,14,14] b, float[1,5,1,1] t",
        extra="float d = {2.8284271}, float f = {-60000.0}",
        name="attention-head-mask",
    ),
)
