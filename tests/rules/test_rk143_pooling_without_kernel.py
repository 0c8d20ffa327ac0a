from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnxruntime.capi import onnxruntime_pybind11_state as state

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Rewrite
from rkgraph.rules.rk143_pooling_without_kernel import check, fix
from rkgraph.targets import Target
from tests.rules.harness import context_of, diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of
from tests.rules.rewriting import run

CODE = "RK143"
Array = npt.NDArray[Any]
PADDINGS = st.sampled_from(["none", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"])


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def said(data: st.DataObject, kernel: list[int], padding: str) -> dict[str, Any]:
    axes = len(kernel)
    # windows that leave elements out are padded by no name
    strides = [data.draw(st.integers(1, size if padding.startswith("SAME") else 3)) for size in kernel]
    more: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if padding == "pads":
        more["pads"] = [data.draw(st.integers(0, kernel[n % axes] - 1)) for n in range(2 * axes)]
    elif padding != "none":
        more["auto_pad"] = padding
    return more


@settings(max_examples=12, deadline=None)
@given(
    kernel=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    power=st.sampled_from([1, 2, 3]),
    padding=PADDINGS,
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_powers_of_windows(*, kernel: list[int], power: int, padding: str, seed: int, data: st.DataObject) -> None:
    sizes = [data.draw(st.integers(3, 6)) for _ in kernel]
    inputs = {"x": numbers(2, 3, *sizes, seed=seed)}
    how = said(data, kernel, padding)
    model = one_node("LpPool", inputs, {"p": power, **how}, opset=13)
    assert_lowered(model, CODE, inputs, gone="LpPool", rtol=1e-3, atol=1e-4)


@settings(max_examples=12, deadline=None)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    padding=PADDINGS,
    ceil=st.booleans(),
    counting=st.booleans(),
    data=st.data(),
)
def test_three_axes_in_two_steps(
    *, op: str, kernel: list[int], padding: str, ceil: bool, counting: bool, data: st.DataObject
) -> None:
    sizes = [data.draw(st.integers(3, 6)) for _ in kernel]
    inputs = {"x": numbers(1, 2, *sizes)}
    counted = {"count_include_pad": 1} if counting and op == "AveragePool" else {}
    rounded = {"ceil_mode": 1} if ceil and not counted and padding in ("none", "pads") else {}
    how = said(data, kernel, padding)
    model = one_node(op, inputs, {**how, **counted, **rounded}, opset=13)
    assume(diagnostics(model, CODE))
    try:
        run(model, inputs)
    except (state.Fail, state.RuntimeException):  # a window of padding alone, or one that is smaller than its stride
        assume(False)
    after = assert_lowered(model, CODE, inputs, rtol=1e-4, atol=1e-5)
    assert after.count(op) == 2


def test_dilated_windows() -> None:
    inputs = {"x": numbers(1, 2, 6, 7, 8)}
    model = one_node("MaxPool", inputs, {"kernel_shape": [2, 3, 2], "dilations": [2, 1, 3]}, opset=13)
    assert_lowered(model, CODE, inputs, rtol=0, atol=0)


@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 7), (1, 2, 4, 5), (1, 2, 3, 4, 5)])
def test_powers_of_whole_planes(power: int, shape: tuple[int, ...]) -> None:
    inputs = {"x": numbers(*shape)}
    assert_lowered(
        one_node("GlobalLpPool", inputs, {"p": power}, opset=13), CODE, inputs, gone="GlobalLpPool", rtol=1e-4
    )


def test_padding_that_is_not_there_is_not_counted() -> None:
    inputs = {"x": numbers(1, 2, 6, 5)}
    said = {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1}
    assert assert_lowered(one_node("AveragePool", inputs, said, opset=13), CODE, inputs) == ["AveragePool"]


def test_means_over_padded_cubes_are_found_although_they_build() -> None:
    inputs = {"x": numbers(1, 2, 5, 6, 7)}
    said = {"kernel_shape": [3, 3, 3], "pads": [1, 1, 1, 1, 1, 1]}
    after = assert_lowered(one_node("AveragePool", inputs, said, opset=13), CODE, inputs)
    assert after.count("AveragePool") == 2


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
def test_dilations_where_pools_have_none(op: str, pads: list[int]) -> None:
    inputs = {"x": numbers(1, 2, 8, 9)}
    said = {"kernel_shape": [2, 3], "dilations": [3, 2], "strides": [1, 2], "pads": pads}
    target = Target("rk3576", "2.3.2")
    model = one_node(op, inputs, said, opset=19)
    if op == "AveragePool" and any(pads):
        assert diagnostics(model, CODE, target=target) == ()
        return
    context = context_of(model, target=target)
    (found,) = check(context)
    edit = fix(context, found)
    assert isinstance(edit, Rewrite)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        held = Model.load(path)
        held.apply(edit)
        after = held.proto(weights=True)
    pairs: list[tuple[Array, Array]] = list(zip(run(model, inputs), run(after, inputs), strict=True))
    for was, now in pairs:
        np.testing.assert_allclose(now, was, rtol=1e-5, atol=1e-6)
    assert diagnostics(model, CODE) == ()


def test_windows_that_leave_elements_out_are_refused() -> None:
    inputs = {"x": numbers(1, 2, 3)}
    said = {"kernel_shape": [1], "strides": [3], "auto_pad": "SAME_UPPER"}
    assert "leave elements out" in refusal_of(one_node("LpPool", inputs, said, opset=13), CODE)


def test_indices_that_somebody_reads_are_refused() -> None:
    inputs = {"x": numbers(1, 2, 4, 4, 4)}
    model = one_node("MaxPool", inputs, {"kernel_shape": [2, 2, 2]}, opset=13, outputs=("y", "indices"))
    if diagnostics(model, CODE):
        assert "indices" in refusal_of(model, CODE)


def test_a_dynamic_shape_is_refused() -> None:
    text = "g (float[1, 2, N] x) => (float[1, 2, M] y) { y = LpPool<kernel_shape = [2]>(x) }"
    assert "--shape" in refusal_of(text, CODE)


def test_what_runs_is_left_alone() -> None:
    for op in ("MaxPool", "AveragePool"):
        assert diagnostics(one_node(op, {"x": numbers(1, 2, 6, 6)}, {"kernel_shape": [2, 2]}), CODE) == ()
