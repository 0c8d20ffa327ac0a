from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK411"


def model(
    sizes: tuple[int, int, int, int] = (1, 4, 3, 5),
    perm: str = "0, 2, 1, 3",
    axis: int = 1,
    rows: int = 1,
    more: str = "",
) -> str:
    batch, sides, bins, places = sizes
    numbers = ", ".join(str(k - 1.5) for k in range(rows * bins))
    return f"""g (float[{batch}, {sides}, {bins}, {places}] x) => (float[{batch}, {rows}, {sides}, {places}] y)
    <float[{rows}, {bins}, 1, 1] w = {{{numbers}}}, float[1] b = {{1}}>
    {{ t = Transpose<perm = [{perm}]>(x) s = Softmax<axis = {axis}>(t) y = Conv(s, w{more}) }}"""


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 6), st.integers(1, 7)),
    axis=st.sampled_from([1, -3]),
)
def test_the_mean_is_the_same(sizes: tuple[int, int, int, int], axis: int) -> None:
    text = model(sizes, axis=axis)
    after, _ = fixed(text, CODE)
    feeds = {"x": np.random.default_rng(0).normal(0, 3, sizes).astype(np.float32)}
    np.testing.assert_allclose(run(after, feeds)[0], run(text, feeds)[0], rtol=1e-5, atol=1e-5)
    assert operators(after) == ["Softmax", "MatMul", "Reshape"]


@pytest.mark.parametrize(
    "text",
    [
        model((1, 3, 3, 5), perm="0, 1, 2, 3"),
        model((1, 3, 3, 3), perm="0, 2, 3, 1"),
        model(axis=2),
        model(axis=-1),
        model(rows=2),
        model(more=", b"),
        '<ir_version: 8, opset_import: ["" : 12]>\n' + model(),
    ],
)
def test_what_is_no_such_mean_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("toolkit", "precision", "count"), [
    ("2.3.2", "fp16", 1), ("2.5.0", "fp16", 1), ("2.3.2", "w8a8", 0), ("2.2.0", "fp16", 0), ("2.3.0", "fp16", 0),
])  # fmt: skip
def test_it_is_told_where_it_was_measured_to_gain(toolkit: str, precision: str, count: int) -> None:
    assert len(diagnostics(model(), CODE, target=Target("rk3588", toolkit, precision))) == count
