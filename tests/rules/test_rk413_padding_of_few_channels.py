from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK413"


def model(
    shape: tuple[int, ...] = (1, 5, 4),
    pads: tuple[int, ...] = (0, 0, 1, 0, 0, 2),
    *,
    fill: str = "",
    mode: str = "",
    then: str = "y = Sigmoid(p)",
) -> str:
    rank = len(shape)
    out = [size + pads[axis] + pads[rank + axis] for axis, size in enumerate(shape)]
    return f"""g (float[{", ".join(map(str, shape))}] x) => (float[{", ".join(map(str, out))}] y)
    <int64[{2 * rank}] pads = {{{", ".join(map(str, pads))}}}, float fill = {{-2.5}},
     float[1, 5, 1] w = {{1, 1, 1, 1, 1}}>
    {{ r = Relu(x) p = Pad{mode}(r, pads{fill}) {then} }}"""


@settings(max_examples=25, deadline=None)
@given(
    shape=st.sampled_from([(2, 3, 4), (1, 5, 2, 3), (3, 7, 1, 2)]),
    axis=st.integers(1, 3),
    begin=st.integers(0, 2),
    end=st.integers(0, 2),
    fill=st.sampled_from(["", ", fill"]),
)
def test_the_padding_is_joined(shape: tuple[int, ...], axis: int, begin: int, end: int, fill: str) -> None:
    axis = min(axis, len(shape) - 1)
    pads = [0] * (2 * len(shape))
    pads[axis], pads[len(shape) + axis] = begin, end
    text = model(shape, tuple(pads), fill=fill)
    feeds = {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    after, _ = fixed(text, CODE)
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    if 0 < begin + end <= 2 * shape[axis]:
        assert operators(after) == ["Relu", "Concat", "Sigmoid"]


@pytest.mark.parametrize(
    "text",
    [
        model((1, 8, 4)),
        model((1, 5, 4), (1, 0, 0, 0, 0, 0)),
        model((1, 5, 4), (0, 1, 1, 0, 0, 0)),
        model((1, 5, 4), (0, 0, -1, 0, 0, 2)),
        model((1, 5, 4), (0, 0, 5, 0, 0, 5)),
        model(mode='<mode = "edge">'),
        model((1, 5, 4), then="c = Conv(p, w) y = Add(p, c)"),
        model((5, 4), (0, 1, 0, 0)),
        model((1, 1, 400), (0, 0, 9, 0, 0, 9)),
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(
    ("target", "count"),
    [
        (Target("rk3588"), 1),
        (Target("rk3576"), 1),
        (Target("rk3566"), 0),
        (Target("rk3588", "2.5.0"), 0),
        (Target("rk3588", "2.3.2", "w8a8"), 0),
    ],
)
def test_it_is_told_where_it_was_measured(target: Target, count: int) -> None:
    assert len(diagnostics(model(), CODE, target=target)) == count


def test_of_2_5_0_only_the_channels_are_padded_on_the_cpu() -> None:
    text = model(pads=(0, 1, 0, 0, 0, 0))
    assert len(diagnostics(text, CODE, target=Target("rk3588", "2.5.0"))) == 1


def behind_product(kind: str = "MatMul(x, w)", *, columns: int = 5, axis: int = 0) -> str:
    pads = ["0"] * 6
    pads[3 + axis] = "3"
    out = [8, 16, columns]
    out[axis] += 3
    return f"""g (float[8, 16, 2] x) => (float[{", ".join(map(str, out))}] y)
    <int64[6] pads = {{{", ".join(pads)}}}, float[2, {columns}] w = {{{", ".join(["1"] * 2 * columns)}}},
     int64[3] shape = {{8, 16, {columns}}}>
    {{ m = {kind} r = Relu(m) s = Reshape(r, shape) p = Pad(s, pads) y = Sigmoid(p) }}"""


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_behind_a_product_the_last_dimension_is_the_channels(axis: int) -> None:
    text = behind_product(axis=axis)
    feeds = {"x": np.random.default_rng(0).normal(size=(8, 16, 2)).astype(np.float32)}
    after, _ = fixed(text, CODE)
    assert operators(after) == ["MatMul", "Relu", "Reshape", "Concat", "Sigmoid"]
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize("text", [behind_product(columns=8), behind_product("Concat<axis = 2>(x, x, x)", columns=6)])
def test_whole_registers_and_other_values_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
