from __future__ import annotations

import itertools

import numpy as np
import pytest

from rkgraph.analysis.interpolation import Axis, Resampling, matrix, outside

TRANSFORMS = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "asymmetric", "align_corners")


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_rows_sum_to_one(mode: str, transform: str) -> None:
    for before, after, antialias in itertools.product((1, 2, 7), (1, 3, 12), (False, True)):
        found = matrix(Axis(before, after, after / before), Resampling(mode, transform, antialias=antialias))
        assert found.shape == (after, before)
        np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_nothing_happens_at_scale_one() -> None:
    np.testing.assert_array_equal(matrix(Axis(5, 5, 1.0), Resampling("cubic")), np.eye(5))


def test_halves_are_rounded_as_told() -> None:
    picked = {
        way: matrix(Axis(4, 2, 0.5), Resampling("nearest", "half_pixel", way)).argmax(axis=1).tolist()
        for way in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    }
    assert picked == {
        "round_prefer_floor": [0, 2],
        "round_prefer_ceil": [1, 3],
        "floor": [0, 2],
        "ceil": [1, 3],
    }


def test_linear_doubling() -> None:
    found = matrix(Axis(2, 4, 2.0), Resampling("linear", "half_pixel"))
    np.testing.assert_allclose(found, np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]))


def test_antialias_averages_what_is_skipped() -> None:
    plain = matrix(Axis(8, 2, 0.25), Resampling("linear", "half_pixel"))
    wide = matrix(Axis(8, 2, 0.25), Resampling("linear", "half_pixel", antialias=True))
    assert (plain > 0).sum() == 4
    assert (wide > 0).sum(axis=1).min() >= 6


def test_outside_is_only_what_a_crop_leaves() -> None:
    crop = Axis(4, 5, 1.25, -0.5, 1.5)
    assert outside(crop, Resampling("linear", "tf_crop_and_resize")).tolist() == [True, False, False, False, True]
    assert not outside(crop, Resampling("linear", "half_pixel")).any()


@pytest.mark.parametrize("how", [Resampling("quadratic"), Resampling("linear", "polar"), Resampling(nearest="even")])
def test_unknown_words(how: Resampling) -> None:
    with pytest.raises(ValueError, match="mode"):
        matrix(Axis(2, 4, 2.0), how)
