from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node

CODE = "RK147"


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 4),
    inner=st.integers(1, 4),
    columns=st.integers(2, 4),
    turned=st.tuples(st.sampled_from([0, 1]), st.sampled_from([0, 1])),
    factors=st.tuples(st.sampled_from([1.0, 0.5]), st.sampled_from([1.0, -2.0])),
    bias=st.sampled_from(["scalar", "one", "vector", "column"]),
    opset=st.sampled_from([7, 9, 11, 13]),
)
def test_every_form_gives_the_same_product(
    *,
    rows: int,
    inner: int,
    columns: int,
    turned: tuple[int, int],
    factors: tuple[float, float],
    bias: str,
    opset: int,
) -> None:
    random = np.random.default_rng(0)
    shapes = {"scalar": (), "one": (1,), "vector": (columns,), "column": (rows, 1)}
    a, b, c = (random.normal(size=s).astype(np.float32) for s in ((rows, inner), (inner, columns), shapes[bias]))
    inputs = {"a": a.T.copy() if turned[0] else a, "b": b.T.copy() if turned[1] else b, "c": np.asarray(c)}
    said = {"transA": turned[0], "transB": turned[1], "alpha": factors[0], "beta": factors[1]}
    assert_lowered(one_node("Gemm", inputs, said, opset=opset), CODE, inputs, gone="Gemm")


@pytest.mark.parametrize(
    ("c", "constant"), [((2, 4), False), ((1, 4), False), ((4,), True), ((1,), True)], ids=["whole", "row", "c", "one"]
)
def test_what_builds_is_left_alone(c: tuple[int, ...], constant: bool) -> None:
    bias = {"c": np.zeros(c, np.float32)}
    inputs = {"a": np.zeros((2, 3), np.float32), "b": np.zeros((3, 4), np.float32), **({} if constant else bias)}
    assert diagnostics(one_node("Gemm", inputs, constants=bias if constant else {}), CODE) == ()
