from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK150"


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(1, 8),
    outer=st.lists(st.integers(1, 3), max_size=2),
    scale=st.sampled_from([1e-2, 1.0, 10.0]),
    seed=st.integers(0, 2**31),
)
def test_determinants(*, size: int, outer: list[int], scale: float, seed: int) -> None:
    x = (np.random.default_rng(seed).normal(size=(*outer, size, size)) * scale).astype(np.float32)
    inputs = {"x": x}
    assert_lowered(one_node("Det", inputs, opset=13), CODE, inputs, gone="Det", rtol=1e-3, atol=1e-4 * scale**size)


def test_rows_that_are_swapped_change_the_sign() -> None:
    x = np.eye(4, dtype=np.float32)[[1, 0, 2, 3]][None]
    assert_lowered(one_node("Det", {"x": x}, opset=13), CODE, {"x": x}, rtol=0, atol=0)


@pytest.mark.parametrize(("shape", "said"), [("2, 9, 9", "too large"), ("N, 2, 2", "--shape")])
def test_what_cannot_be_written_out_is_refused(shape: str, said: str) -> None:
    outer = shape.split(",", maxsplit=1)[0]
    assert said in refusal_of(f"g (float[{shape}] x) => (float[{outer}] y) {{ y = Det(x) }}", CODE)
