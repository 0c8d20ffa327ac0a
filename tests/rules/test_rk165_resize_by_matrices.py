from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Rewrite
from rkgraph.rulebook.rule import Finding
from rkgraph.rules.rk165_resize_by_matrices import fix
from tests.rules.harness import context_of, diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK165"
TRANSFORMS = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def resize(x: np.ndarray, **how: object) -> onnx.ModelProto:
    """A Resize of `x`; `scales`, `sizes` and `roi` are constants, all else attributes."""
    dtypes = {"roi": np.float32, "scales": np.float32, "sizes": np.int64}
    held = {name: np.array(how.pop(name), dtype) for name, dtype in dtypes.items() if name in how}
    order = ["x", *(name if name in held else "" for name in dtypes)]
    while not order[-1]:
        order.pop()
    return one_node("Resize", {"x": x}, how, opset=18, constants=held, order=order)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(TRANSFORMS),
    st.tuples(st.integers(1, 9), st.integers(2, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([{}, {"antialias": 1}, {"exclude_outside": 1}, {"cubic_coeff_a": -0.5}]),
)
def test_cubic(transform: str, before: tuple[int, int], after: tuple[int, int], how: dict[str, object]) -> None:
    x = image(2, 1, *before)
    model = resize(x, mode="cubic", coordinate_transformation_mode=transform, sizes=[2, 1, *after], **how)
    if diagnostics(model, CODE):
        assert_lowered(model, CODE, {"x": x}, gone="Resize", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scales", [(2.0, 2.0), (0.6, 1.7), (1.0, 0.5), (3.0, 1.0)])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_scales(transform: str, scales: tuple[float, float]) -> None:
    x = image(1, 3, 5, 6)
    model = resize(x, mode="cubic", coordinate_transformation_mode=transform, scales=[1, 1, *scales])
    assert "MatMul" in assert_lowered(model, CODE, {"x": x}, gone="Resize", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller", "stretch"])
def test_aspect_ratios_on_named_axes(policy: str) -> None:
    x = image(1, 3, 4, 6)
    model = resize(x, mode="cubic", axes=[3, 2], sizes=[9, 7], keep_aspect_ratio_policy=policy)
    assert_lowered(model, CODE, {"x": x}, gone="Resize", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_five_dimensions(mode: str) -> None:
    x = image(1, 2, 3, 4, 5)
    model = resize(x, mode=mode, scales=[1, 1, 2, 1.5, 0.8])
    if diagnostics(model, CODE):
        assert_lowered(model, CODE, {"x": x}, gone="Resize", rtol=1e-5, atol=1e-5)


def test_a_crop_is_filled_where_it_reaches_outside() -> None:
    x = image(1, 1, 4, 6)
    how = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0, "mode": "linear"}
    context = context_of(resize(x, roi=[0, 0, -0.2, 0.1, 1, 1, 0.7, 1.2], sizes=[1, 1, 3, 9], **how))
    edit = fix(context, Finding("", node=context.model.main.nodes[0]))
    assert isinstance(edit, Rewrite)
    assert [node.op for node in edit.tape.nodes] == ["MatMul", "MatMul", "Where"]


def test_what_runs_is_left_alone() -> None:
    assert diagnostics(resize(image(1, 8, 4, 4), mode="nearest", scales=[1, 1, 2, 2]), CODE) == ()


def test_computed_sizes_are_refused() -> None:
    x = image(1, 1, 4, 4)
    model = one_node(
        "Resize",
        {"x": x, "sizes": np.array([1, 1, 8, 8])},
        {"mode": "cubic"},
        order=["x", "", "", "sizes"],
    )
    assert refusal_of(model, CODE)
