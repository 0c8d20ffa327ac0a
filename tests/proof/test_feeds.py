from __future__ import annotations

import math

import numpy as np
import pytest

from rkgraph.analysis.intervals import Interval, Intervals
from rkgraph.fp16 import FP16_MAX
from rkgraph.proof.feeds import Domain, domains_of, local_cases, model_cases
from tests.rules.harness import view_of

EMBED = """g (int64[1, 8] ids, int64[1, 8] mask, float[1, 8] x) => (float[1, 8, 2] y, float[1, 8] z)
<float[3, 2] t = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}> { y = Gather(t, ids) c = Cast<to = 1>(mask) z = Add(c, x) }"""


def domains(text: str = EMBED, **known: Interval) -> dict[str, Domain]:
    main = view_of(text).main
    found = domains_of(main.inputs, Intervals(main, known))
    assert isinstance(found, dict)
    return found


def test_what_ends_as_indices_names_rows() -> None:
    found = domains()
    assert found["ids"].rows == 3
    assert found["mask"].rows is None
    for case in [*local_cases(found, extremes=True), *model_cases(found, 4)]:
        assert (case.feeds["ids"] < 3).all()
        assert (case.feeds["ids"] >= -3).all()


def test_indices_are_followed_through_casts_and_reshapes() -> None:
    text = """g (int32[8] ids) => (float[1, 8] y) <float[5] t = {1.0, 2.0, 3.0, 4.0, 5.0}, int64[2] s = {1, 8}>
    { wide = Cast<to = 7>(ids) row = Reshape(wide, s) y = Gather(t, row) }"""
    assert domains(text)["ids"].rows == 5


def test_cases_have_the_dtype_and_shape_of_the_value() -> None:
    for case in local_cases(domains(), extremes=True):
        assert {name: (a.dtype.name, a.shape) for name, a in case.feeds.items()} == {
            "ids": ("int64", (1, 8)),
            "mask": ("int64", (1, 8)),
            "x": ("float32", (1, 8)),
        }


def test_exact_claims_meet_nan_infinities_signed_zeros_and_the_largest_integers() -> None:
    cases = list(local_cases(domains(), extremes=True))
    x = np.concatenate([case.feeds["x"].ravel() for case in cases])
    mask = np.concatenate([case.feeds["mask"].ravel() for case in cases])
    assert np.isnan(x).any()
    assert np.isinf(x).any()
    assert (np.signbit(x) & (x == 0)).any()
    assert mask.max() == 2**63 - 1
    assert mask.min() == -(2**63)


def test_claims_with_a_tolerance_stay_within_fp16() -> None:
    for case in local_cases(domains(), extremes=False):
        assert np.isfinite(case.feeds["x"]).all()
        assert np.abs(case.feeds["x"]).max() <= FP16_MAX
        assert np.abs(case.feeds["mask"]).max() <= FP16_MAX


def test_what_is_known_limits_the_cases() -> None:
    found = domains(x=Interval(0.25, 0.5), mask=Interval(0, 1, integer=True))
    for case in local_cases(found, extremes=True):
        assert ((case.feeds["x"] >= 0.25) & (case.feeds["x"] <= 0.5)).all()
        assert set(case.feeds["mask"].ravel().tolist()) <= {0, 1}


def test_masks_of_a_whole_model_are_ones_and_then_zeros() -> None:
    for case in model_cases(domains(), 4):
        mask = case.feeds["mask"].ravel()
        assert mask[0] == 1
        assert (np.diff(mask) <= 0).all()


def test_the_same_model_gives_the_same_cases() -> None:
    one, two = (list(local_cases(domains(), extremes=True)) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        for name, array in a.feeds.items():
            np.testing.assert_array_equal(array, b.feeds[name])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g (float[n] x) => (float[n] y) { y = Relu(x) }", "dynamic"),
        ("g (string[2] x) => (string[2] y) { y = Identity(x) }", "string"),
    ],
)
def test_values_without_a_domain_say_why(text: str, said: str) -> None:
    main = view_of(text).main
    found = domains_of(main.inputs, Intervals(main))
    assert isinstance(found, str)
    assert said in found


def test_scalars_and_empty_values_are_fed_too() -> None:
    text = """g (int64 rate, bool flag, int64[0] none, float[2] x) => (float[2] y, bool f, int64[0] n) {
        r = Cast<to = 1>(rate) y = Mul(x, r) f = Not(flag) n = Neg(none) }"""
    for case in [*local_cases(domains(text), extremes=True), *model_cases(domains(text), 4)]:
        assert {name: array.shape for name, array in case.feeds.items()} == {
            "rate": (),
            "flag": (),
            "none": (0,),
            "x": (2,),
        }


@pytest.mark.parametrize("low", [-9e9, -1e5, 0.0, 4e3, 9e9])
@pytest.mark.parametrize("width", [0.0, 6.0, 1e7, math.inf])
@pytest.mark.parametrize("integer", [False, True])
def test_numbers_lie_in_the_interval_however_far_away_it_is(low: float, width: float, integer: bool) -> None:
    for interval in (Interval(low, low + width, integer), Interval(-low - width, -low, integer)):
        x = Domain("float64", (64,), interval)
        for case in [*local_cases({"x": x}, extremes=True), *model_cases({"x": x}, 2)]:
            assert (case.feeds["x"] >= interval.low).all()
            assert (case.feeds["x"] <= interval.high).all()


@pytest.mark.parametrize(
    "node", ["y = Div(a, b)", "y = Mod(a, b)", "c = Reshape(b, s) y = Div(a, c)", "c = Add(b, z) y = Div(a, c)"]
)
def test_whole_numbers_are_not_divided_by_zero_nor_by_minus_one(node: str) -> None:
    view = view_of(f"g (int32[9] a, int32[9] b, int32[9] z) => (int32[9] y) <int64[1] s = {{9}}> {{ {node} }}")
    domains = domains_of(["a", "b"], Intervals(view.main))
    assert not isinstance(domains, str)
    cases = [*local_cases(domains, extremes=True), *model_cases(domains, 3)]
    assert all(not np.isin(case.feeds["b"], (0, -1)).any() for case in cases)
    assert any((case.feeds["a"] == 0).any() for case in cases)
