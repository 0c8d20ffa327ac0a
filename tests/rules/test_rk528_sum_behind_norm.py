from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed, operators, run
from tests.rules.simulated import simulated
from tests.toolkits import toolkit_of

CODE = "RK528"
RMS = (
    "p = Pow({h}, two) m = ReduceMean<axes = [-1]>(p) a = Add(m, eps) s = Sqrt(a) r = Div(one, s) q = Mul({h}, r) "
    "n = Mul(q, w)"
)
WRITTEN = (
    "m = ReduceMean<axes = [-1]>({h}) c = Sub({h}, m) p = Pow(c, two) v = ReduceMean<axes = [-1]>(p) a = Add(v, eps) "
    "s = Sqrt(a) q = Div(c, s) n = Mul(q, w)"
)
LAYER = "n = LayerNormalization<axis = -1, epsilon = 0.00001>({h}, w)"
NORMS = {"rms": RMS, "written": WRITTEN, "layer": LAYER}


def model(norm: str, add: str = "Add(e, n)", *, h: str = "h", shape: str = "1, 1, 8", end: str = "y = Tanh(t)") -> str:
    return f"""g (float[{shape}] x, float[{shape}] h) => (float[{shape}] y)
    <float two = {{2}}, float one = {{1}}, float eps = {{0.00001}}, float[8] w = {{0.5, 2, -3, 1, 1, 1.5, 0.25, 2}},
    float[8] b = {{1, 2, 3, 4, 5, 6, 7, 8}}>
    {{ e = Relu(x) {norm.format(h=h)} t = {add} {end} }}"""


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(NORMS)),
    st.sampled_from(["Add(e, n)", "Add(n, e)"]),
    st.sampled_from(["h", "e"]),
    st.sampled_from(["1, 8", "1, 1, 8", "1, 1, 1, 8"]),
    st.integers(0, 2**31),
)
def test_the_numbers_stay_bit_for_bit(kind: str, add: str, h: str, shape: str, seed: int) -> None:
    before = model(NORMS[kind], add, h=h, shape=shape)
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert {"Sub", "Neg"} <= set(operators(after))
    random = np.random.default_rng(seed)
    sizes = [int(size) for size in shape.split(",")]
    feeds = {name: random.normal(size=sizes).astype(np.float32) for name in ("x", "h")}
    np.testing.assert_array_equal(run(after, feeds)[0], run(before, feeds)[0])


@pytest.mark.parametrize(
    "text",
    [
        model(LAYER, shape="1, 2, 8"),
        model(LAYER.replace("w)", "w, b)")),
        model(LAYER, "Add(x, n)"),  # an input of the graph, which nothing normalises
        model(LAYER, "Sub(e, n)"),
        model(LAYER, "Add(n, n)"),
        model(LAYER, "Add(b, n)"),
        model(LAYER, end="u = Tanh(t) y = Mul(u, n)"),
        model(RMS + " k = Add(n, b)", "Add(e, k)"),
        model(RMS.replace("n = Mul(q, w)", "n = Mul(q, x)")),
        model(WRITTEN.replace("n = Mul(q, w)", "n = Identity(q)")),
        model("n = Softmax({h})"),
    ],
    ids=range(11),
)
def test_other_sums_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("version", "found"), [("2.2.0", 1), ("2.3.0", 1), ("2.3.2", 1), ("2.5.0", 0)])
def test_by_version(version: str, found: int) -> None:
    assert len(diagnostics(model(RMS), CODE, target=Target(toolkit=version))) == found


def test_an_input_that_is_normalised_with_the_same_scale() -> None:
    twice = LAYER + " k = LayerNormalization<axis = -1, epsilon = 0.00001>(x, w) j = Relu(k)"
    text = model(twice, "Add(x, n)", end="u = Tanh(t) y = Mul(u, j)")
    assert len(diagnostics(text, CODE)) == 1
    assert diagnostics(text.replace("(x, w)", "(x, b)"), CODE) == ()
    assert diagnostics(text, CODE, target=Target(toolkit="2.3.0")) == ()


def test_a_value_added_to_its_own_norm_in_several_rows() -> None:
    text = model(LAYER, h="e", shape="1, 4, 8")
    assert len(diagnostics(text, CODE, target=Target(toolkit="2.3.0"))) == 1
    assert diagnostics(text, CODE) == ()


@pytest.mark.toolkit
@pytest.mark.parametrize("version", ["2.3.0", "2.3.2"])
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_it_builds_and_is_right(kind: str, version: str, tmp_path: Path) -> None:
    before = model(NORMS[kind], h="e")
    feeds = {name: np.random.default_rng(0).normal(size=(1, 1, 8)).astype(np.float32) for name in ("x", "h")}
    with Worker(toolkit_of(version)) as worker:
        found = simulated(worker, fixed(before, CODE)[0], feeds, tmp_path)["y"]
    np.testing.assert_allclose(found.reshape(1, 1, 8), run(parse(before), feeds)[0], atol=3e-3)
