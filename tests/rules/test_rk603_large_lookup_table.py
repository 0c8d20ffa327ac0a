"""RK603: large tables of which few rows are read; the rows come from the host, and the table is there as a raw file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rkgraph.compile.fixed_bundle import write_fixed
from rkgraph.compile.manifest import Bundle
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings
from rkgraph.errors import UsageError
from rkgraph.rules import rk603_large_lookup_table as rk603
from rkgraph.runtime.pipeline import Pipeline
from rkgraph.targets import Target
from tests.engine.fixing import fix_text
from tests.rules.harness import context_of
from tests.rules.rewriting import run

ROWS, WIDTH = 20_000, 64
RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(ROWS, WIDTH)).astype(np.float32)
IDS = np.array([[5, 0, 19_999, 7]])


def encoder(rows: int = ROWS, tokens: int = 4, tied: bool = False) -> onnx.ModelProto:
    """Rows of a table, multiplied; `tied`: with the table itself again, as a head."""
    constants = {"table": TABLE[:rows], "w": TABLE[:WIDTH]}
    nodes = [helper.make_node("Gather", ["table", "ids"], ["rows"])]
    nodes.append(helper.make_node("MatMul", ["rows", "w"], ["h" if tied else "y"]))
    if tied:
        nodes += [helper.make_node("Transpose", ["table"], ["t"]), helper.make_node("MatMul", ["h", "t"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, tokens])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, tokens, rows if tied else WIDTH])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def split(model: onnx.ModelProto, folder: Path, *, whole: bool = False) -> FixOutcome:
    allowed = frozenset({Safety.SPLIT})
    return fix_text(model, folder, "RK60", allow=allowed, settings=FixSettings(whole=whole))


@pytest.mark.parametrize(
    ("rows", "tokens", "found"), [(ROWS, 4, 1), (16_384, 4, 1), (16_383, 4, 0), (ROWS, 5_000, 0), (ROWS, 2_000, 1)]
)
def test_tables_are_large_and_rows_few(rows: int, tokens: int, found: int) -> None:
    assert len(list(rk603.check(context_of(encoder(rows, tokens))))) == found


def test_the_host_looks_up(tmp_path: Path) -> None:
    outcome = split(encoder(), tmp_path)
    assert [(stage.name, len(stage.nodes)) for stage in outcome.stages] == [("1-host", 1), ("2-npu", 1)]
    folder = tmp_path / "model.rk"
    write_fixed(outcome, folder, Target())
    with Pipeline(folder, "cpu") as pipeline:
        np.testing.assert_array_equal(pipeline({"ids": IDS})["y"], run(encoder(), {"ids": IDS})[0])


def test_the_table_is_there_as_a_raw_file(tmp_path: Path) -> None:
    folder = tmp_path / "model.rk"
    write_fixed(split(encoder(tied=True), tmp_path), folder, Target())
    bundle = Bundle.read(folder)
    assert [stage.name for stage in bundle.stages] == ["1-host", "2-npu", "3-host"]
    (weight,) = bundle.weights
    assert (weight.name, weight.dtype, weight.shape) == ("table", "float32", (ROWS, WIDTH))
    raw = np.memmap(folder / weight.file, weight.dtype, "r", shape=weight.shape)
    np.testing.assert_array_equal(raw, TABLE)
    assert (folder / "2-npu.onnx").stat().st_size < 40_000
    for stage in ("1-host.onnx", "3-host.onnx"):  # they read the raw file, too
        assert (folder / stage).stat().st_size < 2_000
    with Pipeline(folder, "cpu") as pipeline:
        np.testing.assert_array_equal(pipeline({"ids": IDS})["y"], run(encoder(tied=True), {"ids": IDS})[0])


def test_a_raw_file_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model.rk"
    write_fixed(split(encoder(), tmp_path), folder, Target())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["weights"][0]["shape"] = [ROWS, WIDTH + 1]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="bytes"):
        Bundle.read(folder)


def test_one_model_is_left_whole(tmp_path: Path) -> None:
    assert split(encoder(), tmp_path, whole=True).stages == ()
