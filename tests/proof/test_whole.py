from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT, Rewrite, Tape
from rkgraph.proof.whole import WholeClaim, prove_model
from rkgraph.results import Proof
from tests.rules.harness import parse

TEXT = "g (float[1, 8] x) => (float[1, 8] y) { a = Relu(x) y = Neg(a) }"


def proof_of(folder: Path, text: str, op: str | None, **more: object) -> Proof:
    """The whole-model proof of a model whose first node is replaced by one of `op`."""
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    model = Model.load(path)
    if op:
        node = model.view().main.nodes[0]
        tape = Tape("made")
        model.apply(Rewrite({node.outputs[0]: tape.op(op, *node.inputs)}, tape, EXACT))
    return prove_model(WholeClaim(path, model, **more), "p1", folder)  # type: ignore[arg-type]


def test_an_equal_model_is_proved(tmp_path: Path) -> None:
    found = proof_of(tmp_path, TEXT, "Relu")
    assert (found.outcome, found.cases, found.largest_error) == ("proved", 3, 0.0)


def test_another_model_is_refuted(tmp_path: Path) -> None:
    found = proof_of(tmp_path, TEXT, "Abs")
    assert found.outcome == "refuted"
    with np.load(str(found.counterexample)) as saved:
        assert (saved["x"] < 0).any()


@pytest.mark.parametrize(("x", "outcome"), [(1.0, "proved"), (-1.0, "refuted")])
def test_real_inputs_are_used_where_there_are_some(tmp_path: Path, x: float, outcome: str) -> None:
    found = proof_of(tmp_path, TEXT, "Abs", real=({"x": np.full((1, 8), x, np.float32)},))
    assert (found.outcome, found.cases) == (outcome, 1)
    assert "given inputs" in found.method


def test_a_model_that_is_random_cannot_be_compared(tmp_path: Path) -> None:
    text = """g (float[1, 8] x) => (float[1, 8] y) <float r = {0.5}, bool on = {1}> { y = Dropout(x, r, on) }"""
    found = proof_of(tmp_path, text, None)
    assert found.outcome == "skipped"
    assert "random" in found.detail


def test_a_dynamic_model_without_inputs_is_skipped(tmp_path: Path) -> None:
    found = proof_of(tmp_path, TEXT.replace("1, 8", "n, 8"), None)
    assert (found.outcome, "dynamic" in found.detail) == ("skipped", True)


def test_an_output_of_another_size_than_its_new_shape_is_refuted(tmp_path: Path) -> None:
    text = "g (float[6] x) => (float[6] y) { y = Relu(x) }"
    assert proof_of(tmp_path, text, None, shapes={"y": (6,)}).outcome == "proved"
    refuted = proof_of(tmp_path, text, None, shapes={"y": (1, 6, 1, 1)})
    assert refuted.outcome == "refuted"
