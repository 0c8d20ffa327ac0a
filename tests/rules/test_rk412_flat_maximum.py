from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK412"


def shaped(name: str, shape: tuple[int, ...], dtype: str = "float") -> str:
    return f"{dtype}[{', '.join(map(str, shape))}] {name}"


@settings(max_examples=25, deadline=None)
@given(
    op=st.sampled_from(["Max", "Min"]),
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=3).map(tuple),
    data=st.data(),
)
def test_maxima_are_the_same_however_operands_are_broadcast(
    op: str, shape: tuple[int, ...], data: st.DataObject
) -> None:
    other = tuple(data.draw(st.sampled_from([1, size])) for size in shape)[data.draw(st.integers(0, len(shape) - 1)) :]
    ins = [shaped("a", shape), shaped("b", other), shaped("c", shape)]
    text = f"g ({', '.join(ins)}) => ({shaped('y', shape)}) {{ r = Relu(a) y = {op}(r, b, c) }}"
    after, _ = fixed(text, CODE)
    random = np.random.default_rng(0)
    feeds = {n: random.normal(size=s).astype(np.float32) for n, s in (("a", shape), ("b", other), ("c", shape))}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    if diagnostics(text, CODE):
        assert operators(after).count("Reshape") == 4


@pytest.mark.parametrize(
    "text",
    [
        "g (float[1, 2, 3, 4] a, float[1, 2, 3, 4] b) => (float[1, 2, 3, 4] y) { y = Max(a, b) }",
        "g (int64[2, 3, 4] a, int64[2, 3, 4] b) => (int64[2, 3, 4] y) { y = Max(a, b) }",
        "g (float[2, n] a, float[2, n] b) => (float[2, n] y) { y = Max(a, b) }",
        "g (float[7] a, float[7] b) => (float[7] y) { y = Max(a, b) }",
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_three_dimensions_are_found() -> None:
    text = "g (float[2, 3, 8] a, float[2, 3, 8] b) => (float[2, 3, 8] y) { r = Relu(a) y = Max(r, b) }"
    assert len(diagnostics(text, CODE)) == 1
