from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.proof.counterexample import save_counterexample
from rkgraph.proof.equivalence import compare, difference
from rkgraph.proof.feeds import Case

Array = npt.NDArray[np.generic]


def f32(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


@pytest.mark.parametrize(
    ("a", "b", "tolerance", "equal"),
    [
        (f32(1, 2), f32(1, 2), EXACT, True),
        (f32(1, 2), f32(1, 2.0001), EXACT, False),
        (f32(1, 2), f32(1, 2.0001), Tolerance(1e-3, 0), True),
        (f32(1000), f32(1000.5), Tolerance(0, 1e-3), True),
        (f32(1000), f32(1001.5), Tolerance(0, 1e-3), False),
        (f32(math.nan), f32(math.nan), EXACT, True),
        (f32(math.nan), f32(0), Tolerance(9, 9), False),
        (f32(math.inf), f32(math.inf), EXACT, True),
        (f32(math.inf), f32(-math.inf), Tolerance(9, 9), False),
        (f32(math.inf), f32(3e38), Tolerance(9, 9), False),
        (f32(0.0), f32(-0.0), EXACT, False),
        (f32(0.0), f32(-0.0), Tolerance(1e-9, 0), True),
        (f32(1), np.array([1.0]), Tolerance(9, 9), False),
        (f32(1, 2), f32(1, 2).reshape(1, 2), Tolerance(9, 9), False),
        (np.array([1, 2**62]), np.array([1, 2**62]), EXACT, True),
        (np.array([2**62]), np.array([2**62 + 1]), EXACT, False),
        (np.array([True]), np.array([False]), Tolerance(9, 9), False),
    ],
)
def test_what_is_equal(a: Array, b: Array, tolerance: Tolerance, equal: bool) -> None:
    _, message = difference(a, b, tolerance)
    assert (message == "") is equal


def test_the_largest_error_is_told() -> None:
    assert difference(f32(1, 2, 3), f32(1, 2.5, 3.25), Tolerance(1, 0)) == (0.5, "")


def test_the_first_place_is_told() -> None:
    assert "first at [1]: 5.0 instead of 2.0" in difference(f32(1, 2), f32(1, 5), EXACT)[1]


def cases(*numbers: float) -> list[Case]:
    return [Case(f"case {n}", {"x": f32(n)}) for n in numbers]


def times(factor: float, *, fails_at: float | None = None) -> object:
    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        if fails_at is not None and feeds["x"][0] == fails_at:
            raise EvaluationError("no")
        return {"y": feeds["x"] * np.float32(factor)}  # type: ignore[operator]

    return run


NAMES = {"y": "y"}


def test_two_that_agree() -> None:
    found = compare(times(2), times(2), cases(1, 2, 3), NAMES, EXACT)  # type: ignore[arg-type]
    assert (found.cases, found.largest_error, found.difference) == (3, 0.0, None)


def test_the_case_that_tells_them_apart_is_kept() -> None:
    found = compare(times(2), times(3), cases(0, 1), NAMES, EXACT)  # type: ignore[arg-type]
    assert found.difference is not None
    assert found.difference.case.label == "case 1"


def test_what_only_the_model_after_cannot_compute_refutes() -> None:
    found = compare(times(2), times(2, fails_at=1), cases(0, 1), NAMES, EXACT)  # type: ignore[arg-type]
    assert found.difference is not None


def test_what_the_model_before_cannot_compute_says_nothing() -> None:
    found = compare(times(2, fails_at=1), times(2, fails_at=1), cases(1), NAMES, EXACT)  # type: ignore[arg-type]
    assert (found.cases, found.difference, found.reservation) == (0, None, "1 of 1 cases left out; case 1: no")
    assert not found.is_enough


def test_a_counterexample_can_be_loaded_whatever_its_values_are_called(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "p1.npz"
    save_counterexample(path, {"file": f32(1), "/m/Add_output_0": f32(2)})
    with np.load(path) as saved:
        assert {name: saved[name].tolist() for name in saved.files} == {"file": [1.0], "/m/Add_output_0": [2.0]}


def reciprocal(of: float) -> object:
    """1 / (x - of): near `of`, rounding decides."""
    return lambda feeds: {"y": (1 / (feeds["x"].astype(np.float64) - of)).astype(np.float32)}


def test_a_case_that_rounding_decides_says_nothing() -> None:
    found = compare(
        reciprocal(1.5 + 1e-6),
        reciprocal(1.5 + 1.1e-6),
        cases(1.5, 3.0),
        NAMES,
        Tolerance(0, 1e-4),  # type: ignore[arg-type]
    )
    assert (found.cases, found.left_out, found.difference, found.why) == (
        1,
        1,
        None,
        "case 1.5: rounding decides the result",
    )


def test_a_case_that_rounding_does_not_decide_refutes() -> None:
    found = compare(reciprocal(1.0), reciprocal(1.1), cases(1.05, 3.0), NAMES, Tolerance(0, 1e-4))  # type: ignore[arg-type]
    assert found.difference is not None


def test_rounding_is_no_excuse_for_an_exact_claim() -> None:
    found = compare(reciprocal(1.0 + 1e-6), reciprocal(1.0 + 1.1e-6), cases(1.0), NAMES, EXACT)  # type: ignore[arg-type]
    assert found.difference is not None


def step(at: float, height: float) -> object:
    return lambda feeds: {"y": np.where(feeds["x"] == at, height, feeds["x"]).astype(np.float32)}


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_rounding_is_no_excuse_for_what_is_wrong_at_zero_or_one(number: float) -> None:
    found = compare(step(number, 5.0), step(number, 6.0), cases(number), NAMES, Tolerance(1e-3, 0))  # type: ignore[arg-type]
    assert found.difference is not None


def test_more_left_out_than_compared_proves_nothing() -> None:
    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        if feeds["x"][0] > 0:
            raise EvaluationError("out of range")
        return {"y": feeds["x"]}

    few = compare(run, run, cases(0, 1, 2), NAMES, EXACT)
    assert (few.cases, few.left_out, few.is_enough) == (1, 2, False)
    assert few.reservation == "2 of 3 cases left out; case 1: out of range"
    assert compare(run, run, cases(0, 1), NAMES, EXACT).is_enough


def test_nothing_but_nan_says_nothing_unless_it_is_another() -> None:
    nothing = compare(times(math.nan), times(math.nan), cases(1, 2), NAMES, EXACT)  # type: ignore[arg-type]
    assert (nothing.cases, nothing.left_out, nothing.is_enough) == (0, 2, False)
    assert compare(times(math.nan), times(1), cases(1), NAMES, EXACT).difference is not None  # type: ignore[arg-type]


def test_no_outputs_and_no_cases_prove_nothing() -> None:
    assert not compare(times(2), times(3), cases(1), {}, EXACT).is_enough  # type: ignore[arg-type]
    assert not compare(times(2), times(2), cases(), NAMES, EXACT).is_enough  # type: ignore[arg-type]
