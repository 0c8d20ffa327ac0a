"""Pooling against values computed by hand, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.export.folder import POOLINGS
from rkgraph.tasks.pooling import cosine, normalise, pool

HIDDEN = np.array([[[1, -2], [3, -4], [100, 100]]], dtype=np.float32)
MASK = np.array([[1, 1, 0]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("cls", [1, -2]), ("mean", [2, -3]), ("max", [3, -2]), ("mean-sqrt-len", [4 / 2**0.5, -6 / 2**0.5])],
)
def test_each_mode_by_hand(mode: str, expected: list[float]) -> None:
    assert pool(HIDDEN, MASK, [mode])[0] == pytest.approx(expected)


def test_every_mode_that_a_folder_may_name_is_computed_and_set_side_by_side() -> None:
    modes = list(POOLINGS.values())
    assert pool(HIDDEN, MASK, modes).shape == (1, 2 * len(modes))
    assert pool(HIDDEN, MASK, modes).dtype == np.float32


@given(st.integers(1, 6), st.integers(0, 6), st.sampled_from(list(POOLINGS.values())), st.integers(0, 99))
def test_padding_changes_nothing_whatever_stands_there(tokens: int, padding: int, mode: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(1, tokens + padding, 5)).astype(np.float32)
    hidden[:, tokens:] *= 1e6
    mask = np.array([[1] * tokens + [0] * padding])
    alone = pool(hidden[:, :tokens], mask[:, :tokens], [mode])
    np.testing.assert_array_equal(pool(hidden, mask, [mode]), alone)


def test_normalised_rows_have_length_one_and_zero_stays_zero() -> None:
    rows = normalise(np.array([[3, 4], [0, 0], [1e-20, 0]], dtype=np.float32))
    assert np.linalg.norm(rows[0]) == pytest.approx(1)
    assert rows[1].tolist() == [0, 0]
    assert np.isfinite(rows).all()


def test_cosine_of_equal_opposite_orthogonal_and_of_no_direction() -> None:
    a = np.array([1, 2], dtype=np.float32)
    assert cosine(a, 3 * a) == pytest.approx(1)
    assert cosine(a, -a) == pytest.approx(-1)
    assert cosine(a, np.array([-2, 1], dtype=np.float32)) == pytest.approx(0)
    assert np.isnan(cosine(a, 0 * a))
    assert np.isnan(cosine(a, np.array([np.nan, 1], dtype=np.float32)))
