from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK517"


def model(
    channels: int = 3,
    image: tuple[int, int] = (16, 16),
    sides: tuple[int, int] = (8, 8),
    bias: bool = True,
    **more: Any,
) -> onnx.ModelProto:
    """A Conv with five filters; `more` are attributes instead of the usual ones."""
    random = np.random.default_rng(0)
    group = more.get("group", 1)
    tensors = {"w": random.standard_normal((5 * group, channels // group, *sides)).astype("f")}
    if bias:
        tensors["b"] = random.standard_normal(5 * group).astype("f")
    attributes = {"kernel_shape": sides, "strides": sides, **more}
    node = helper.make_node("Conv", ["x", *tensors], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", 1, (1, channels, *image))],
        [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(a, name) for name, a in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@settings(max_examples=20, deadline=None)
@given(
    channels=st.integers(1, 4),
    sides=st.tuples(st.sampled_from([8, 9, 10, 12, 14, 16]), st.sampled_from([8, 9, 16, 32])),
    count=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    over=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    bias=st.booleans(),
)
def test_two_steps_are_one(
    channels: int, sides: tuple[int, int], count: tuple[int, int], over: tuple[int, int], bias: bool
) -> None:
    image = (sides[0] * count[0] + over[0], sides[1] * count[1] + over[1])
    before = model(channels, image, sides, bias)
    after, _ = fixed(before, CODE)
    assert operators(after).count("Conv") == 2
    feeds = {"x": np.random.default_rng(1).standard_normal((1, channels, *image)).astype("f")}
    new, old = (np.asarray(run(each, feeds)[0], "f8") for each in (after, before))
    terms = channels * sides[0] * sides[1]
    np.testing.assert_allclose(new, old, atol=terms * 2.0**-22)  # sums in another order, in float32


@pytest.mark.parametrize(
    "near",
    [
        model(image=(24, 24), strides=(4, 4)),
        model(pads=(1, 1, 1, 1)),
        model(auto_pad="SAME_UPPER"),
        model(dilations=(2, 2), image=(32, 32)),
        model(channels=4, group=2),
        model(channels=6),
        model(sides=(4, 4)),
        model(sides=(11, 11), image=(22, 22)),
        model(sides=(13, 8), image=(26, 16)),
    ],
)
def test_other_convolutions_are_left_alone(near: onnx.ModelProto) -> None:
    assert diagnostics(near, CODE) == ()


def test_weights_that_are_computed_are_left_alone() -> None:
    near = model()
    near.graph.initializer.pop(0)
    near.graph.input.append(helper.make_tensor_value_info("w", 1, (5, 3, 8, 8)))
    assert diagnostics(near, CODE) == ()


def test_a_compiler_that_cuts_patches_itself_is_left_alone() -> None:
    assert diagnostics(model(), CODE, target=Target(toolkit="2.2.0")) == ()
    assert len(diagnostics(model(), CODE, target=Target(toolkit="2.5.0"))) == 1
