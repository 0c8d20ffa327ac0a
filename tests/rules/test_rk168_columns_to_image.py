from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK168"


def count(image: int, block: int, stride: int, dilation: int, pads: int) -> int:
    return (image + pads - dilation * (block - 1) - 1) // stride + 1


def folded(
    batch: int, channels: int, image: list[int], block: list[int], **how: list[int]
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]] | None:
    rank = len(image)
    strides, dilations, pads = how["strides"], how["dilations"], how["pads"]
    places = [count(image[i], block[i], strides[i], dilations[i], pads[i] + pads[rank + i]) for i in range(rank)]
    if min(places) < 1:
        return None
    x = np.random.default_rng(0).normal(size=(batch, channels * int(np.prod(block)), int(np.prod(places))))
    feeds = {"x": x.astype(np.float32)}
    held = {"image": np.array(image), "block": np.array(block)}
    return one_node("Col2Im", feeds, how, opset=18, constants=held), feeds


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 2),
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1)),
        min_size=1,
        max_size=3,
    ),
)
def test_blocks_are_added_up(batch: int, channels: int, axes: list[tuple[int, ...]]) -> None:
    image, block, strides, dilations, begins = (list(column) for column in zip(*axes, strict=True))
    if len(axes) != 2:
        dilations = [1] * len(axes)
    ends = [int(not begin) for begin in begins]
    how = {"strides": strides, "dilations": dilations, "pads": [*begins, *ends]}
    made = folded(batch, channels, image, block, **how)
    if made is not None:
        assert_lowered(made[0], CODE, made[1], gone="Col2Im", rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("image", "block", "by"), [([4, 4], [2, 2], "ConvTranspose"), ([2, 4, 4], [1, 2, 2], "MatMul")]
)
def test_planes_and_volumes(image: list[int], block: list[int], by: str) -> None:
    ones = [1] * len(image)
    made = folded(1, 2, image, block, strides=ones, dilations=ones, pads=[0] * (2 * len(image)))
    assert made is not None
    assert by in assert_lowered(made[0], CODE, made[1], rtol=1e-5, atol=1e-5)


def test_computed_shapes_are_refused() -> None:
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 18]>
        g (float[1, 4, 4] x, int64[2] image, int64[2] block) => (float[1, 1, 4, 4] y)
        { y = Col2Im<strides = [2, 2]>(x, image, block) }""")
    assert "not a small constant" in refusal_of(model, CODE)


def test_dilated_lines_are_refused() -> None:
    made = folded(1, 1, [5], [2], strides=[1], dilations=[2], pads=[0, 0])
    assert made is not None
    assert "otherwise" in refusal_of(made[0], CODE)
