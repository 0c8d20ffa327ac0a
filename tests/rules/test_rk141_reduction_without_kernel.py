from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Rewrite
from rkgraph.rulebook.reductions import Reduction, middle_axes
from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of
from tests.rules.rewriting import fixed, run

CODE = "RK141"
LOST = ("ReduceL1", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare")
INTEGERS = ("ReduceL1", "ReduceProd", "ReduceSumSquare")

Array = npt.NDArray[Any]


def reduction(op: str, x: Array, axes: list[int] | None, opset: int, **said: int) -> Any:
    as_input = axes is not None and (opset >= 18 or (op == "ReduceSum" and opset >= 13))
    given_as = {"axes": axes} if axes is not None and not as_input else {}
    constants = {"a": np.array(axes, np.int64)} if as_input else {}
    return one_node(op, {"x": x}, {**said, **given_as}, opset=opset, constants=constants)


@settings(max_examples=30, deadline=None)
@given(
    op=st.sampled_from(LOST),
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=6),
    keepdims=st.sampled_from([0, 1]),
    opset=st.sampled_from([11, 13, 18]),
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_every_form_gives_the_same_numbers(
    *, op: str, shape: list[int], keepdims: int, opset: int, seed: int, data: st.DataObject
) -> None:
    rank = len(shape)
    named = st.lists(st.integers(0, rank - 1), min_size=1, max_size=rank, unique=True)
    axes = data.draw(st.none() | named)
    if axes is not None:
        axes = [axis - rank * data.draw(st.sampled_from([0, 1])) for axis in axes]
    x: Array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    x = np.abs(x) + np.float32(0.1) if op == "ReduceLogSum" else x
    assert_lowered(reduction(op, x, axes, opset, keepdims=keepdims), CODE, {"x": x}, gone=op, rtol=1e-4)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("op", INTEGERS)
def test_whole_numbers_are_exact(op: str, kind: type) -> None:
    x: Array = np.random.default_rng(0).integers(-9, 10, (2, 5, 3)).astype(kind)
    assert_lowered(reduction(op, x, [1], 18), CODE, {"x": x}, gone=op, rtol=0, atol=0)


@pytest.mark.parametrize(("op", "limit"), [("ReduceL1", 429496729), ("ReduceSumSquare", 20724), ("ReduceProd", 73)])
def test_whole_numbers_must_not_overflow(op: str, limit: int) -> None:
    (edit,) = fixed(reduction(op, np.zeros((2, 5, 3), np.int32), [1], 18), CODE)[1]
    assert isinstance(edit, Rewrite)
    assert {name: (between.low, between.high) for name, between in edit.assumes.items()} == {"x": (-limit, limit)}
    assert limit**5 < 2**31 or op != "ReduceProd"


@pytest.mark.parametrize("shape", [(2, 3, 4, 5, 6), (2, 3, 2, 2, 3, 2)])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_sum_over_the_last_of_many_axes_becomes_one_of_few(shape: tuple[int, ...], keepdims: int) -> None:
    x: Array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    model = reduction("ReduceSum", x, [-1], 13, keepdims=keepdims)
    assert assert_lowered(model, CODE, {"x": x}) == ["Reshape", "ReduceSum", "Reshape"]


def test_no_axes_that_mean_none_hand_on_the_input() -> None:
    x: Array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for op in ("ReduceSum", "ReduceMax"):
        model = reduction(op, x, None, 18, noop_with_empty_axes=1)
        assert set(assert_lowered(model, CODE, {"x": x}, gone=op)) <= {"Identity"}


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3, 6e4])
def test_log_sum_exp_does_not_overflow_in_half_precision(scale: float) -> None:
    """ONNX Runtime's own does from 11 on, so that it is held against double precision."""
    x = (np.random.default_rng(0).normal(size=(2, 40)) * scale).clip(-65504, 65504).astype(np.float16)
    after, _ = fixed(reduction("ReduceLogSumExp", x, [1], 18), CODE)
    most = x.astype(np.float64).max(axis=1, keepdims=True)
    right = np.log(np.exp(x.astype(np.float64) - most).sum(axis=1, keepdims=True)) + most
    found: Array = run(after, {"x": x})[0]
    np.testing.assert_allclose(found, right, rtol=2e-3, atol=1e-2)


def test_log_sum_exp_of_infinities() -> None:
    x = np.array([[-np.inf, -np.inf], [-np.inf, 1], [np.inf, 1]], np.float32)
    assert_lowered(reduction("ReduceLogSumExp", x, [1], 18), CODE, {"x": x})


def test_very_many_terms_stay_within_half_precision() -> None:
    x: Array = np.zeros((1, 70000), np.float32)
    operators = assert_lowered(reduction("ReduceLogSumExp", x, [1], 18), CODE, {"x": x}, rtol=1e-4)
    assert operators.count("Add") == 2


def test_a_product_that_is_too_long_is_refused() -> None:
    assert "too long" in refusal_of(reduction("ReduceProd", np.zeros((1, 65537), np.float32), [1], 18), CODE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g (float[N, 4] x) => (float[N] y) { y = ReduceProd<axes = [1], keepdims = 0>(x) }", "--shape"),
        ("g (int32[2, 4] x) => (int32[2, 1] y) { y = ReduceLogSum<axes = [1]>(x) }", "int32"),
    ],
)
def test_what_is_not_known_is_refused(text: str, said: str) -> None:
    assert said in refusal_of(text, CODE)


def test_computed_axes_are_refused() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]>
    g (float[2, 4] x, int64[1] a) => (float[P, Q] y) { y = ReduceL1(x, a) }"""
    assert "--freeze" in refusal_of(text, CODE)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax"])
def test_what_runs_is_left_alone(op: str) -> None:
    assert diagnostics(reduction(op, np.zeros((2, 3, 4), np.float32), [1], 13), CODE) == ()


def test_axes_that_are_neighbours_are_one() -> None:
    assert middle_axes((2, 3, 4, 5), (1, 2)) == [(2, 12, 5)]
    assert middle_axes((2, 3, 4, 5), (0, 2)) == [(1, 2, 60), (3, 4, 5)]
    assert Reduction((2, 3, 4, 5, 6), (0, 1, 4), keepdims=False).collapsed == Reduction(
        (6, 20, 6), (0, 2), keepdims=True
    )
