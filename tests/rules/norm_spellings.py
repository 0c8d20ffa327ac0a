"""Spellings of one layer normalization and one RMSNorm over the last axis of x, 2 × 3 × 4, ε = 1e-5."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

CONSTANTS = """float two = {2}, float one = {1}, float half = {0.5}, float minus_half = {-0.5}, float eps = {0.00001},
float four = {4}, float quarter = {0.25}, float[4, 1] column = {0.25, 0.25, 0.25, 0.25}, int64[1] last = {-1},
float[4] w = {0.5, 2, -3, 1}, float[4] b = {1, -1, 0.5, 0}"""

MEANS = {  # of {0}, called {1}
    "mean": "{1} = ReduceMean<axes = [-1]>({0})",
    "its axis": "{1} = ReduceMean<axes = [2]>({0})",
    "sum over size": "s{1} = ReduceSum({0}, last) {1} = Div(s{1}, four)",
    "sum by 1/size": "s{1} = ReduceSum({0}, last) {1} = Mul(quarter, s{1})",
    "product": "{1} = MatMul({0}, column)",
}
CENTRED = {
    "subtracted": "d = Sub(x, m)",
    "negated": "g = Neg(m) d = Add(x, g)",
}
SQUARES = {"power": "p = Pow({0}, two)", "product": "p = Mul({0}, {0})"}
INVERSES = {  # of a, called i
    "reciprocal": "s = Sqrt(a) i = Reciprocal(s)",
    "quotient": "s = Sqrt(a) i = Div(one, s)",
    "powers": "s = Pow(a, half) i = Reciprocal(s)",
    "power": "i = Pow(a, minus_half)",
    "root of reciprocal": "s = Reciprocal(a) i = Sqrt(s)",
    "root of quotient": "s = Div(one, a) i = Sqrt(s)",
}
ENDS = {  # {0}: what is normalised
    "then scaled": "n = Mul({0}, i) k = Mul(n, w) y = Add(k, b)",
    "scale first": "j = Mul(i, w) k = Mul({0}, j) y = Add(k, b)",
    "scaled before": "j = Mul(w, {0}) k = Mul(j, i) y = Add(b, k)",
    "no scale": "n = Mul(i, {0}) y = Add(n, b)",
}
QUOTIENTS = {
    "quotient": "s = Sqrt(a) n = Div({0}, s) k = Mul(n, w) y = Add(k, b)",
    "of a power": "s = Pow(a, half) n = Div({0}, s) k = Mul(n, w) y = Add(k, b)",
    "scale over root": "s = Sqrt(a) i = Div(w, s) k = Mul({0}, i) y = Add(k, b)",
    "scaled before": "s = Sqrt(a) j = Mul({0}, w) k = Div(j, s) y = Add(k, b)",
}
KERAS = {
    "as Keras does": "j = Mul(i, w) k = Mul(x, j) o = Mul(m, j) h = Sub(b, o) y = Add(k, h)",
    "shifted without a bias": "j = Mul(i, w) k = Mul(j, x) o = Mul(j, m) y = Sub(k, o)",
}


def model(*steps: str) -> str:
    return f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[2, 3, 4] x) => (float[2, 3, 4] y) <{CONSTANTS}> {{ {" ".join(steps)} }}"""


def _tails(of: str) -> Iterator[tuple[str, str]]:
    for (inverse, first), (end, second) in product(INVERSES.items(), ENDS.items()):
        yield f"{inverse}, {end}", f"{first} {second.format(of)}"
    yield from ((f"divided, {name}", text.format(of)) for name, text in QUOTIENTS.items())


def layer_norms() -> dict[str, str]:
    """By name; the ones that are fused as they stand among them."""
    found = {}
    tails = [*_tails("d"), *((f"{i}, {k}", f"{a} {z}") for (i, a), (k, z) in product(INVERSES.items(), KERAS.items()))]
    for (mean, average), (centring, centred), (power, square), (tail, end) in product(
        MEANS.items(), CENTRED.items(), SQUARES.items(), tails
    ):
        head = (average.format("x", "m"), centred, square.format("d"), average.format("p", "v"), "a = Add(v, eps)")
        found[f"{mean}; {centring}; {power}; {tail}"] = model(*head, end)
    return found


def rms_norms() -> dict[str, str]:
    """By name; the ones that are fused as they stand among them."""
    return {
        f"{mean}; {power}; {tail}": model(square.format("x"), average.format("p", "v"), "a = Add(eps, v)", end)
        for (mean, average), (power, square), (tail, end) in product(MEANS.items(), SQUARES.items(), _tails("x"))
    }
