from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK148"
Array = npt.NDArray[Any]


def numbers(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def convolution(
    op: str, sizes: list[int], said: dict[str, Any], *, kernel: list[int], each: tuple[int, int], **where: bool
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A model and its inputs: `each` are the channels in and out of a group; weights and bias are inputs if `where`."""
    group = said.get("group", 1)
    into, out = each
    weights = (into * group, out, *kernel) if op == "ConvTranspose" else (out * group, into, *kernel)
    inputs: dict[str, Array] = {"x": numbers(2, into * group, *sizes)}
    constants: dict[str, Array] = {}
    order = ["x", "w"]
    (inputs if where.get("computed") else constants)["w"] = numbers(*weights)
    if where.get("bias"):
        (inputs if where.get("computed_bias") else constants)["b"] = numbers(out * group)
        order.append("b")
    return one_node(op, inputs, said, opset=13, constants=constants, order=order), inputs


@settings(max_examples=15, deadline=None)
@given(
    op=st.sampled_from(["Conv", "ConvTranspose"]),
    axes=st.integers(1, 3),
    group=st.integers(1, 2),
    each=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["none", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", "shape"]),
    computed=st.booleans(),
    bias=st.sampled_from(["", "constant", "computed"]),
    data=st.data(),
)
def test_every_form_gives_the_same_numbers(
    *,
    op: str,
    axes: int,
    group: int,
    each: tuple[int, int],
    padding: str,
    computed: bool,
    bias: str,
    data: st.DataObject,
) -> None:
    def drawn(low: int, high: int) -> list[int]:
        return [data.draw(st.integers(low, high)) for _ in range(axes)]

    kernel, sizes, strides, dilations = drawn(1, 3), drawn(5, 6), drawn(1, 3), drawn(1, 2)
    said: dict[str, Any] = {"group": group, "strides": strides}
    if padding in ("none", "pads"):
        said["dilations"] = dilations
    if padding == "pads":
        said["pads"] = [0] * (2 * axes) if op == "ConvTranspose" and min(sizes) < 3 else [*drawn(0, 1), *drawn(0, 1)]
        if op == "ConvTranspose":
            said["output_padding"] = [stride - 1 for stride in strides]
    elif padding == "shape" and op == "ConvTranspose":
        said["output_shape"] = [n * s for n, s in zip(sizes, strides, strict=True)]
    elif padding not in ("none", "shape"):
        said["auto_pad"] = padding
    kinds = {"computed": computed, "bias": bool(bias), "computed_bias": bias == "computed"}
    try:
        model, inputs = convolution(op, sizes, said, kernel=kernel, each=each, **kinds)
    except onnx.shape_inference.InferenceError:
        assume(False)
    assume(diagnostics(model, CODE))
    reaches = all(
        (k - 1) * d >= s - 1 for k, d, s in zip(kernel, said.get("dilations", [1] * axes), strides, strict=True)
    )
    assume(reaches or not padding.startswith("SAME"))
    assert_lowered(model, CODE, inputs, rtol=1e-4, atol=1e-4)


def test_windows_that_do_not_reach_across_the_stride_are_refused() -> None:
    """The standard says stride times size, ONNX Runtime makes less."""
    said = {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
    model, _ = convolution("ConvTranspose", [3, 3], said, kernel=[1, 1], each=(1, 1))
    assert "do not reach" in refusal_of(model, CODE)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_is_padded_by_name_is_padded_by_number(axes: int) -> None:
    said = {"auto_pad": "SAME_LOWER", "strides": [2] * axes}
    model, inputs = convolution("ConvTranspose", [4] * axes, said, kernel=[3] * axes, each=(1, 2))
    assert assert_lowered(model, CODE, inputs, rtol=1e-4, atol=1e-4) == ["ConvTranspose"]


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_dilated_windows_over_three_axes_are_summed_plane_by_plane(op: str) -> None:
    said = {"dilations": [2, 2, 2], "pads": [1] * 6, "strides": [1, 2, 1]}
    model, inputs = convolution(op, [5, 6, 5], said, kernel=[2, 2, 3], each=(1, 2), bias=True)
    assert assert_lowered(model, CODE, inputs, rtol=1e-4, atol=1e-4).count(op) == 2


def test_more_groups_than_can_be_written_out_are_refused() -> None:
    model, _ = convolution("Conv", [3, 3], {"group": 65}, kernel=[1, 1], each=(2, 1), computed=True)
    assert "65 groups" in refusal_of(model, CODE)


def test_windows_that_are_too_deep_are_refused() -> None:
    model, _ = convolution("Conv", [17, 2, 2], {}, kernel=[17, 1, 1], each=(1, 1), computed=True)
    assert "17 planes" in refusal_of(model, CODE)


@pytest.mark.parametrize(
    ("op", "sizes", "said", "kernel"),
    [
        ("Conv", [5, 5], {"auto_pad": "SAME_UPPER"}, [3, 3]),
        ("Conv", [5, 5, 5], {"pads": [1] * 6}, [3, 3, 3]),
        ("Conv", [5, 5, 5], {"group": 3}, [3, 3, 3]),
        ("Conv", [5, 5], {"group": 3}, [3, 3]),
        ("ConvTranspose", [5, 5], {"strides": [2, 2], "output_padding": [1, 1]}, [3, 3]),
    ],
    ids=["same 2-D", "3-D", "depthwise 3-D", "groups", "output_padding 2-D"],
)
def test_what_comes_out_right_is_left_alone(op: str, sizes: list[int], said: dict[str, Any], kernel: list[int]) -> None:
    model, _ = convolution(op, sizes, said, kernel=kernel, each=(1, 1), bias=True)
    assert diagnostics(model, CODE) == ()
