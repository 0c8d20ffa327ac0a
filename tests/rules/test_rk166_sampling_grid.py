from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK166"
PADDINGS = ("zeros", "border", "reflection")


def feeds(image: tuple[int, ...], places: tuple[int, ...], reach: float = 1.3) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    grid = random.uniform(-reach, reach, size=(image[0], *places, len(places))).astype(np.float32)
    grid.flat[:4] = (-1.0, 1.0, 0.0, 0.5)
    return {"x": random.normal(size=image).astype(np.float32), "grid": grid}


def sample(inputs: dict[str, np.ndarray], opset: int = 16, **how: object) -> onnx.ModelProto:
    return one_node("GridSample", inputs, how, opset=opset)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["bilinear", "nearest"]),
    st.sampled_from(PADDINGS),
    st.integers(0, 1),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_samples_are_the_same(
    mode: str, padding: str, aligned: int, image: tuple[int, ...], places: tuple[int, int]
) -> None:
    inputs = feeds(image, places, reach=3.0)
    model = sample(inputs, mode=mode, padding_mode=padding, align_corners=aligned)
    assert_lowered(model, CODE, inputs, gone="GridSample", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("image", [(1, 1, 3, 2), (2, 3, 9, 8)])
def test_cubic(image: tuple[int, ...], aligned: int) -> None:
    inputs = feeds(image, (3, 5), reach=2.0)
    assert_lowered(sample(inputs, mode="bicubic", align_corners=aligned), CODE, inputs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "by"), [(1, "ReduceSum"), (40, "MatMul")])
def test_the_smaller_values_in_between_are_chosen(channels: int, by: str) -> None:
    inputs = feeds((1, channels, 6, 7), (4, 4))
    found = assert_lowered(sample(inputs), CODE, inputs, rtol=1e-4, atol=1e-4)
    assert found[-2:] == [by, "Reshape"]


def test_volumes_of_opset_20() -> None:
    inputs = feeds((1, 2, 3, 4, 5), (2, 3, 2))
    model = sample(inputs, opset=20, mode="linear", align_corners=1)
    if diagnostics(model, CODE):
        assert_lowered(model, CODE, inputs, gone="GridSample", rtol=1e-4, atol=1e-4)


def test_what_is_not_known_or_too_large_is_refused() -> None:
    inputs = feeds((1, 1, 3, 3), (2, 2))
    assert "pads each" in refusal_of(sample(inputs, mode="bicubic", padding_mode="border"), CODE)
    assert "more than" in refusal_of(sample(feeds((1, 64, 80, 80), (80, 80))), CODE)
