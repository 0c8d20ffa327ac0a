from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.rewriting import fixed, operators, run

CODE = "RK419"


def model(shape: tuple[int, ...], axis: int, table: np.ndarray, dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """A Gather of x along `axis` by a constant `table`."""
    out = [*shape[:axis], *table.shape, *shape[axis + 1 :]]
    x, y = (helper.make_tensor_value_info(name, dtype, sizes) for name, sizes in (("x", shape), ("y", out)))
    node = helper.make_node("Gather", ["x", "places"], ["y"], axis=axis)
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(table, "places")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def frames(count: int, length: int, step: int, begin: int = 0) -> np.ndarray:
    """The table of `count` frames."""
    return begin + np.arange(count)[:, None] * step + np.arange(length)


@settings(max_examples=15, deadline=None)
@given(
    before=st.lists(st.integers(1, 3), max_size=2),
    behind=st.lists(st.integers(1, 3), max_size=2),
    count=st.integers(2, 40),
    length=st.integers(2, 60),
    step=st.one_of(st.sampled_from([8, 16, 24, 64]), st.integers(2, 70)),
    begin=st.integers(0, 5),
    left=st.integers(0, 200),
    turned=st.booleans(),
)
def test_frames_of_blocks_are_the_same(  # noqa: PLR0917  # parameters of one example
    before: list[int], behind: list[int], count: int, length: int, step: int, begin: int, left: int, turned: bool
) -> None:
    table = frames(count, length, step, begin)
    samples = int(table[-1, -1]) + 1 + left
    shape = (*before, samples, *behind)
    proto = model(shape, len(before), table.T if turned else table)
    after, edits = fixed(proto, CODE)
    matrix = samples * table.size
    if matrix < 1 << 16 or step > length or (step * int(np.prod(behind)) % 8 and matrix < 1 << 22):
        assert edits == []
        return
    assert "Gather" not in operators(after)
    feeds = {"x": np.random.default_rng(0).normal(size=shape).astype("f")}
    np.testing.assert_array_equal(run(after, feeds)[0], run(proto, feeds)[0])


def _moved(place: tuple[int, int], by: int) -> np.ndarray:
    table = frames(40, 64, 32)
    table[place] += by
    return table


@pytest.mark.parametrize(
    "table",
    [
        _moved((20, 30), 1),
        _moved((39, 63), -1),
        frames(40, 64, 32, begin=-2),  # counts from the back
        frames(40, 64, 32) - 4000,
        frames(20, 64, 32)[:, ::-1],
        frames(20, 64, 32)[::-1],
        frames(20, 64, 32) * 2,
        np.zeros((40, 64), int) + np.arange(64),
        frames(40, 64, 1),  # 64 blocks
        frames(15, 64, 30),  # blocks that are put together on the CPU
        frames(40, 64, 72),  # gaps
        np.arange(4000),
        frames(40, 64, 32)[None],
    ],
    ids=range(13),
)
def test_other_tables_are_left_alone(table: np.ndarray) -> None:
    assert fixed(model((1, 4000), 1, table), CODE)[1] == []


def test_whole_numbers_and_small_tables_are_left_alone() -> None:
    assert fixed(model((1, 4000), 1, frames(40, 64, 32), TensorProto.INT64), CODE)[1] == []
    assert fixed(model((1, 64), 1, frames(5, 16, 8)), CODE)[1] == []


@pytest.mark.toolkit
def test_the_compiler_moves_and_keeps_much_less(tmp_path: Path) -> None:
    proto = model((2048,), 0, frames(31, 128, 64))
    after, _ = fixed(proto, CODE)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        sizes = []
        for number, each in enumerate((proto, after)):
            path = tmp_path / f"{number}.onnx"
            onnx.save(each if isinstance(each, onnx.ModelProto) else onnx.parser.parse_model(each), path)
            done = worker.run(Job(path, export=path.with_suffix(".rknn")))
            assert done.ok, done.error
            sizes.append(path.with_suffix(".rknn").stat().st_size)
    assert sizes[1] < sizes[0] / 20
