from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node


@pytest.mark.parametrize(("shape", "block"), [((1, 1, 32, 32), 2), ((2, 3, 96, 48), 2), ((1, 2, 99, 99), 3)])
def test_the_same_elements(shape: tuple[int, ...], block: int) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    model = one_node("SpaceToDepth", {"x": x}, {"blocksize": block})
    assert assert_lowered(model, "RK172", {"x": x}, rtol=0, atol=0) == ["Conv"]


@pytest.mark.parametrize("shape", [(1, 64, 8, 8), (1, 1, 4, 4)])
def test_small_images_are_left_alone(shape: tuple[int, ...]) -> None:
    model = one_node("SpaceToDepth", {"x": np.zeros(shape, np.float32)}, {"blocksize": 2})
    assert diagnostics(model, "RK172") == ()
