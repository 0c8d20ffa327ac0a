"""Masks: what lies beyond the saturation of a tolerance is equal, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Tolerance
from rkgraph.proof.equivalence import difference

SATURATED = Tolerance(0.0, 0.0, beyond=1e4)


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        (-3.4e38, -1e4, True),
        (-np.inf, -1e4, True),
        (3.4e38, 1e4, True),
        (0.0, -0.0, True),
        (-1e4, -9999.0, False),
        (-3.4e38, -9999.0, False),
        (-1e4, 1e4, False),
        (np.nan, -1e4, False),
        (0.0, -1e4, False),
        (1.0, 1.5, False),
    ],
)
def test_only_what_is_beyond_on_both_sides_and_of_one_sign_is_equal(before: float, after: float, equal: bool) -> None:
    _, message = difference(np.array([before], np.float32), np.array([after], np.float32), SATURATED)
    assert (message == "") is equal


def test_saturated_elements_do_not_count_as_error() -> None:
    expected, found = (np.array(pair, np.float32) for pair in ([-3.4e38, 1.0], [-1e4, 1.0]))
    assert difference(expected, found, SATURATED) == (0.0, "")
