from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import operators
from tests.rules.simulated import simulated_error

CODE = "RK232"
LENGTHS = {
    "ReduceL2": "n = ReduceL2<axes = [{axis}]>(x)",
    "Mul": "s = Mul(x, x) t = ReduceSum(s, place) n = Sqrt(t)",
    "Pow": "s = Pow(x, two) t = ReduceSum(s, place) n = Sqrt(t)",
    "ReduceSumSquare": "t = ReduceSumSquare<axes = [{axis}]>(x) n = Sqrt(t)",
}
GUARDS = {
    "nothing": "",
    "Clip": "g = Clip(n, e)",
    "Max": "g = Max(n, e)",
    "Add": "g = Add(n, e)",
}
QUOTIENTS = {
    "Div": "y = Div(x, {})",
    "Expand": "b = Expand({}, shape) y = Div(x, b)",
    "Reciprocal": "r = Reciprocal({}) y = Mul(x, r)",
    "inverse": "r = Div(one, {}) y = Mul(r, x)",
}
KNOWN = (("ReduceL2", "nothing", "Div"), ("ReduceL2", "Clip", "Expand"), ("ReduceL2", "Add", "Div"))
"""Of these the compiler makes one layer."""

INSIDE = "s = Mul(x, x) t = ReduceSum(s, place) u = Add(e, t) n = Sqrt(u) y = Div(x, n)"
SHAPE = (2, 6, 8)


def model(nodes: str, axis: int = -1, epsilon: float = 1e-12, opset: int = 17, keep: int = 1) -> str:
    size = ", ".join(map(str, SHAPE))
    constants = (
        f"float two = {{2}}, float one = {{1}}, float e = {{{epsilon:.20f}}}, int64[1] place = {{{axis}}}, "
        f"int64[{len(SHAPE)}] shape = {{{size}}}"
    )
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[{size}] x) => (float[{size}] y)
    <{constants}> {{ {nodes.format(axis=axis, keep=keep)} }}"""


def composed(length: str, guard: str, quotient: str, **how: float) -> str:
    nodes = f"{LENGTHS[length]} {GUARDS[guard]} {QUOTIENTS[quotient].format('g' if GUARDS[guard] else 'n')}"
    return model(nodes, **how)  # type: ignore[arg-type]


def vectors(seed: int, scale: float) -> dict[str, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=SHAPE) * scale
    return {"x": x.astype(np.float16).astype(np.float32)}


SPELLINGS = [
    (length, guard, quotient)
    for length, guard, quotient in product(LENGTHS, GUARDS, QUOTIENTS)
    if (length, guard, quotient) not in KNOWN
]


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize(("length", "guard", "quotient"), SPELLINGS)
def test_every_spelling_is_one_node(length: str, guard: str, quotient: str, axis: int) -> None:
    text = composed(length, guard, quotient, axis=axis)
    after = rewritten(text, CODE)
    assert operators(after) == ["LpNormalization"]
    np.testing.assert_allclose(result(after, vectors(0, 3.0)), result(text, vectors(0, 3.0)), rtol=2e-5, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1e-4, 0.01, 1.0, 300.0, 3000.0]),
    st.sampled_from([spelling for spelling in SPELLINGS if spelling[1] != "nothing"]),
)
def test_it_is_the_same_at_every_scale(seed: int, scale: float, spelling: tuple[str, str, str]) -> None:
    text, x = composed(*spelling), vectors(seed, scale)
    x["x"][0, 0] = 0.0  # zeros stay zeros
    np.testing.assert_allclose(result(rewritten(text, CODE), x), result(text, x), rtol=2e-5, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1e-3, 0.1, 1.0, 100.0, 3000.0]), st.floats(1e-8, 1e-2))
def test_an_epsilon_before_the_root_is_kept(seed: int, scale: float, epsilon: float) -> None:
    text, x = model(INSIDE, epsilon=epsilon), vectors(seed, scale)
    after = rewritten(text, CODE)
    assert "LpNormalization" not in operators(after)
    np.testing.assert_allclose(result(after, x), result(text, x), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        composed("ReduceL2", "Clip", "Div", epsilon=1e-6),
        composed("ReduceL2", "Max", "Div", epsilon=1.0),
        composed("Mul", "Add", "Div", epsilon=1e-6),
        model(INSIDE, axis=1, epsilon=1e-5),
        model("n = ReduceL2<axes = [1, 2]>(x) y = Div(x, n)"),
        model("n = ReduceL2(x) y = Div(x, n)"),
        model("n = ReduceL1<axes = [2]>(x) y = Div(x, n)"),
        model("n = ReduceL2<axes = [2]>(x) y = Div(n, x)"),
        model("s = Mul(x, x) m = ReduceMean<axes = [2]>(s) n = Sqrt(m) y = Div(x, n)"),
        model("s = Pow(x, one) t = ReduceSum(s, place) n = Sqrt(t) y = Div(x, n)"),
        model("n = ReduceL2<axes = [2]>(x) r = Div(two, n) y = Mul(x, r)"),
        model("z = Neg(x) n = ReduceL2<axes = [2]>(z) y = Div(x, n)"),
        model("n = ReduceL2<axes = [2]>(x) g = Clip(n, e, one) y = Div(x, g)"),
        model("t = ReduceSumSquare<axes = [2]>(x) y = Div(x, t)"),
    ],
    ids=range(14),
)
def test_other_functions_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize("spelling", KNOWN)
def test_what_the_compiler_knows_is_left_alone_and_has_no_squares(spelling: tuple[str, str, str]) -> None:
    text = composed(*spelling)
    assert diagnostics(text, CODE) == ()
    assert diagnostics(text, "RK240", samples=1000.0) == ()


def test_where_there_is_no_such_layer_it_is_left_alone() -> None:
    assert diagnostics(composed("Mul", "Clip", "Div"), CODE, target=Target(toolkit="2.2.0")) == ()


def test_dimensions_that_are_dropped_are_another_function() -> None:
    text = model("n = ReduceL2<axes = [2], keepdims = 0>(x) u = Unsqueeze(n, place) y = Div(x, u)")
    assert diagnostics(text, CODE) == ()


def test_of_eight_bits_nothing_is_known() -> None:
    assert diagnostics(composed("ReduceL2", "Clip", "Div"), CODE, target=Target(precision="w8a8")) == ()


def test_a_bound_that_is_an_attribute() -> None:
    text = model("n = ReduceL2<axes = [2]>(x) g = Clip<min = 0.000000001>(n) y = Div(x, g)", opset=10)
    assert operators(rewritten(text, CODE)) == ["LpNormalization"]


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    for number, text in enumerate((composed("Mul", "nothing", "Div"), model(INSIDE, epsilon=1e-5))):
        (folder := tmp_path / str(number)).mkdir()
        outcome = fix_text(text, folder, CODE, "RK231", allow=frozenset({Safety.FP16_RANGE}))
        assert [fix.code for fix in outcome.fixes.applied] == [CODE]


def test_the_guard_of_a_length_is_no_vanishing_epsilon() -> None:
    assert diagnostics(composed("ReduceL2", "Clip", "Div"), "RK231") == ()


@pytest.mark.toolkit
@pytest.mark.parametrize("text", [composed("ReduceL2", "Clip", "Div"), model(INSIDE, epsilon=1e-5)], ids=range(2))
def test_the_simulator_is_right_at_every_scale(text: str, tmp_path: Path) -> None:
    before, after = parse(text), rewritten(text, CODE)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        broken = simulated_error(worker, before, before, vectors(0, 1000.0), tmp_path / "before")
        assert not broken < 0.01
        for scale in (1e-4, 1.0, 1000.0):
            x = vectors(1, scale)
            x["x"][0, 0] = 0.0
            assert simulated_error(worker, after, before, x, tmp_path / f"after{scale}") < 0.001
