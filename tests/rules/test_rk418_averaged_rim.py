from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK418"


def model(
    pads: tuple[int, int, int, int] = (1, 1, 1, 1),
    strides: tuple[int, int] = (2, 2),
    kernel: tuple[int, int] = (3, 3),
    *,
    ceil: int = 0,
    more: str = "",
    sizes: tuple[int, int] = (9, 12),
) -> str:
    given_pads = f"pads = [{', '.join(map(str, pads))}], " if "auto_pad" not in more else ""
    return f"""g (float[2, 3, {sizes[0]}, {sizes[1]}] x) => (float[2, 3, h, w] y)
    {{ r = Relu(x)
       p = AveragePool<kernel_shape = [{kernel[0]}, {kernel[1]}], strides = [{strides[0]}, {strides[1]}],
                       {given_pads}ceil_mode = {ceil}{more}>(r)
       y = Sigmoid(p) }}"""


@settings(max_examples=40, deadline=None)
@given(
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    ceil=st.integers(0, 1),
)
def test_the_rim_is_corrected(
    pads: tuple[int, int, int, int], strides: tuple[int, int], kernel: tuple[int, int], ceil: int
) -> None:
    assume(all(pad < size for pad, size in zip(pads, kernel * 2, strict=True)))
    text = model(pads, strides, kernel, ceil=ceil)
    _same(text, fixed(text, CODE)[0])


@pytest.mark.parametrize("how", ["SAME_UPPER", "SAME_LOWER"])
def test_padding_by_name(how: str) -> None:
    text = model(more=f', auto_pad = "{how}"', sizes=(8, 12))
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Relu", "AveragePool", "Mul", "Sigmoid"]
    _same(text, after)


@pytest.mark.parametrize(
    "text",
    [
        model(strides=(1, 1)),
        model((0, 0, 0, 0), sizes=(9, 9)),
        model(more=", count_include_pad = 1"),
        model((8, 0, 8, 0), kernel=(16, 2)),
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def _same(text: str, after: onnx.ModelProto) -> None:
    shape = [size.dim_value for size in after.graph.input[0].type.tensor_type.shape.dim]
    feeds = {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    np.testing.assert_allclose(np.asarray(run(after, feeds)[0]), np.asarray(run(text, feeds)[0]), rtol=1e-5, atol=1e-6)
