from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from tests.rules.elementwise import in_fp16
from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of
from tests.rules.rewriting import fixed, run

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


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(PADDINGS), st.integers(0, 1), st.tuples(st.integers(1, 9), st.integers(1, 8)), st.floats(0.5, 4))
def test_cubic(padding: str, aligned: int, size: tuple[int, int], reach: float) -> None:
    """Both paddings move each of the four elements, so that rims and beyond are what matters, and images of one row."""
    if aligned and 1 in size and padding != "zeros":
        return  # ONNX Runtime divides by zero there
    inputs = feeds((1, 2, *size), (3, 5), reach)
    model = sample(inputs, mode="bicubic", padding_mode=padding, align_corners=aligned)
    assert_lowered(model, CODE, inputs, gone="GridSample", rtol=1e-4, atol=1e-4)


def test_reflected_places_lose_nothing_in_fp16() -> None:
    """A grid within ±2 is mirrored once, without a sum that is larger than the place itself."""
    inputs = {name: array.astype(np.float16) for name, array in feeds((1, 1, 4, 64), (6, 7), reach=1.99).items()}
    exact = {name: array.astype(np.float32) for name, array in inputs.items()}
    model = sample(exact, padding_mode="reflection")
    (wanted,) = run(model, exact)
    (found,) = ReferenceEvaluator(in_fp16(fixed(model, CODE)[0])).run(None, inputs)  # numpy rounds after each node
    np.testing.assert_allclose(found.astype(np.float32), wanted, atol=5e-3)


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
    assert "--shape" in refusal_of(
        "g (float[1, 1, 3, 3] x, float[1, N, 2, 2] t) => (float[1, 1, N, 2] y) { y = GridSample(x, t) }", CODE
    )
    assert "more than" in refusal_of(sample(feeds((1, 64, 80, 80), (80, 80))), CODE)
