from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, one_node

CODE = "RK410"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=5, max_size=7), st.randoms(use_true_random=False))
def test_the_same_order(shape: list[int], random: object) -> None:
    perm = list(range(len(shape)))
    random.shuffle(perm)  # type: ignore[attr-defined]
    x = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    model = one_node("Transpose", {"x": x}, {"perm": perm})
    if diagnostics(model, CODE):
        found = assert_lowered(model, CODE, {"x": x}, rtol=0, atol=0)
        assert found == ["Reshape", "Transpose"] * (len(found) // 2) + ["Reshape"]


@pytest.mark.parametrize(
    ("shape", "perm", "found"),
    [
        ((1, 3, 4, 2, 4, 2), (0, 2, 4, 1, 3, 5), 1),
        ((2, 3, 4, 2, 4, 2), (0, 2, 4, 1, 3, 5), 0),
        ((1, 3, 4, 2, 4), (0, 2, 4, 1, 3), 0),
        ((1, 3, 4, 2, 1, 2), (0, 2, 4, 1, 3, 5), 0),
    ],
)
def test_where_five_dimensions_remain(shape: tuple[int, ...], perm: tuple[int, ...], found: int) -> None:
    model = one_node("Transpose", {"x": np.zeros(shape, np.float32)}, {"perm": perm})
    assert len(diagnostics(model, CODE)) == found


def test_between_two_reshapes_it_ends() -> None:
    model = parse("""g (float[1, 3, 8, 8] x) => (float[1, 16, 12] y)
        <int64[6] s = {1, 3, 4, 2, 4, 2}, int64[3] o = {1, 16, 12}>
        { r = Reshape(x, s) t = Transpose<perm = [0, 2, 4, 1, 3, 5]>(r) y = Reshape(t, o) }""")
    assert diagnostics(model, CODE) == ()
