from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.analysis.progressions import Progression, progression
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model

SIZES = st.lists(st.integers(1, 40), min_size=0, max_size=3)


def saved(folder: Path, table: np.ndarray, *, node: bool = False) -> Path:
    """A model that gathers by `table`, an initializer or the tensor of a Constant node."""
    tensor = numpy_helper.from_array(table, "t")
    nodes = [helper.make_node("Constant", [], ["t"], value=tensor)] if node else []
    nodes.append(helper.make_node("Gather", ["x", "t"], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1 << 20])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, table.shape)
    graph = helper.make_graph(nodes, "g", [x], [y], [] if node else [tensor])
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def of(path: Path) -> Progression | None:
    """As lint and as fix see it, which is the same."""
    views = read_view(path), Model.load(path).view()
    found = [progression(view, view.main, "t") for view in views]
    assert found[0] == found[1]
    return found[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=40, deadline=None)
@given(SIZES, st.data())
def test_tables_are_read_whatever_their_size(folder: Path, shape: list[int], data: st.DataObject) -> None:
    steps = [data.draw(st.integers(-300, 300)) if size > 1 else 0 for size in shape]
    base, dtype = data.draw(st.integers(-5000, 5000)), data.draw(st.sampled_from(["int32", "int64"]))
    table = np.full(shape, base) + sum(
        np.reshape(np.arange(size) * step, [-1] + [1] * (len(shape) - axis - 1))
        for axis, (size, step) in enumerate(zip(shape, steps, strict=True))
    )
    path = saved(folder, np.asarray(table, dtype), node=data.draw(st.booleans()))
    expected = Progression(base, tuple(steps), tuple(shape))
    assert of(path) == expected
    assert expected.last == np.ravel(table)[-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(1, 200), st.data())
def test_one_other_number_anywhere_and_it_is_none(
    folder: Path, rows: int, columns: int, step: int, data: st.DataObject
) -> None:
    table = np.arange(rows)[:, None] * step + np.arange(columns)
    place = data.draw(st.integers(0, table.size - 1))
    if table.size > 3 and not (2 in table.shape and place in (0, 1, columns)):
        np.ravel(table)[place] += data.draw(st.sampled_from([-1, 1, 1000, 1 << 40]))
        assert of(saved(folder, table)) is None


@pytest.mark.parametrize(
    "table",
    [np.array([[0, 2**62], [1, 2**62 + 1]]), np.array([2**31 - 1, -1, 5], "int32"), np.zeros((2, 0), "int64")],
)
def test_numbers_that_are_no_places_are_none(folder: Path, table: np.ndarray) -> None:
    assert of(saved(folder, table)) is None


def test_external_weights_are_read_and_missing_ones_are_not(tmp_path: Path) -> None:
    table = np.arange(60)[:, None] * 7 + np.arange(50)
    path = saved(tmp_path, table)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    view = read_view(path)
    assert progression(view, view.main, "t") == Progression(0, (7, 1), (60, 50))
    (tmp_path / "w.bin").unlink()
    assert progression(view, view.main, "t") is None
