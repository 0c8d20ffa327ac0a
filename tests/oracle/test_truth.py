"""The compiler's answer: what is built, what is kept, and what an answer means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.compile.cache import CompileCache
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Verdict
from rkgraph.errors import UsageError
from rkgraph.oracle.truth import Pins, find_truth
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import Outcome
from tests.builders import dynamic_model, external_model, saved, text_model
from tests.compile.conftest import recorded_model, replaying, without_toolkit
from tests.oracle.chains import answering

RELU = "g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"
TARGET = Target()


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ("conv_rk3588_2.3.2", Verdict.DEPLOYABLE),
        ("no_lowering_2.3.2", Verdict.NO_BOARD_KERNEL),
        ("dynamic_shape_2.3.2", Verdict.BUILD_FAILS),
        ("not_constant_2.3.2", Verdict.BUILD_FAILS),
        ("crash_2.3.2", Verdict.BUILD_FAILS),
        ("no_dtype_2.3.2", Verdict.BUILD_FAILS),
    ],
)
def test_recorded_builds_are_answered_once_and_remembered(session: str, verdict: Verdict, tmp_path: Path) -> None:
    model = recorded_model(session, tmp_path)
    cache = CompileCache(tmp_path / "truths")
    with replaying(session) as chain:
        first = find_truth(model, TARGET, chain, cache=cache)
    assert (first.verdict, first.from_cache) == (verdict, False)
    again = find_truth(model, TARGET, Toolchain(without_toolkit), cache=cache)
    assert again.from_cache
    assert (again.outcome, again.error, again.log) == (first.outcome, first.error, first.log)
    assert again.facts == first.facts


@pytest.mark.parametrize("outcome", ["timed-out", "out-of-memory"])
def test_an_answer_of_the_machine_is_none_and_is_not_kept(outcome: Outcome, tmp_path: Path) -> None:
    model, cache = saved(text_model(RELU), tmp_path), CompileCache(tmp_path / "truths")
    for _ in range(2):
        made, chain = answering(outcome=outcome, stage="build")
        assert find_truth(model, TARGET, chain, cache=cache).verdict is Verdict.UNKNOWN
        assert len(made.jobs) == 1


def test_other_targets_and_pins_are_other_questions(tmp_path: Path) -> None:
    path, cache = saved(dynamic_model(), tmp_path), CompileCache(tmp_path / "truths")
    made, chain = answering(outcome="ok")
    pins = [Pins(dims={"batch": 1}), Pins()]
    for target in (TARGET, Target("rk3576")):
        for pin in pins:
            find_truth(path, target, chain, pins=pin, cache=cache)
    assert len(made.jobs) == 4
    find_truth(path, TARGET, chain, pins=pins[0], cache=cache)
    assert len(made.jobs) == 4


def test_what_is_built_is_the_users_own_file_unless_inputs_are_pinned(tmp_path: Path) -> None:
    path = saved(text_model("g (float[N,4] x) => (float[N,4] y) { y = Relu(x) }"), tmp_path)
    made, chain = answering(outcome="ok")
    find_truth(path, TARGET, chain)
    assert made.jobs[0].model == path
    find_truth(path, TARGET, chain, pins=Pins(dims={"N": 3}))
    assert made.jobs[1].model != path
    assert not made.jobs[1].model.exists()
    assert [d.dim_value for d in made.models[1].graph.input[0].type.tensor_type.shape.dim] == [3, 4]


def test_external_weights_are_built_with_in_place_and_pinned(tmp_path: Path) -> None:
    path = external_model(tmp_path)
    made, chain = answering(outcome="ok")
    shape = tuple(d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim)
    find_truth(path, TARGET, chain)
    find_truth(path, TARGET, chain, pins=Pins(shapes={onnx.load(path).graph.input[0].name: shape}))
    assert made.jobs[0].model == path
    direct, pinned = ({t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer} for model in made.models)
    assert direct.keys() == pinned.keys()
    assert all(np.array_equal(direct[name], pinned[name]) for name in direct)


def test_pins_that_do_not_fit_are_said_before_anything_is_built(tmp_path: Path) -> None:
    made, chain = answering(outcome="ok")
    with pytest.raises(UsageError, match="no input"):
        find_truth(saved(text_model(RELU), tmp_path), TARGET, chain, pins=Pins(shapes={"z": (1, 4)}))
    assert not made.jobs


def test_a_precision_that_quantizes_gets_samples(tmp_path: Path) -> None:
    made, chain = answering(outcome="ok")
    model = saved(text_model(RELU), tmp_path)
    find_truth(model, Target("rk3588", "2.3.2", "w8a8"), chain)
    assert made.jobs[0].build["do_quantization"] is True
    assert made.jobs[0].config == {"quantized_dtype": "w8a8"}
    assert "dataset" in made.jobs[0].build
    find_truth(model, TARGET, chain)
    assert made.jobs[1].build == {"do_quantization": False}


def test_private_folders_and_addresses_are_left_out(tmp_path: Path) -> None:
    log = "E load: /tmp/rkgraph-abcd1234/job-3/cwd/model.onnx <x object at 0x7f12ab34cd56> limit: 0x1fff\n"
    _, chain = answering(outcome="load-failed", log=log, error=log[2:].strip())
    truth = find_truth(saved(text_model(RELU), tmp_path), TARGET, chain)
    assert truth.error == "load: …/cwd/model.onnx <x object at 0x…> limit: 0x1fff"
    assert "rkgraph-" not in truth.log
