from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK173"
MODES = ("half_pixel", "output_half_pixel")
Sizes = tuple[int, int, int, int]


def feeds(image: Sizes, rois: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """An image of which half the values are negative, or all of them, for these regions."""
    random = np.random.default_rng(seed)
    x = random.normal(size=image) - (4 if seed % 2 else 0)
    batch = random.integers(0, image[0], size=len(rois))
    return {"x": x.astype(np.float32), "rois": rois.astype(np.float32), "batch": batch}


def regions(count: int, reach: float, seed: int = 0) -> np.ndarray:
    """Regions inside, across the rim, beyond it, and, without an order of their edges, turned round."""
    return np.random.default_rng(seed).uniform(-reach / 2, reach * 1.5, size=(count, 4))


def pooled(inputs: dict[str, np.ndarray], opset: int = 16, *, held: bool = False, **how: Any) -> onnx.ModelProto:
    """A model of one RoiAlign; `held`: regions are a constant."""
    constants = {"rois": inputs["rois"]} if held else {}
    given = {name: array for name, array in inputs.items() if name not in constants}
    attributes = {"mode": "max", **how}
    return one_node("RoiAlign", given, attributes, opset=opset, constants=constants, order=list(inputs))


def assert_pooled(inputs: dict[str, np.ndarray], opset: int = 16, *, held: bool = False, **how: Any) -> list[str]:
    asked = {name: array for name, array in inputs.items() if name != "rois" or not held}
    model = pooled(inputs, opset, held=held, **how)
    return assert_lowered(model, CODE, asked, gone="RoiAlign", rtol=1e-4, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    st.integers(1, 4),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 6),
    st.sampled_from(MODES),
    st.sampled_from([0.25, 1.0, 1.5]),
    st.integers(0, 9),
    st.booleans(),
)
def test_computed_regions(  # noqa: PLR0917  # all that it has
    image: Sizes, count: int, bins: tuple[int, int], ratio: int, mode: str, scale: float, seed: int, whole: bool
) -> None:
    rois = regions(count, max(image[2:]) / scale, seed)
    inputs = feeds(image, np.round(rois) if whole else rois, seed)  # whole ones lie on elements and on the rim
    assert_pooled(
        inputs,
        coordinate_transformation_mode=mode,
        sampling_ratio=ratio,
        spatial_scale=scale,
        output_height=bins[0],
        output_width=bins[1],
    )


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(2, 7), st.integers(2, 7)),
    st.integers(1, 4),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 2),
    st.sampled_from(MODES),
    st.integers(0, 9),
)
def test_constant_regions_have_places_as_they_are_large(  # noqa: PLR0917  # all that it has
    image: Sizes, count: int, bins: tuple[int, int], ratio: int, mode: str, seed: int
) -> None:
    rois = np.sort(regions(count, max(image[2:]), seed).reshape(count, 2, 2), axis=1).reshape(count, 4)
    rois[:, 2:] += 0.5
    inputs = feeds(image, rois, seed)
    how: dict[str, Any] = {"coordinate_transformation_mode": mode, "sampling_ratio": ratio, "spatial_scale": 0.75}
    assert_pooled(inputs, held=True, output_height=bins[0], output_width=bins[1], **how)


def test_opset_10_does_not_shift() -> None:
    found = assert_pooled(feeds((1, 2, 5, 6), regions(3, 5.0)), opset=10, sampling_ratio=2, output_width=3)
    assert "Sub" in found


@pytest.mark.parametrize(("images", "gathers"), [(1, 0), (2, 1)])
def test_only_of_several_images_one_is_chosen(images: int, gathers: int) -> None:
    found = assert_pooled(feeds((images, 2, 5, 6), regions(3, 5.0)), sampling_ratio=1, output_height=2)
    assert found.count("Gather") == gathers
    assert found.count("Floor") == 1


@pytest.mark.parametrize(("ratio", "pools"), [(4, 2), (5, 4)])
def test_wide_pools_are_two(ratio: int, pools: int) -> None:
    found = assert_pooled(feeds((1, 2, 5, 6), regions(3, 5.0)), sampling_ratio=ratio)
    assert found.count("MaxPool") == pools


def test_the_largest_of_negative_elements_is_negative() -> None:
    inputs = feeds((1, 1, 6, 6), np.array([[1.2, 1.2, 4.3, 4.3]]), seed=1)
    assert (inputs["x"] < 0).all()
    assert_pooled(inputs, sampling_ratio=1, output_height=2, output_width=2)


def test_what_depends_on_data_or_is_too_large_is_refused() -> None:
    inputs = feeds((1, 2, 5, 6), regions(3, 5.0))
    assert "give a ratio" in refusal_of(pooled(inputs), CODE)
    large = feeds((1, 256, 50, 50), regions(100, 50.0))
    assert "more than" in refusal_of(pooled(large, sampling_ratio=2, output_height=7, output_width=7), CODE)
    assert "spatial_scale" in refusal_of(pooled(inputs, sampling_ratio=1, spatial_scale=0.0), CODE)


@pytest.mark.parametrize("region", [[3, 3, 1, 1], [1, 1, 1, 1], [0, 0, np.nan, 4], [0, 0, 1e9, 4]])
def test_constant_regions_without_places_or_with_too_many_are_refused(region: list[float]) -> None:
    inputs = feeds((1, 1, 5, 5), np.array([region, [0, 0, 3, 3]]))
    assert "empty or too large" in refusal_of(pooled(inputs, held=True), CODE)


def test_means_run() -> None:
    inputs = feeds((1, 2, 5, 6), regions(3, 5.0))
    assert not diagnostics(pooled(inputs, sampling_ratio=2, mode="avg"), CODE)
