from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.analysis.evaluator import EvaluationError, Evaluator, evaluate
from rkgraph.analysis.evaluator_child import evaluate_apart
from tests.rules.harness import parse
from tests.toolkit.conftest import eventually, processes_with

ADD = "g (float[2] x, float[2] y) => (float[2] z) { z = Add(x, y) }"
ROWS = "g (int64[1] i) => (float[1] y) <float[3] t = {1.0, 2.0, 3.0}> { y = Gather(t, i) }"
ONES = np.ones(2, np.float32)


def saved(text: str, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(parse(text).SerializeToString())
    return path


def test_feeds_to_outputs() -> None:
    assert evaluate(parse(ADD), {"x": ONES, "y": ONES, "unused": ONES})["z"].tolist() == [2.0, 2.0]


def test_a_model_is_loaded_once_for_many_runs() -> None:
    evaluator = Evaluator(parse(ROWS))
    assert [float(evaluator.run({"i": np.array([i])})["y"][0]) for i in range(3)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"x": ONES}, "missing"),
        ({"x": ONES, "y": np.ones(2)}, "data type"),
        ({"x": ONES, "y": np.ones(3, np.float32)}, "invalid dimensions"),
    ],
)
def test_feeds_that_do_not_fit_are_one_line(feeds: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        evaluate(parse(ADD), feeds)
    assert "\n" not in caught.value.message


def test_an_operator_that_fails_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="out of data bounds"):
        evaluate(parse(ROWS), {"i": np.array([3])})


@pytest.mark.parametrize(("opset", "ir"), [(28, 10), (17, 99)])
def test_a_model_newer_than_the_runtime_says_so(opset: int, ir: int) -> None:
    model = parse(ADD)
    model.opset_import[0].version = opset
    model.ir_version = ir
    with pytest.raises(EvaluationError, match=r"Opset|IR version") as caught:
        evaluate(model, {"x": ONES, "y": ONES})
    assert "pip install --upgrade onnxruntime" in caught.value.hint


def test_nothing_is_optimised_away() -> None:
    model = parse("g (float[2] x) => (float[2] y) { a = Identity(x) y = Identity(a) }")
    model.graph.output.append(onnx.helper.make_tensor_value_info("a", 1, [2]))
    assert set(Evaluator(model).run({"x": ONES})) == {"y", "a"}


def test_in_a_child_process_models_answer_by_case(tmp_path: Path) -> None:
    models = [saved(ADD, tmp_path, "a.onnx"), saved(ADD.replace("Add", "Sub"), tmp_path, "b.onnx")]
    added, subtracted = evaluate_apart(models, [{"x": ONES, "y": ONES}, {"x": ONES}])
    assert isinstance(added[0], dict)
    assert isinstance(subtracted[0], dict)
    assert added[0]["z"].tolist() == [2.0, 2.0]
    assert subtracted[0]["z"].tolist() == [0.0, 0.0]
    assert isinstance(added[1], EvaluationError)


def test_a_child_that_eats_the_memory_does_no_harm(tmp_path: Path) -> None:
    big = "g (int64[2] s) => (float[a, b] y) <float one = {1.0}> { y = Expand(one, s) }"
    model = saved(big, tmp_path, "big.onnx")
    try:
        ((answer,),) = evaluate_apart([model], [{"s": np.array([50_000, 50_000])}], memory_mb=1500)
    except EvaluationError as error:
        answer = error
    assert isinstance(answer, EvaluationError)


def test_a_child_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="longer than"):
        evaluate_apart([saved(ADD, tmp_path, "a.onnx")], [{}], seconds=0.01)


PARENT = """
import sys, tempfile
import subprocess
import sys
from pathlib import Path
tempfile.tempdir = sys.argv[1]
import numpy as np
from rkgraph.analysis.evaluator_child import evaluate_apart
evaluate_apart([Path(sys.argv[2])], [{"n": np.array(2**60)}])
"""


def test_a_parent_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """The child, in a loop without end, ends and removes the folder."""
    endless = """g (int64 n) => (float y) <bool true = {1}, float zero = {0.0}> {
        y = Loop (n, true, zero) <body = b (int64 i, bool c, float a) => (bool d, float e) {
            d = Identity(c) e = Identity(a) }> }"""
    model = saved(endless, tmp_path, "endless.onnx")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = [sys.executable, "-c", PARENT, str(temporary), str(model)]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[2]) as parent:
        assert eventually(lambda: bool(processes_with(f"{temporary}/rkgraph-")))
        parent.kill()
    assert eventually(lambda: not processes_with(str(temporary)) and not list(temporary.iterdir()))
