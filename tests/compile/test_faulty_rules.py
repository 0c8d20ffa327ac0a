"""Building around rules of the toolkit's optimiser that fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from rkgraph.compile.compiler import compile_model
from rkgraph.compile.faulty_rules import MOST, run_without_faulty_rules
from rkgraph.compile.plan import Plan, Verify
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Verdict
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import Job, JobResult
from rkgraph.toolkit.locate import find_toolkit

RULE = "fuse_multihead_attention_reshape_to_gather_split"


class Toolkit:
    """Fails on each of `faulty` until it is switched off, and then ends as `outcome`."""

    def __init__(self, *faulty: str, outcome: str = "ok") -> None:
        self.faulty, self.outcome, self.jobs = faulty, outcome, list[Job]()

    def __call__(self, job: Job) -> JobResult:
        self.jobs.append(job)
        off = job.config.get("disable_rules", [])
        rule = next((rule for rule in self.faulty if rule not in off), None)
        if rule is None:
            return JobResult(self.outcome, "build", log="")
        hint = (
            f"\x1b[1;33mW\x1b[0m You can add disable_rules=['{rule}'] in rknn.config() to temporarily disable the rule!"
        )
        return JobResult("build-failed", "build", log=f"{hint}\nValueError: assignment destination is read-only")


def run(toolkit: Toolkit, **config: object) -> tuple[JobResult, tuple[str, ...], list[str]]:
    told: list[str] = []
    done, off = run_without_faulty_rules(toolkit, Job(Path("m.onnx"), config=config), told.append)
    return done, off, told


def test_a_build_that_goes_well_runs_once() -> None:
    toolkit = Toolkit()
    assert run(toolkit)[1:] == ((), [])
    assert [job.config for job in toolkit.jobs] == [{}]


def test_each_rule_that_fails_is_switched_off_and_told() -> None:
    toolkit = Toolkit("a", "b")
    done, off, told = run(toolkit, disable_rules=("mine",), model_pruning=True)
    assert (done.outcome, off, len(told)) == ("ok", ("a", "b"), 2)
    assert toolkit.jobs[-1].config == {"disable_rules": ["mine", "a", "b"], "model_pruning": True}


def test_what_still_fails_is_handed_on() -> None:
    done, off, _ = run(Toolkit("a", outcome="build-failed"))
    assert (done.outcome, off) == ("build-failed", ("a",))


def test_a_rule_that_is_off_already_is_not_tried_again() -> None:
    stubborn = Toolkit("a")
    done, off = run_without_faulty_rules(lambda job: stubborn(Job(job.model)), Job(Path("m.onnx")), lambda _text: None)
    assert (done.outcome, off, len(stubborn.jobs)) == ("build-failed", ("a",), 2)


def test_there_is_an_end() -> None:
    toolkit = Toolkit(*(f"rule_{number}" for number in range(MOST + 5)))
    assert (run(toolkit)[0].outcome, len(toolkit.jobs)) == ("build-failed", MOST + 1)


def joint_projection() -> onnx.ModelProto:
    """Attention whose query, key and value come from one Gemm by a Split, as GPT-2 is written."""
    random = np.random.default_rng(0)
    constants = {
        "w": random.normal(size=(64, 192)).astype(np.float32) * 0.1,
        "b": random.normal(size=192).astype(np.float32) * 0.1,
        "flat": np.array([32, 64]),
        "wide": np.array([1, 32, 192]),
        "parts": np.array([64, 64, 64]),
        "heads": np.array([1, 32, 4, 16]),
        "joined": np.array([1, 32, 64]),
        "root": np.float32(4),
    }
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[1, 32, 64] x) => (float[1, 32, 64] y) {
        f = Reshape(x, flat) p = Gemm(f, w, b) j = Reshape(p, wide)
        q, k, v = Split<axis = 2>(j, parts)
        q4 = Reshape(q, heads) k4 = Reshape(k, heads) v4 = Reshape(v, heads)
        qt = Transpose<perm = [0, 2, 1, 3]>(q4) kt = Transpose<perm = [0, 2, 3, 1]>(k4)
        vt = Transpose<perm = [0, 2, 1, 3]>(v4)
        s = MatMul(qt, kt) d = Div(s, root) a = Softmax<axis = -1>(d) o = MatMul(a, vt)
        ot = Transpose<perm = [0, 2, 1, 3]>(o) oj = Reshape(ot, joined) y = Add(oj, x)
    }"""
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    for node in model.graph.node:
        node.name = f"node_{node.output[0]}"
    return helper.make_model(model.graph, opset_imports=model.opset_import, ir_version=8)


@pytest.mark.toolkit
def test_the_real_toolkit_builds_without_its_faulty_rule(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(joint_projection(), path)
    told: list[str] = []
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as chain:
        built = compile_model(Plan(path, Target(), verify=Verify()), tmp_path / "m.rknn", chain, tell=told.append)
    assert any(RULE in text for text in told)
    assert built.result.verdict is Verdict.DEPLOYABLE
    assert built.result.compile is not None
    assert built.result.compile["options"]["disable_rules"] == (RULE,)
    assert [d.message for d in built.result.diagnostics if RULE in d.message]
    assert built.verification is not None
    assert built.verification.passed
