from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK167"


def convolution(  # noqa: PLR0917  # all that a convolution has
    image: tuple[int, int],
    kernel: tuple[int, int],
    groups: tuple[int, int] = (1, 1),
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
    pads: tuple[int, ...] = (0, 0, 0, 0),
    *,
    mask: bool = False,
    bias: bool = False,
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]] | None:
    """A model with two batches and two channels a group, or None where the kernel does not fit into the image."""
    group, offset_group = groups
    channels = 2 * group * offset_group
    spread = [
        (image[i] + pads[i] + pads[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in range(2)
    ]
    if min(spread) < 1:
        return None
    random = np.random.default_rng(0)
    taps = kernel[0] * kernel[1]
    inputs = {
        "x": random.normal(size=(2, channels, *image)),
        "w": random.normal(size=(3 * group, channels // group, *kernel)),
        "offset": random.normal(size=(2, offset_group * taps * 2, *spread)) * 2,
    }
    if bias:
        inputs["bias"] = random.normal(size=3 * group)
    if mask:
        inputs["mask"] = random.uniform(size=(2, offset_group * taps, *spread))
    feeds = {name: array.astype(np.float32) for name, array in inputs.items()}
    order = ["x", "w", "offset", *(["bias" if bias else ""] if bias or mask else []), *(["mask"] if mask else [])]
    how = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": pads}
    how |= {"group": group, "offset_group": offset_group}  # type: ignore[dict-item]
    return one_node("DeformConv", feeds, how, opset=19, order=order), feeds


PAIR = st.tuples(st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    PAIR,
    PAIR,
    PAIR,
    st.tuples(*[st.integers(0, 2)] * 4),
    st.booleans(),
    st.booleans(),
)
def test_the_same_sums(  # noqa: PLR0917  # all that a convolution has
    image: tuple[int, int],
    kernel: tuple[int, int],
    groups: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    pads: tuple[int, ...],
    mask: bool,
    bias: bool,
) -> None:
    made = convolution(image, kernel, groups, strides, dilations, pads, mask=mask, bias=bias)
    if made is not None:
        assert_lowered(made[0], CODE, made[1], gone="DeformConv", rtol=1e-3, atol=1e-3)


def test_without_offsets_it_is_a_convolution() -> None:
    made = convolution((4, 5), (2, 3), mask=True)
    assert made is not None
    model, feeds = made
    feeds["offset"][:] = 0
    found = assert_lowered(model, CODE, feeds, gone="DeformConv", rtol=1e-4, atol=1e-4)
    assert found.count("MatMul") >= 1


def test_too_large_is_refused() -> None:
    made = convolution((64, 64), (3, 3))
    assert made is not None
    assert "more than" in refusal_of(made[0], CODE)


@pytest.mark.parametrize("size", [1, 2])
def test_small_images(size: int) -> None:
    made = convolution((size, size), (1, 1))
    assert made is not None
    assert_lowered(made[0], CODE, made[1], rtol=1e-4, atol=1e-4)
