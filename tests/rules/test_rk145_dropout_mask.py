from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK145"
X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
X[0, 0], X[0, 1] = np.nan, np.inf
NO, YES = np.array(False), np.array(True)
ZERO, HALF = np.array(0.0, np.float32), np.array(0.5, np.float32)


@pytest.mark.parametrize("opset", [10, 12, 13])
def test_a_mask_is_that_of_its_opset(opset: int) -> None:
    said = {"ratio": 0.3} if opset < 12 else {}
    model = one_node("Dropout", {"x": X}, said, opset=opset, outputs=("y", "mask"))
    assert "Dropout" not in assert_lowered(model, CODE, {"x": X}, rtol=0, atol=0)


@pytest.mark.parametrize("mode", [{"t": NO}, {}, {"r": ZERO, "t": YES}, {"r": HALF}, {"r": HALF, "t": NO}], ids=str)
def test_what_drops_nothing(mode: dict[str, np.ndarray]) -> None:
    order = ["x", "r" if "r" in mode else "", *(["t"] if "t" in mode else [])]
    model = one_node("Dropout", {"x": X}, opset=13, outputs=("y", "mask"), constants=mode, order=order)
    assert_lowered(model, CODE, {"x": X}, gone="Dropout", rtol=0, atol=0)


@pytest.mark.parametrize("mode", [{"r": HALF, "t": YES}, {"t": YES}], ids=str)
def test_what_drops_something_is_left_to_rk402(mode: dict[str, np.ndarray]) -> None:
    order = ["x", "r" if "r" in mode else "", "t"]
    assert diagnostics(one_node("Dropout", {"x": X}, opset=13, constants=mode, order=order), CODE) == ()


def test_a_mode_that_is_computed_may_be_on() -> None:
    model = one_node("Dropout", {"x": X, "t": YES}, opset=13, order=["x", "", "t"])
    assert diagnostics(model, CODE) == ()


def test_a_plain_one_is_left_to_rk401() -> None:
    assert diagnostics(one_node("Dropout", {"x": X}, opset=13), CODE) == ()


def test_a_mask_that_is_too_large_is_refused() -> None:
    text = """g (float[1025, 1024] x) => (float[1025, 1024] y)
    { z, mask = Dropout(x) m = Cast<to = 1>(mask) y = Add(z, m) }"""
    assert "elements" in refusal_of(text, CODE)


def test_a_mask_inside_the_model_is_a_constant() -> None:
    text = "g (float[2, 3] x) => (float[2, 3] y) { z, mask = Dropout(x) m = Cast<to = 1>(mask) y = Add(z, m) }"
    assert assert_lowered(parse(text), CODE, {"x": X}, rtol=0, atol=0) == ["Cast", "Add"]
