from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Diagnostic
from rkgraph.engine.lint import find
from rkgraph.rulebook.ruleset import RuleSet
from tests.rules.harness import context_of, diagnostics
from tests.rules.norm_spellings import layer_norms, model, rms_norms
from tests.rules.rewriting import fixed, operators, run

CODES = ("RK507", "RK532")
LAYER, RMS = layer_norms(), rms_norms()
HEAD = "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) p = Mul(d, d) v = ReduceMean<axes = [-1]>(p) a = Add(v, eps)"
INVERSE = "s = Sqrt(a) i = Reciprocal(s)"
END = "n = Mul(d, i) k = Mul(n, w) y = Add(k, b)"
FUSED = {"Sub", "Pow", "Mul", "ReduceMean", "Add", "Sqrt", "Div"}


def values(seed: int, scale: float) -> npt.NDArray[np.float32]:
    x = (np.random.default_rng(seed).normal(size=(2, 3, 4)) * scale).astype(np.float32)
    x[0, 0] = 0
    return x


def both(text: str | onnx.ModelProto) -> tuple[Diagnostic, ...]:
    return tuple(found for code in CODES for found in diagnostics(text, code))


def agree(before: str, seed: int, scale: float) -> onnx.ModelProto:
    after, edits = fixed(before, *CODES)
    x = values(seed, scale)
    np.testing.assert_allclose(run(after, {"x": x})[0], run(before, {"x": x})[0], rtol=5e-5, atol=5e-5)
    assert len(edits) <= 1
    assert both(after) == ()
    return after


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(LAYER)), st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]))
def test_every_spelling_becomes_the_one_that_is_fused(name: str, seed: int, scale: float) -> None:
    after = operators(agree(LAYER[name], seed, scale))
    assert set(after) <= FUSED
    assert after.count("ReduceMean") == 2
    assert after.count("Div") == after.count("Sqrt") == after.count("Sub") == 1


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(RMS)), st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]))
def test_every_rms_norm_becomes_the_one_that_is_fused(name: str, seed: int, scale: float) -> None:
    after = operators(agree(RMS[name], seed, scale))
    assert sorted(after) == ["Add", "Add", "Div", "Mul", "Mul", "Pow", "ReduceMean", "Sqrt"]


def test_the_mean_taken_twice() -> None:
    text = model(HEAD, "s = Sqrt(a) m2 = ReduceMean<axes = [-1]>(x) d2 = Sub(x, m2) y = Div(d2, s)")
    assert operators(agree(text, 0, 1.0)).count("ReduceMean") == 2


NEAR_MISSES = {
    "fused as it stands": model(HEAD, "s = Sqrt(a) n = Div(d, s) k = Mul(n, w) y = Add(k, b)"),
    "another divisor": model(HEAD.replace("v = ReduceMean<axes = [-1]>(p)", "u = ReduceSum(p, last) v = Div(u, two)"),
                             INVERSE, END),
    "another axis": model(HEAD.replace("[-1]", "[1]"), INVERSE, END),
    "two axes": model(HEAD.replace("[-1]", "[1, 2]"), INVERSE, END),
    "the other root": model(HEAD, "i = Pow(a, two)", END),
    "upside down": model(HEAD, "s = Sqrt(a)", "n = Mul(d, s) k = Mul(n, w) y = Add(k, b)"),
    "divided by the inverse": model(HEAD, INVERSE, "n = Div(d, i) k = Mul(n, w) y = Add(k, b)"),
    "root over values": model(HEAD, "s = Sqrt(a) n = Div(s, d) k = Mul(n, w) y = Add(k, b)"),
    "not centred": model(HEAD, INVERSE, "n = Mul(x, i) k = Mul(n, w) y = Add(k, b)"),
    "something else centred": model(HEAD, INVERSE, "t = Tanh(x) e = Sub(t, m) n = Mul(e, i) y = Add(n, b)"),
    "no number added": model(HEAD.replace("Add(v, eps)", "Add(v, v)"), INVERSE, END),
    "a number that is no small one": model(HEAD.replace("eps", "two"), INVERSE, END),
    "a cube": model(HEAD.replace("Mul(d, d)", "Pow(d, four)"), INVERSE, END),
    "a product of two": model(HEAD.replace("Mul(d, d)", "Mul(d, x)"), INVERSE, END),
    "the mean added": model(HEAD, INVERSE, "j = Mul(i, w) k = Mul(x, j) o = Mul(m, j) h = Add(b, o) y = Add(k, h)"),
    "the mean of something else": model(
        HEAD, "q = ReduceMean<axes = [-1]>(p)", INVERSE,
        "j = Mul(i, w) k = Mul(x, j) o = Mul(q, j) h = Sub(b, o) y = Add(k, h)"
    ),
    "the bias taken away": model(
        HEAD, INVERSE, "j = Mul(i, w) k = Mul(x, j) o = Mul(m, j) h = Sub(o, b) y = Add(k, h)"
    ),
    "columns that are no mean": model(HEAD.replace("ReduceMean<axes = [-1]>(p)", "MatMul(p, column)"), INVERSE, END)
    .replace("0.25, 0.25, 0.25, 0.25", "0.25, 0.25, 0.25, 0.5"),
    "read elsewhere": model(HEAD, INVERSE, "n = Mul(d, i) t = Tanh(i) k = Mul(n, w) y = Add(k, t)"),
}  # fmt: skip


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_is_fused_or_something_else_is_left_alone(text: str) -> None:
    assert both(text) == ()


def test_what_is_centred_along_another_axis_is_an_rms_norm() -> None:
    text = model(HEAD.replace("[-1]", "[1]", 1), INVERSE, END)
    assert diagnostics(text, "RK532") == ()
    agree(text, 3, 1.0)


def test_a_part_that_leaves_the_model_stays() -> None:
    text = model(HEAD, INVERSE, END).replace("4] y)", "4] y, float[2, 3, 1] i)")
    assert both(text) == ()


def test_a_scale_along_another_axis_is_refused() -> None:
    constants = "float[3, 1] w = {1, 2, 3}"
    text = model(HEAD, INVERSE, "j = Mul(i, w) n = Mul(d, j) y = Add(n, b)")
    text = text.replace("float[4] w = {0.5, 2, -3, 1}", constants)
    assert constants in text
    (refusal,) = fixed(text, *CODES)[1]
    assert "vector along the last axis" in refusal.reason  # type: ignore[union-attr]


def test_a_width_that_is_not_known_is_refused() -> None:
    text = model(HEAD, INVERSE, END).replace("float[2, 3, 4]", "float[2, 3, N]")
    (refusal,) = fixed(text, *CODES)[1]
    assert "dynamic" in refusal.reason  # type: ignore[union-attr]


def test_what_it_goes_through_is_explained() -> None:
    (found,) = diagnostics(model(HEAD, INVERSE, END), "RK532")
    assert "does not fuse" in found.message


def test_what_keeps_it_in_pieces_is_its_consequence() -> None:
    context = context_of(model(HEAD, INVERSE, END))
    found = {one.diagnostic.code: one.diagnostic for one in find(context, RuleSet("test", "2.3.2", ("RK532", "RK550")))}
    assert found["RK550"].induced_by == found["RK532"].fingerprint
