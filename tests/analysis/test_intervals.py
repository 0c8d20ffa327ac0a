from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.analysis.evaluator import evaluate
from rkgraph.analysis.intervals import Interval, interval_of
from rkgraph.graph.view import GraphView
from tests.rules.harness import parse, view_of


def graph(text: str) -> GraphView:
    return view_of(text).main


def test_a_cast_bool_is_zero_or_one() -> None:
    found = interval_of(graph("g (bool[4] m) => (float[4] y) { y = Cast<to = 1>(m) }"), "y")
    assert found == Interval(0, 1, integer=True)


def test_an_integer_mask_is_not_known_to_be_zero_or_one() -> None:
    found = interval_of(graph("g (int64[4] m) => (float[4] y) { y = Cast<to = 1>(m) }"), "y")
    assert found.low <= -(2**63)
    assert found.high >= 2**63 - 1
    assert not found.within(0, 1)


def test_the_user_may_vouch_for_an_input() -> None:
    g = graph("g (int64[4] m) => (float[4] y) <float one = {1.0}> { c = Cast<to = 1>(m) y = Sub(one, c) }")
    assert interval_of(g, "y", {"m": Interval(0, 1, integer=True)}) == Interval(0, 1, integer=True)
    assert not interval_of(g, "y").within(0, 1)


def test_integers_that_could_wrap_are_as_wide_as_their_dtype() -> None:
    g = graph("g (int8[4] m) => (int8[4] y) { y = Add(m, m) }")
    assert interval_of(g, "y") == Interval(-128, 127, integer=True)


def test_a_float_input_may_be_nan() -> None:
    assert interval_of(graph("g (float[4] x) => (float[4] y) { y = Relu(x) }"), "y").nan


def test_the_mask_of_a_dropout_is_not_its_data() -> None:
    text = "g (float[4] x) => (float[4] y, bool[4] m) { c = Sub(x, x) y, m = Dropout(c) }"
    assert interval_of(graph(text), "m", {"c": Interval(0, 0)}) == Interval(0, 1, integer=True)


OPERATORS = ["Add(a, b)", "Sub(a, b)", "Mul(a, b)", "Min(a, b)", "Max(a, b)", "Neg(a)", "Abs(a)", "Relu(a)",
             "Floor(a)", "Ceil(a)", "Round(a)", "Sigmoid(a)", "Tanh(a)", "Erf(a)", "Clip(a, low, high)",
             "Where(c, a, b)", "Softmax(a)"]  # fmt: skip
NUMBER = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=4),
    a=st.lists(NUMBER, min_size=4, max_size=4),
    b=st.lists(NUMBER, min_size=4, max_size=4),
)
def test_what_is_computed_lies_in_the_interval(steps: list[str], a: list[float], b: list[float]) -> None:
    lines = [f"v{i} = {step.replace('(a', f'(v{i - 1}' if i else '(a')}" for i, step in enumerate(steps)]
    lines = [line.replace("c, a", f"c, v{i - 1}" if i else "c, a") for i, line in enumerate(lines)]
    text = f"""g (float[4] a, float[4] b, bool[4] c) => (float[4] v{len(steps) - 1})
    <float low = {{-2.0}}, float high = {{3.0}}> {{ {" ".join(lines)} }}"""
    feeds: dict[str, Any] = {
        "a": np.array(a, np.float32),
        "b": np.array(b, np.float32),
        "c": np.array([True, False, True, False]),
    }
    known = {name: Interval(min(values), max(values)) for name, values in (("a", a), ("b", b))}
    found = interval_of(graph(text), f"v{len(steps) - 1}", known)
    result = evaluate(parse(text), feeds)[f"v{len(steps) - 1}"]
    for value in result.astype(np.float64):
        assert (found.nan and math.isnan(value)) or found.low <= value <= found.high


@pytest.mark.parametrize(("low", "high", "within"), [(0, 1, True), (0, 0.5, False), (0.5, 1, False), (-1, 2, True)])
def test_within(low: float, high: float, within: bool) -> None:
    assert Interval(0, 1).within(low, high) is within
    assert not Interval(0, 1).within(low, high, integer=True)
    assert not Interval(0, 1, nan=True).within(low, high)


def test_a_remainder_is_smaller_than_its_divisor_and_has_its_sign() -> None:
    g = graph(
        "g (int32[4] a, int32[4] b) => (int32[4] y) <int32 n = {256}>"
        "{ y = Mod(a, n) z = Mod(a, b) f = Mod<fmod = 1>(a, n) }"
    )
    assert interval_of(g, "y") == Interval(0, 255, integer=True)
    assert interval_of(g, "z") == interval_of(g, "f") == Interval(-(2**31), 2**31 - 1, integer=True)
