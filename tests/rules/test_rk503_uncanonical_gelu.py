from __future__ import annotations

import numpy as np
import pytest

from rkgraph.rules.rk503_uncanonical_gelu import CANONICAL_ERF, CANONICAL_TANH, ERF_FORMS, TANH_FORMS
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK503"
CONSTANTS = """float half = {0.5}, float one = {1}, float two = {2}, float three = {3}, float root = {1.4142135},
float r = {0.70710677}, float mr = {-0.70710677}, float c = {0.044715}, float k = {0.7978846}"""


def model(*steps: str, constants: str = CONSTANTS) -> str:
    return f"g (float[1, 4, 64] x) => (float[1, 4, 64] y) <{constants}> {{ {' '.join(steps)} }}"


ERF = {
    "times 0.7071": ("a = Mul(x, r)", "e = Erf(a)", "g = Add(e, one)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "half in front": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "p = Mul(x, g)", "y = Mul(half, p)"),
    "one in front": ("a = Div(x, root)", "e = Erf(a)", "g = Add(one, e)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "gate in front": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "p = Mul(g, x)", "y = Mul(p, half)"),
    "half of the gate": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "h = Mul(g, half)", "y = Mul(x, h)"),
    "divided by two": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "p = Mul(x, g)", "y = Div(p, two)"),
    "gate of halves": ("a = Div(x, root)", "e = Erf(a)", "h = Mul(half, e)", "g = Add(half, h)", "y = Mul(x, g)"),
}
ERF |= {
    "complement": ("n = Neg(x)", "a = Mul(n, r)", "e = Erf(a)", "g = Sub(one, e)", "p = Mul(half, x)", "y = Mul(p, g)"),
    "negated late": (
        "a = Div(x, root)",
        "n = Neg(a)",
        "e = Erf(n)",
        "g = Sub(one, e)",
        "p = Mul(x, g)",
        "y = Mul(p, half)",
    ),
    "negated number": ("a = Mul(mr, x)", "e = Erf(a)", "g = Sub(one, e)", "p = Mul(x, g)", "y = Div(p, two)"),
}
POWER = ("u = Pow(x, three)", "v = Mul(u, c)", "w = Add(x, v)")
TANH_END = ("t = Tanh(m)", "g = Add(t, one)", "h = Mul(x, half)", "y = Mul(h, g)")
TANH = {
    "cube by products": (
        "s = Mul(x, x)",
        "u = Mul(s, x)",
        "v = Mul(u, c)",
        "w = Add(x, v)",
        "m = Mul(w, k)",
        *TANH_END,
    ),
    "k in front": (*POWER, "m = Mul(k, w)", *TANH_END),
    "c in front": ("u = Pow(x, three)", "v = Mul(c, u)", "w = Add(x, v)", "m = Mul(w, k)", *TANH_END),
    "factored": ("s = Mul(x, x)", "u = Mul(s, c)", "v = Add(u, one)", "w = Mul(x, k)", "m = Mul(w, v)", *TANH_END),
}
TANH |= {
    "c x x x": ("q = Mul(c, x)", "s = Mul(q, x)", "v = Mul(s, x)", "w = Add(x, v)", "m = Mul(k, w)", *TANH_END),
    "Bloom": ("w = Mul(x, k)", "q = Mul(x, c)", "s = Mul(q, x)", "v = Add(s, one)", "m = Mul(w, v)", *TANH_END),
    "k last": ("s = Mul(x, x)", "u = Mul(s, c)", "v = Add(one, u)", "w = Mul(x, v)", "m = Mul(w, k)", *TANH_END),
}
OTHERS = {
    "not negated": ("a = Mul(x, r)", "e = Erf(a)", "g = Sub(one, e)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "negated, added": ("a = Mul(x, mr)", "e = Erf(a)", "g = Add(one, e)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "less one": ("n = Neg(x)", "a = Mul(n, r)", "e = Erf(a)", "g = Sub(e, one)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "c x x twice": ("q = Mul(c, x)", "s = Mul(q, x)", "w = Add(x, s)", "m = Mul(k, w)", *TANH_END),
}
GOOD = {
    "erf": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "p = Mul(x, g)", "y = Mul(p, half)"),
    "erf, halved x": ("a = Div(x, root)", "e = Erf(a)", "g = Add(e, one)", "h = Mul(x, half)", "y = Mul(h, g)"),
    "tanh": (*POWER, "m = Mul(w, k)", *TANH_END),
}
X = (
    np.concatenate([np.linspace(-8, 8, 250), [0.0, -0.0, 1e-7, -1e4, 1e4, 65504.0]])
    .astype(np.float32)
    .reshape(1, 4, 64)
)


@pytest.mark.parametrize("steps", [*ERF.values(), *TANH.values()], ids=[*ERF, *TANH])
def test_every_form_becomes_the_one_that_is_fused(steps: tuple[str, ...]) -> None:
    before = model(*steps)
    assert len(diagnostics(before, CODE)) == 1
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert operators(after)[-1] == "Mul"
    np.testing.assert_allclose(run(after, {"x": X})[0], run(before, {"x": X})[0], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("steps", OTHERS.values(), ids=OTHERS)
def test_what_only_looks_like_it_is_left_alone(steps: tuple[str, ...]) -> None:
    assert diagnostics(model(*steps), CODE) == ()


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD)
def test_the_forms_that_are_fused_are_left_alone(steps: tuple[str, ...]) -> None:
    assert diagnostics(model(*steps), CODE) == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("r = {0.5}", "r = {0.70710677}"), ("one = {2}", "one = {1}"), ("half = {0.25}", "half = {0.5}")],
)
def test_another_constant_is_another_function(wrong: str, right: str) -> None:
    assert right in CONSTANTS
    assert diagnostics(model(*ERF["times 0.7071"], constants=CONSTANTS.replace(right, wrong)), CODE) == ()


@pytest.mark.parametrize(("digits", "count"), [("0.70711", 1), ("0.7072", 0)])
def test_constants_need_five_digits(digits: str, count: int) -> None:
    constants = CONSTANTS.replace("0.70710677", digits)
    assert len(diagnostics(model(*ERF["times 0.7071"], constants=constants), CODE)) == count


def test_a_constant_that_is_an_input_is_no_gelu() -> None:
    steps = ERF["times 0.7071"]
    text = model(*steps, constants="float one = {1}, float half = {0.5}").replace("64] x)", "64] x, float r)")
    assert diagnostics(text, CODE) == ()


def test_all_forms_are_different_patterns() -> None:
    forms = (*ERF_FORMS, *TANH_FORMS)
    assert len(set(forms)) == len(forms)
    assert set(CANONICAL_ERF + CANONICAL_TANH) <= set(forms)
