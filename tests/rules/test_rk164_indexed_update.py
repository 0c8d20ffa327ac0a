from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Rewrite
from rkgraph.rulebook.rule import Finding
from rkgraph.rules.rk164_indexed_update import fix
from tests.rules.harness import context_of, diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of
from tests.rules.rewriting import fixed, operators, run

CODE = "RK164"
REDUCTIONS = ("none", "add", "mul", "max", "min")


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def elements(
    shape: tuple[int, ...], extent: tuple[int, ...], axis: int, reduction: str, *, constant: bool, seed: int = 0
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    size = shape[axis]
    indices = np.random.default_rng(seed).integers(-size, size, extent)
    feeds = {"x": numbers(*shape), "updates": numbers(*extent, seed=1)}
    held = {"indices": indices} if constant else {}
    given_now = feeds if constant else {**feeds, "indices": indices}
    how = {"axis": axis, "reduction": reduction}
    order = ["x", "indices", "updates"]
    return one_node("ScatterElements", given_now, how, opset=18, constants=held, order=order), given_now


def tuples(
    shape: tuple[int, ...], many: tuple[int, ...], width: int, reduction: str, *, constant: bool
) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    indices = np.stack([random.integers(-size, size, many) for size in shape[:width]], axis=-1)
    feeds = {"x": numbers(*shape), "updates": numbers(*many, *shape[width:], seed=1)}
    held = {"indices": indices} if constant else {}
    given_now = feeds if constant else {**feeds, "indices": indices}
    order = ["x", "indices", "updates"]
    return one_node("ScatterND", given_now, {"reduction": reduction}, opset=18, constants=held, order=order), given_now


def rewritten(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> list[str]:
    """The operators that the fix writes for the only node, whatever the op table says of it; results are the same."""
    import tempfile
    from pathlib import Path

    from rkgraph.graph.model import Model

    context = context_of(model)
    edit = fix(context, Finding("", node=context.model.main.nodes[0]))
    assert isinstance(edit, Rewrite), edit
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        held = Model.load(path)
        held.apply(edit)
        after = held.proto(weights=True)
    (was,), (now,) = run(model, feeds), run(after, feeds)
    np.testing.assert_allclose(np.asarray(now, np.float32), np.asarray(was, np.float32), rtol=1e-5, atol=1e-6)
    return operators(after)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(REDUCTIONS),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(-4, 3),
    st.booleans(),
)
def test_elements(reduction: str, sizes: list[tuple[int, int]], axis: int, constant: bool) -> None:
    shape = tuple(max(size) for size in sizes)
    axis = axis % len(sizes)
    model, feeds = elements(shape, tuple(min(size) for size in sizes), axis, reduction, constant=constant)
    assert_lowered(model, CODE, feeds, gone="ScatterElements", rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("shape", "many", "width"), [((4, 3, 2), (3,), 1), ((4, 3, 2), (2, 2), 2), ((5,), (3,), 1), ((2, 3, 2), (4,), 3)]
)
def test_tuples(shape: tuple[int, ...], many: tuple[int, ...], width: int, reduction: str, constant: bool) -> None:
    rewritten(*tuples(shape, many, width, reduction, constant=constant))


def test_whole_slices_are_put_together() -> None:
    x, updates = numbers(2, 6, 3), numbers(2, 2, 3, seed=1)
    indices = np.broadcast_to(np.array([2, 3]).reshape(1, 2, 1), updates.shape)
    feeds = {"x": x, "updates": updates}
    order = ["x", "indices", "updates"]
    model = one_node("ScatterElements", feeds, {"axis": 1}, constants={"indices": indices}, order=order)
    assert rewritten(model, feeds) == ["Reshape", "Slice", "Slice", "Concat"]


def test_an_assignment_to_a_column_is_one_concatenation() -> None:
    x, updates = numbers(3, 4), numbers(3, seed=1)
    indices = np.stack([np.arange(3), np.full(3, 1)], axis=-1)
    feeds = {"x": x, "updates": updates}
    model = one_node("ScatterND", feeds, constants={"indices": indices}, order=["x", "indices", "updates"])
    assert rewritten(model, feeds) == ["Reshape", "Slice", "Slice", "Concat"]


def test_the_last_of_several_updates_wins() -> None:
    feeds = {"x": numbers(1, 5), "updates": numbers(1, 3, seed=1), "indices": np.array([[1, -4, 1]])}
    model = one_node("ScatterElements", feeds, {"axis": 1}, order=["x", "indices", "updates"])
    assert assert_lowered(model, CODE, feeds, rtol=0, atol=0).count("Where") == 3


@pytest.mark.parametrize("op", ["Scatter"])
def test_the_old_name(op: str) -> None:
    feeds = {"x": numbers(3, 3), "updates": numbers(2, 3, seed=1), "indices": np.array([[1, 0, 2], [0, 2, 1]])}
    model = one_node(op, feeds, opset=10, order=["x", "indices", "updates"])
    assert_lowered(model, CODE, feeds, gone=op, rtol=0, atol=0)


def test_too_many_updates_and_other_dtypes_are_refused() -> None:
    model, _ = elements((100,), (65,), 0, "none", constant=False)
    assert "one after the other" in refusal_of(model, CODE)
    feeds = {"x": np.zeros(3, np.int16), "updates": np.zeros(2, np.int16), "indices": np.array([0, 1])}
    model = one_node("ScatterElements", feeds, order=["x", "indices", "updates"])
    assert "int16" in refusal_of(model, CODE)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize(
    ("dtype", "reduction"), [("bool", "none"), *((dtype, one) for dtype in ("int32", "int64") for one in REDUCTIONS)]
)
def test_whole_numbers(dtype: str, reduction: str, *, constant: bool) -> None:
    """Bit for bit, those that no float holds among them; two updates meet in one place where they are put together."""
    random = np.random.default_rng(1)
    x, updates = (random.integers(-(2**30), 2**30, (4, size)).astype(dtype) for size in (5, 3))
    indices = np.array([[0, -1, 0], [2, 2, 1], [3, 4, 3], [1, -5, 4]])
    fed, held = ({}, {"indices": indices}) if constant else ({"indices": indices}, {})
    feeds = {"x": x, "updates": updates, **fed}
    how = {"axis": 1, "reduction": reduction}
    model = one_node("ScatterElements", feeds, how, opset=18, constants=held, order=["x", "indices", "updates"])
    assert_lowered(model, CODE, feeds, gone="ScatterElements", rtol=0, atol=0)


@pytest.mark.parametrize(
    ("shape", "width", "found"), [((4,), 1, 1), ((4, 3, 2), 3, 1), ((1, 2, 3, 4, 2), 2, 1), ((4, 3, 2), 1, 0)]
)
def test_constant_tuples_are_found_where_they_fail(shape: tuple[int, ...], width: int, found: int) -> None:
    model, _ = tuples(shape, (2,), width, "none", constant=True)
    assert len(diagnostics(model, CODE)) == found


def test_a_model_of_an_opset_without_mod_is_brought_to_one_that_has_it() -> None:
    text = """<ir_version: 4, opset_import: ["" : 9]> g (float[4] x, int64[2] i, float[2] u) => (float[4] y)
        { y = Scatter(x, i, u) }"""
    after, _ = fixed(text, CODE)
    assert after.opset_import[0].version == 10
    assert "Mod" in operators(after)
    feeds = {"x": numbers(4), "i": np.array([3, -4]), "u": numbers(2)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_of_what_is_updated_as_a_whole_nothing_is_selected() -> None:
    feeds = {"x": numbers(2, 3), "updates": numbers(2, 3, seed=1)}
    held = {"indices": np.array([[2, 0, 1], [0, 2, 1]])}
    model = one_node("ScatterElements", feeds, {"axis": 1}, constants=held, order=["x", "indices", "updates"])
    assert "Where" not in assert_lowered(model, CODE, feeds, rtol=0, atol=0)
