"""Compiling on recorded sessions: what is written, what is kept, and what a failure says and leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.bundles import compile_bundle, compile_to_bundle
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.compiler import compile_model
from rkgraph.compile.diagnosis import CompileFailed
from rkgraph.compile.manifest import MANIFEST, Bundle, BundleStage
from rkgraph.compile.plan import Plan, Verify
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Severity, Verdict
from rkgraph.errors import ToolkitMissing, UsageError
from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit
from tests.compile.conftest import recorded_model, replaying, without_toolkit

CONV = "conv_rk3588_2.3.2"


def test_a_build_is_written_kept_and_told(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    cache = CompileCache(tmp_path / "cache")
    plan = Plan(model, Target())
    told: list[str] = []
    with replaying(CONV) as chain:
        built = compile_model(plan, tmp_path / "m.rknn", chain, cache=cache, tell=told.append)
    assert (tmp_path / "m.rknn").read_bytes()[:4] == b"RKNN"
    assert not built.from_cache
    assert "build" in told
    assert built.result.verdict is Verdict.DEPLOYABLE
    record = built.result.compile
    assert record is not None
    (stage,) = record["stages"]
    assert stage["size_bytes"] == (tmp_path / "m.rknn").stat().st_size
    assert stage["agreement"]["unmapped"] == 0
    assert built.result.cost["layers"] == len(stage["layers"])
    report = Report((built.result,), tool={"name": "rkgraph", "version": "1"})
    assert report_from_json(report_to_json(report)) == report
    with Toolchain(without_toolkit) as chain:
        again = compile_model(plan, tmp_path / "again.rknn", chain, cache=cache)
    assert again.from_cache
    assert (tmp_path / "again.rknn").read_bytes() == (tmp_path / "m.rknn").read_bytes()
    assert not (tmp_path / "again.rknn").is_symlink()
    stages = ({**stage, "file": "again.rknn"},)
    assert again.result == replace(built.result, compile={**record, "stages": stages})


def test_the_cache_sees_weights_target_and_options(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    cache = CompileCache(tmp_path / "cache")
    plan = Plan(model, Target())
    with replaying(CONV) as chain:
        compile_model(plan, tmp_path / "m.rknn", chain, cache=cache)
    data = bytearray(model.read_bytes())
    at = data.index(np.float32(1.5).tobytes())
    data[at : at + 4] = np.float32(1.25).tobytes()
    (tmp_path / "other.onnx").write_bytes(data)
    options = replace(plan.config, optimization_level=2)
    for changed in (
        replace(plan, model=tmp_path / "other.onnx"),
        replace(plan, target=Target("rk3576")),
        replace(plan, config=options),
    ):
        with Toolchain(without_toolkit) as chain, pytest.raises(AssertionError, match="asked for"):
            compile_model(changed, tmp_path / "n.rknn", chain, cache=cache)
    assert not (tmp_path / "n.rknn").exists()


def test_verification_judges_and_is_kept(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    cache = CompileCache(tmp_path / "cache")
    np.savez(tmp_path / "x.npz", x=np.ones((1, 3, 8, 6), np.float32))
    plan = Plan(model, Target(), verify=Verify(0.999, tmp_path / "x.npz"))
    with replaying(CONV) as chain:
        built = compile_model(plan, tmp_path / "m.rknn", chain, cache=cache)
    assert built.verification is not None
    assert built.result.proofs == (built.verification.proof,)
    with Toolchain(without_toolkit) as chain:
        again = compile_model(plan, tmp_path / "m.rknn", chain, cache=cache)
    assert again.verification == built.verification
    np.savez(tmp_path / "x.npz", x=np.zeros((1, 3, 8, 6), np.float32))
    with Toolchain(without_toolkit) as chain, pytest.raises(AssertionError, match="asked for"):
        compile_model(plan, tmp_path / "m.rknn", chain, cache=cache)


def test_a_node_without_kernel_builds_and_is_an_error(tmp_path: Path) -> None:
    session = "no_lowering_2.3.2"
    with replaying(session) as chain:
        built = compile_model(Plan(recorded_model(session, tmp_path), Target()), tmp_path / "m.rknn", chain)
    assert built.result.verdict is Verdict.NO_BOARD_KERNEL
    errors = [each for each in built.result.diagnostics if each.code >= "RK9" and each.severity is Severity.ERROR]
    assert [each.at.op for each in errors] == ["Trilu"]


FAILURES = {
    "opset_20_2.3.2": ("refuses the model", "opset"),
    "dynamic_shape_2.3.2": ("refuses the model", "input shape"),
    "not_constant_2.3.2": ("cannot build", "need to be constant"),
    "crash_2.3.2": ("died", "SIGFPE"),
}


@pytest.mark.parametrize("session", FAILURES)
def test_a_failure_says_what_and_leaves_nothing(tmp_path: Path, session: str) -> None:
    model = recorded_model(session, tmp_path)
    before = sorted(tmp_path.iterdir())
    cache = CompileCache(tmp_path / "cache")
    with replaying(session) as chain, pytest.raises(CompileFailed) as failed:
        compile_model(Plan(model, Target()), tmp_path / "m.rknn", chain, cache=cache)
    for said in FAILURES[session]:
        assert said in failed.value.message
    assert "\n" not in failed.value.message
    assert failed.value.hint
    assert failed.value.log
    assert failed.value.result.verdict is Verdict.BUILD_FAILS
    assert failed.value.result.compile is not None
    report_to_json(Report((failed.value.result,)))
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_work_is_refused_before_the_toolkit_is_asked_for(tmp_path: Path, relu: Path) -> None:
    dynamic = recorded_model("dynamic_shape_2.3.2", tmp_path)
    np.savez(tmp_path / "y.npz", y=np.zeros((1, 4), np.float32))
    cases = [
        (Plan(dynamic, Target(), verify=Verify()), tmp_path / "m.rknn", "not fixed"),
        (Plan(relu, Target(), verify=Verify(inputs=tmp_path / "y.npz")), tmp_path / "m.rknn", "y is not an input"),
        (Plan(relu, Target(precision="w8a8")), tmp_path / "m.rknn", "needs calibration"),
        (Plan(relu, Target(precision="w8a8"), calibration=tmp_path / "y.npz"), tmp_path / "m.rknn", "not an input"),
        (Plan(relu, Target()), tmp_path / "absent" / "m.rknn", "cannot be written"),
        (Plan(relu, Target()), tmp_path, "is a folder"),
        (Plan(tmp_path / "absent.onnx", Target()), tmp_path / "m.rknn", "absent.onnx"),
    ]
    for plan, output, said in cases:
        with Toolchain(without_toolkit) as chain, pytest.raises(UsageError, match=said):
            compile_model(plan, output, chain)
    for threshold in (0.0, 1.1, -1.0):
        with pytest.raises(UsageError, match="no cosine"):
            Verify(threshold)


def test_a_toolkit_that_is_not_installed(tmp_path: Path, relu: Path) -> None:
    with Toolchain(lambda: find_toolkit("2.3.2", None, tmp_path)) as chain, pytest.raises(ToolkitMissing) as missing:
        compile_model(Plan(relu, Target()), tmp_path / "m.rknn", chain)
    assert "rkgraph toolkit install 2.3.2" in missing.value.hint
    assert not (tmp_path / "m.rknn").exists()


def test_a_model_becomes_a_bundle_and_a_bundle_is_compiled_again(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    plan = Plan(model, Target())
    with replaying(CONV) as chain:
        first = compile_to_bundle(plan, tmp_path / "a.rk", chain)
        assert sorted(p.name for p in (tmp_path / "a.rk").iterdir()) == [MANIFEST, "model.onnx", "model.rknn"]
        assert Bundle.read(tmp_path / "a.rk") == first.bundle
        (tmp_path / "a.rk" / "model.rknn").write_bytes(b"old")
        compile_bundle(first.bundle, tmp_path / "a.rk", plan, chain)
        assert (tmp_path / "a.rk" / "model.rknn").read_bytes()[:4] == b"RKNN"
        other = compile_bundle(first.bundle, tmp_path / "b.rk", plan, chain)
        assert sorted(p.name for p in (tmp_path / "b.rk").iterdir()) == [MANIFEST, "model.onnx", "model.rknn"]
        assert other.bundle.folder == tmp_path / "b.rk"
        compile_to_bundle(plan, tmp_path / "b.rk", chain)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.rk", "b.rk", "model.onnx"]


def test_bundles_that_cannot_be_compiled_or_written(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    plan = Plan(model, Target())
    stage = BundleStage("m", "rknn", "model.onnx", None, (), ())
    host = Bundle(tmp_path, (replace(stage, kind="onnx"),), (), ())
    bare = Bundle(tmp_path, (replace(stage, source=None, model="model.onnx"),), (), ())
    buckets = Bundle(tmp_path, (stage, stage), (), ())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with Toolchain(without_toolkit) as chain:
        for bundle, given, output, said in (
            (host, plan, "x.rk", "no stage for the NPU"),
            (bare, plan, "x.rk", "without its ONNX"),
            (buckets, replace(plan, verify=Verify(inputs=model)), "x.rk", "belong to one"),
            (replace(bare, stages=(stage,)), plan, "full", "is no bundle"),
            (replace(bare, stages=(stage,)), plan, "x.onnx", "is no .onnx"),
        ):
            with pytest.raises(UsageError, match=said):
                compile_bundle(bundle, tmp_path / output, given, chain)
        with pytest.raises(UsageError, match="cannot be written"):
            compile_to_bundle(plan, tmp_path / "absent" / "x.rk", chain)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["full", "model.onnx"]


def test_a_failure_leaves_an_older_bundle_as_it_was(tmp_path: Path) -> None:
    model = recorded_model(CONV, tmp_path)
    with replaying(CONV) as chain:
        first = compile_to_bundle(Plan(model, Target()), tmp_path / "a.rk", chain)
    before = {path.name: path.read_bytes() for path in (tmp_path / "a.rk").iterdir()}
    with replaying("not_constant_2.3.2") as chain, pytest.raises(CompileFailed):
        compile_bundle(first.bundle, tmp_path / "a.rk", Plan(model, Target()), chain)
    assert {path.name: path.read_bytes() for path in (tmp_path / "a.rk").iterdir()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.rk", "model.onnx"]
