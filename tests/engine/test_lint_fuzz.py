"""No bytes make lint fail otherwise than by ModelError, and what is read gives a report that keeps the schema."""

from __future__ import annotations

import random
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.engine.lint import lint_view
from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.report.document import report_to_json
from rkgraph.results import Report
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import resolve_target
from tests.builders import external_model, saved
from tests.fuzz_models import sound_models
from tests.mutations import damaged, mutated, scrambled

SEEDS = 1500
FOLDER_IS_SHARED = [HealthCheck.function_scoped_fixture]  # every example writes its own whole file


def survives(path: Path) -> bool:
    """Whether the model was read; whatever else happens than ModelError is raised. Both ways to read it agree."""
    try:
        view = read_view(path)
    except ModelError:
        with pytest.raises(ModelError):
            Model.load(path).view()
        return False
    result = lint_view(view, resolve_target("rk3588", "2.3.2", "fp16"), load_ruleset("rknn-2.3.2"))
    assert report_to_json(Report((result,)))
    assert Model.load(path).view().sha256 == view.sha256
    return True


def test_damaged_models(tmp_path: Path) -> None:
    models = sound_models()
    path = tmp_path / "model.onnx"
    read = 0
    for seed in range(SEEDS):
        path.write_bytes(damaged(models[seed % len(models)], seed))
        read += survives(path)
    assert SEEDS / 5 < read < SEEDS * 4 / 5  # faults are neither so coarse nor so fine that nothing is tested


def test_damaged_references_to_weights(tmp_path: Path) -> None:
    sound = onnx.load(external_model(tmp_path, 8), load_external_data=False)
    read = 0
    for seed in range(300):
        chance = random.Random(seed)  # noqa: S311  # repeatable is what is wanted
        damage = mutated(sound, chance, 2)
        for tensor in damage.graph.initializer:
            for entry in tensor.external_data:
                if chance.random() < 0.2:
                    entry.value = chance.choice(("", "-1", "x", "99999999999999999999", "..", "/", "a\0b", ".", "1"))
        read += survives(saved(damage, tmp_path))
    assert 30 < read < 270


@settings(max_examples=100, deadline=None, suppress_health_check=FOLDER_IS_SHARED, derandomize=True)
@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    survives(path)


@settings(max_examples=100, deadline=None, suppress_health_check=FOLDER_IS_SHARED, derandomize=True)
@given(seed=st.integers(0, 2**32), which=st.integers(0, 10**6))
def test_scrambled_bytes(seed: int, which: int, tmp_path: Path) -> None:
    models = sound_models()
    path = tmp_path / "model.onnx"
    path.write_bytes(scrambled(models[which % len(models)].SerializeToString(), random.Random(seed)))  # noqa: S311
    survives(path)


@pytest.mark.parametrize("op", ["Not", "Identity", "Relu"])
def test_chains_deeper_than_the_stack(op: str, tmp_path: Path) -> None:
    """5000 operators in a row before a mask: nothing recurses along a graph."""
    nodes = [helper.make_node(op, [f"v{i}"], [f"v{i + 1}"]) for i in range(5000)]
    nodes += [
        helper.make_node("Cast", ["v5000"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["mask", "low"], ["bias"]),
        helper.make_node("Add", ["scores", "bias"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["y"]),
    ]
    given_ = TensorProto.FLOAT if op == "Relu" else TensorProto.BOOL
    inputs = [
        helper.make_tensor_value_info("v0", given_, [1, 1, 8, 8]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1, 8, 8]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 8, 8])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [helper.make_tensor("low", TensorProto.FLOAT, [], [-1e4])])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    assert survives(saved(model, tmp_path))


def test_the_fuzzer_repeats_itself() -> None:
    model = sound_models()[0]
    assert [damaged(model, seed) for seed in range(20)] == [damaged(model, seed) for seed in range(20)]
    assert len({damaged(model, seed) for seed in range(20)}) > 10
