from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed, operators, run

CODE = "RK516"
ACTIVATIONS = {
    "silu": "s = Sigmoid(m) a = Mul(m, s)",
    "relu": "a = Relu(m)",
    "gelu": "d = Div(m, root) e = Erf(d) o = Add(e, one) p = Mul(m, o) a = Mul(p, half)",
    "none": "a = Identity(m)",
}


def model(
    activation: str, end: str = "y = Mul(a, n)", columns: tuple[int, int] = (6, 6), x: str = "r"
) -> onnx.ModelProto:
    weights = {
        name: np.random.default_rng(at).standard_normal((4, columns[at])).astype("f") for at, name in enumerate("gu")
    }
    typed = ", ".join(f"float[4, {a.shape[1]}] {name}" for name, a in weights.items())
    made = parse(
        f"""g (float[1, 3, 4] x, {typed}) => (float[1, 3, {max(columns)}] y)
        <float root = {{1.4142135}}, float one = {{1}}, float half = {{0.5}}>
        {{ r = Relu(x) m = MatMul(r, g) n = MatMul({x}, u) {ACTIVATIONS[activation]} {end} }}"""
    )
    made.graph.initializer.extend(onnx.numpy_helper.from_array(a, name) for name, a in weights.items())
    del made.graph.input[1:]
    return made


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(sorted(ACTIVATIONS)), st.sampled_from(["y = Mul(a, n)", "y = Mul(n, a)"]))
def test_gate_and_what_it_gates_come_of_one_product(activation: str, end: str) -> None:
    before = model(activation, end)
    after, _ = fixed(before, CODE)
    assert operators(after).count("MatMul") == 1
    feeds = {"x": np.random.default_rng(3).standard_normal((1, 3, 4)).astype("f")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (before, after))
    np.testing.assert_allclose(new, old, atol=1e-5)


@pytest.mark.parametrize(
    "near",
    [
        model("relu", "y = Add(a, n)"),
        model("relu", columns=(6, 1)),
        model("relu", x="x"),
    ],
)
def test_other_pairs_are_left_alone(near: onnx.ModelProto) -> None:
    assert diagnostics(near, CODE) == ()
