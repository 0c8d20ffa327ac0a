from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK170"


def image(*shape: int) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x.flat[0], x.flat[-1] = np.inf, -0.0
    return x


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=2, max_size=4))
def test_crops_and_pads_lie_where_they_did(sizes: list[tuple[int, int]]) -> None:
    x, shape = image(*(before for before, _ in sizes)), np.array([after for _, after in sizes])
    model = one_node("CenterCropPad", {"x": x}, opset=18, constants={"shape": shape})
    if all(before == after for before, after in sizes):
        return  # nothing to do, and the only output would be the input
    found = assert_lowered(model, CODE, {"x": x}, gone="CenterCropPad", rtol=0, atol=0)
    assert set(found) <= {"Slice", "Pad"}


@pytest.mark.parametrize("axes", [[1, 2], [-1, 0], [2]])
def test_named_axes(axes: list[int]) -> None:
    x, shape = image(5, 6, 7), np.array([9, 3][: len(axes)])
    model = one_node("CenterCropPad", {"x": x}, {"axes": axes}, opset=18, constants={"shape": shape})
    assert_lowered(model, CODE, {"x": x}, gone="CenterCropPad", rtol=0, atol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(-3, 2) | st.none(), st.lists(st.booleans(), min_size=1, max_size=4))
def test_what_a_condition_keeps(axis: int | None, condition: list[bool]) -> None:
    x, kept = image(4, 4, 4), np.array(condition)
    model = one_node("Compress", {"x": x}, {} if axis is None else {"axis": axis}, constants={"kept": kept})
    if kept.any():
        assert_lowered(model, CODE, {"x": x}, gone="Compress", rtol=0, atol=0)
    else:
        assert "keeps nothing" in refusal_of(model, CODE)


@pytest.mark.parametrize(("size", "axis", "count"), [(7, 0, 4), (8, -1, 3), (5, 0, 2)])
def test_unequal_parts(size: int, axis: int, count: int) -> None:
    x = image(size) if axis == 0 else image(2, size)
    names = [f"y{place}" for place in range(count)]
    model = one_node("Split", {"x": x}, {"axis": axis, "num_outputs": count}, opset=18, outputs=names)
    assert assert_lowered(model, CODE, {"x": x}, rtol=0, atol=0) == ["Split"]


def test_what_is_computed_is_refused() -> None:
    x, shape = image(2, 2), np.array([True, False])
    assert "not a small constant" in refusal_of(one_node("Compress", {"x": x, "c": shape}, {"axis": 0}), CODE)


def test_equal_parts_are_left_alone() -> None:
    model = one_node("Split", {"x": image(6)}, {"num_outputs": 3}, opset=18, outputs=["a", "b", "c"])
    assert diagnostics(model, CODE) == ()
