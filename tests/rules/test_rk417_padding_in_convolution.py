from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK417"


def model(
    pads: tuple[int, int, int, int] = (20, 0, 20, 0),
    dilation: int = 20,
    *,
    channels: int = 3,
    group: int = 1,
    stride: int = 1,
    bias: str = "",
    kernel: tuple[int, int] = (3, 1),
    auto: str = "",
) -> str:
    count = 3 * channels // group * kernel[0] * kernel[1]
    weights = ", ".join(str(place % 7 - 3) for place in range(count))
    given_pads = f"pads = [{', '.join(map(str, pads))}]" if not auto else f'auto_pad = "{auto}"'
    return f"""g (float[2, {channels}, 24, 30] x) => (float[2, 3, h, w] y)
    <float[3, {channels // group}, {kernel[0]}, {kernel[1]}] k = {{{weights}}}, float[3] b = {{1, 2, 3}}>
    {{ r = Relu(x)
       c = Conv<{given_pads}, dilations = [{dilation}, {dilation}], group = {group},
                strides = [{stride}, 1]>(r, k{bias})
       y = Sigmoid(c) }}"""


@settings(max_examples=25, deadline=None)
@given(
    pads=st.tuples(st.integers(16, 24), st.integers(0, 20), st.integers(0, 24), st.integers(0, 20)),
    dilation=st.sampled_from([1, 5, 12]),
    group=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    bias=st.sampled_from(["", ", b"]),
)
def test_the_same_zeros_are_joined(
    pads: tuple[int, int, int, int], dilation: int, group: int, stride: int, bias: str
) -> None:
    text = model(pads, dilation, group=group, stride=stride, bias=bias)
    after, _ = fixed(text, CODE)
    assert set(operators(after)) == {"Relu", "Concat", "Conv", "Sigmoid"}
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 3, 24, 30)).astype(np.float32)}
    np.testing.assert_allclose(np.asarray(run(after, feeds)[0]), np.asarray(run(text, feeds)[0]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dilation", "own"), [(20, (15, 0, 15, 0)), (31, (15, 0, 15, 0)), (32, (0, 0, 0, 0))])
def test_the_convolution_pads_the_rest(dilation: int, own: tuple[int, ...]) -> None:
    after, _ = fixed(model((21, 0, 24, 0), dilation, kernel=(2, 1)), CODE)
    (conv,) = (node for node in after.graph.node if node.op_type == "Conv")
    assert next(tuple(a.ints) for a in conv.attribute if a.name == "pads") == own


def test_padding_by_name_is_by_number() -> None:
    """ONNX Runtime knows no dilations with it: what is written is compared with the same padding by number."""
    after, _ = fixed(model(dilation=20, auto="SAME_UPPER"), CODE)
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 3, 24, 30)).astype(np.float32)}
    want = run(model((20, 0, 20, 0)), feeds)[0]
    np.testing.assert_allclose(np.asarray(run(after, feeds)[0]), np.asarray(want), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", [
    model((15, 0, 15, 0), 15), model(channels=8), model((24, 0, 25, 0), 10), model(dilation=1, kernel=(17, 1)),
    model(channels=1).replace("24, 30", "1, 30").replace("[2, 1,", "[1, 1,"),
])  # fmt: skip
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(
    ("target", "count"),
    [
        (Target("rk3576"), 1),
        (Target("rk3588", "2.2.0"), 1),
        (Target("rk3566"), 0),
        (Target("rk3588", "2.5.0"), 0),
        (Target("rk3588", "2.3.2", "w8a8"), 0),
    ],
)
def test_it_is_told_where_it_was_measured(target: Target, count: int) -> None:
    assert len(diagnostics(model(), CODE, target=target)) == count
