"""One ONNX model to one .rknn: from the cache or by the toolkit; layers mapped back, numbers verified."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.calibration import write_dataset
from rkgraph.compile.deaths import diagnostics_of_deaths
from rkgraph.compile.defects import diagnostics_of_defects
from rkgraph.compile.diagnosis import diagnose, diagnostics_of
from rkgraph.compile.faulty_rules import diagnostics_of_rules, run_without_faulty_rules
from rkgraph.compile.hybrid import find_islands
from rkgraph.compile.layer_errors import with_layer_errors
from rkgraph.compile.mapping import map_layers
from rkgraph.compile.plan import Plan, PreparedPlan, Verify
from rkgraph.compile.record import cost_of, frozen, stage_record
from rkgraph.compile.tensors import read_npz, tensors_of, write_npz
from rkgraph.compile.verify import Verification, reference_outputs, verify
from rkgraph.diagnostics import Confidence, Device, Verdict
from rkgraph.errors import TargetError
from rkgraph.files import writing
from rkgraph.graph.load import read_view
from rkgraph.results import ModelInfo, Result
from rkgraph.toolkit.jobs import Job, JobResult
from rkgraph.toolkit.logs import read_log

if TYPE_CHECKING:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.graph.view import ModelView
    from rkgraph.targets import Target

__all__ = ["Compiled", "compile_model"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Compiled:
    """A model that was built.

    Attributes:
        result: prediction and reality: placement as predicted, diagnostics of both, cost, `compile`.
        verification: None where none was asked for.
        from_cache: True where the toolkit did not have to run.
        seconds: wall-clock time by stage of the toolkit, of the build that made the file.
        log: the toolkit's log as it was printed.
    """

    result: Result
    verification: Verification | None
    from_cache: bool
    seconds: Mapping[str, float]
    log: str


@dataclass(frozen=True)
class _Built:
    log: str
    seconds: Mapping[str, float]
    verification: Verification | None
    from_cache: bool
    switched_off: tuple[str, ...] = ()  # rules of the toolkit that failed
    deaths: tuple[str, ...] = ()  # signals of builds before the one that went well


def compile_model(
    plan: Plan, output: Path, chain: Toolchain, *, cache: CompileCache | None = None, tell: Tell = lambda _text: None
) -> Compiled:
    """Build `plan.model` and write the .rknn to `output`, whole or not at all.

    Args:
        plan: what to build and how to verify it.
        output: the .rknn to write.
        chain: the toolkit; it is only started where the cache has not what is asked for.
        cache: where results are kept; None: nowhere.
        tell: called with a few words as each step begins.

    Raises:
        ModelError: the model cannot be read.
        UsageError: samples, feeds or `output` do not fit.
        ToolkitMissing: the toolkit is needed and not installed.
        CompileFailed: the toolkit failed; the error carries result and log.
    """
    prepared = plan.prepare(read_view(plan.model))
    choice = None
    if plan.islands is not None and plan.config.fp16_islands is None:
        choice = find_islands(prepared, plan.islands, chain, cache, tell)
        config = replace(plan.config, fp16_islands=choice.islands)
        prepared = replace(prepared, plan=replace(plan, config=config))
    with (
        writing(output) as destination,
        tempfile.TemporaryDirectory(prefix="rkgraph-") as name,
        ThreadPoolExecutor(1) as meanwhile,  # what does not need the toolkit's answer is done while it works
    ):
        if cache is None:
            chain.start()  # it imports the toolkit while we do the rest
        work = Path(name)
        built = _from_cache(prepared, cache, work)
        foreseen = meanwhile.submit(_foresee, prepared)
        if built is None:
            built = _by_toolkit(prepared, foreseen, chain, cache, work=work, tell=tell)
        rknn = work / "model.rknn"
        result = _result(prepared, foreseen.result(), built, rknn, output.name)
        if plan.layer_errors:
            (stage,) = (result.compile or {})["stages"]
            measured = with_layer_errors(prepared, stage, tell)
            result = replace(result, compile=frozen({**(result.compile or {}), "stages": [measured]}))
        if choice is not None:
            result = replace(result, compile=frozen({**(result.compile or {}), "islands": choice.record}))
        with rknn.open("rb") as source:
            while chunk := source.read(1 << 20):
                destination.write(chunk)
    return Compiled(result, built.verification, built.from_cache, built.seconds, built.log)


def _from_cache(prepared: PreparedPlan, cache: CompileCache | None, work: Path) -> _Built | None:
    """The build, and the verification if one is wanted, or None where either is missing."""
    entry = cache.find(prepared.build_key) if cache is not None else None
    if cache is None or entry is None:
        return None
    verification = None
    if prepared.verify_key is not None and prepared.plan.verify is not None:
        kept = cache.find(prepared.verify_key)
        if kept is None:
            return None
        verification = Verification.from_record(kept.facts, prepared.plan.verify.threshold)
    try:
        (work / "model.rknn").symlink_to(entry.file("model.rknn").resolve(strict=True))
        log = entry.file("log.txt").read_text()
    except OSError:  # another process made room meanwhile
        return None
    told = (tuple(entry.facts.get(name, ())) for name in ("switched_off", "deaths"))
    return _Built(log, entry.facts["seconds"], verification, True, *told)


def _by_toolkit(
    prepared: PreparedPlan,
    foreseen: Future[Result],
    chain: Toolchain,
    cache: CompileCache | None,
    *,
    work: Path,
    tell: Tell,
) -> _Built:
    """Build, simulate and compare; keep what came out."""
    chain.start()  # imports the toolkit while we prepare its inputs
    cases = prepared.cases()
    for defect in prepared.defects:
        tell(f"the toolkit's rule {' and '.join(defect.disable)} is wrong on this model: build without it")
    job = _job(prepared, cases, work)
    done, off = run_without_faulty_rules(lambda job: chain.run(job, tell), job, tell)
    if not done.ok:
        raise _failure(prepared, foreseen.result(), done)
    verification = None
    if prepared.plan.verify is not None:
        tell("compare with ONNX Runtime")
        verification = _verification(prepared, prepared.plan.verify, cases, done)
    log = done.log
    if cache is not None:
        files: dict[str, Path | bytes] = {"model.rknn": work / "model.rknn", "log.txt": log.encode()}
        cache.store(
            prepared.build_key, files, {"seconds": dict(done.seconds), "switched_off": off, "deaths": done.deaths}
        )
        if verification is not None and prepared.verify_key is not None:
            cache.store(prepared.verify_key, {}, verification.record)
    return _Built(log, done.seconds, verification, False, off, done.deaths)


def _job(prepared: PreparedPlan, cases: list[Any], work: Path) -> Job:
    """The job for the worker, its files written into `work`."""
    plan = prepared.plan
    build = plan.config.build_arguments(plan.target)
    if prepared.samples is not None:
        (work / "samples").mkdir()
        build["dataset"] = str(write_dataset(prepared.samples, work / "samples"))
    feeds = []
    for number, case in enumerate(cases):
        feeds.append(work / f"feeds-{number}.npz")
        write_npz(feeds[-1], case)
    (work / "outputs").mkdir()
    return Job(
        model=plan.model,
        platform=plan.target.platform,
        config=plan.config.config_arguments(plan.target),
        build=build,
        islands=plan.config.fp16_islands,
        export=work / "model.rknn",
        simulate=tuple(feeds),
        inputs=prepared.inputs,
        outputs=prepared.outputs,
        output_folder=work / "outputs",
    )


def _verification(prepared: PreparedPlan, wanted: Verify, cases: list[Any], done: JobResult) -> Verification:
    model = wanted.against or prepared.plan.model
    expected = reference_outputs(model, cases, prepared.plan.config.given())
    return verify([read_npz(path) for path in done.outputs], expected, wanted.threshold, model.name)


def _failure(prepared: PreparedPlan, predicted: Result, done: JobResult) -> Exception:
    facts = read_log(done.log, prepared.plan.target.toolkit)
    graph = prepared.view.main
    fails = done.outcome in ("load-failed", "build-failed", "export-failed", "died")
    result = replace(
        predicted,
        verdict=Verdict.BUILD_FAILS if fails else Verdict.UNKNOWN,
        confidence=Confidence.PROBED,
        diagnostics=(*predicted.diagnostics, *diagnostics_of(facts.messages, graph)),
        compile=frozen(
            {
                "outcome": done.outcome,
                "stage": done.stage,
                "error": done.error,
                "options": prepared.plan.config.given(),
                "weights_sha256": prepared.weights_sha256,
            }
        ),
    )
    return diagnose(done, facts, graph, result, prepared.plan.target.toolkit)


def _result(prepared: PreparedPlan, predicted: Result, built: _Built, rknn: Path, file: str) -> Result:
    """Prediction and reality in one result."""
    target = prepared.plan.target
    graph = prepared.view.main
    facts = read_log(built.log, target.toolkit)
    gone = {node.index for node in predicted.placement if node.graph == "main" and node.device is Device.FOLDED}
    placed = map_layers(graph, facts, built.log, gone)
    return replace(
        predicted,
        verdict=Verdict.NO_BOARD_KERNEL if facts.no_lowering else Verdict.DEPLOYABLE,
        confidence=Confidence.PROBED,
        diagnostics=(
            *predicted.diagnostics,
            *diagnostics_of_defects(prepared.defects),
            *diagnostics_of_rules(built.switched_off),
            *diagnostics_of_deaths(built.deaths),
            *diagnostics_of(facts.messages, graph),
        ),
        cost={**cost_of(facts.layers, facts.memory), **predicted.cost},
        proofs=(built.verification.proof,) if built.verification is not None else (),
        compile=frozen(
            {
                "outcome": "ok",
                "predicted_verdict": predicted.verdict.value,
                "options": _options(prepared, built.switched_off),
                "weights_sha256": prepared.weights_sha256,
                "stages": [{"file": file, **stage_record(prepared.view, facts, predicted.placement, placed, rknn)}],
                "verify": built.verification.record if built.verification is not None else None,
            }
        ),
    )


def _options(prepared: PreparedPlan, off: tuple[str, ...]) -> dict[str, Any]:
    """The options that were given, and what was switched off besides."""
    given = prepared.plan.config.given()
    return {**given, "disable_rules": [*given.get("disable_rules", ()), *off]} if off else given


def _foresee(prepared: PreparedPlan) -> Result:
    """What lint says; the digest that the result will carry is computed on the way (it is kept in `prepared`)."""
    _ = prepared.weights_sha256
    return _predict(prepared.view, prepared.plan.target)


def _predict(view: ModelView, target: Target) -> Result:
    """What lint says; only what the model says of itself where there is no op table of that toolkit."""
    from rkgraph.engine.lint import lint_view
    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import load_ruleset

    try:
        return lint_view(view, target, load_ruleset(f"rknn-{target.toolkit}"), Options(with_graph=True))
    except TargetError:
        inputs, outputs = tensors_of(view.main)
        info = ModelInfo(view.path, view.sha256, view.opset, len(view.main.nodes), inputs, outputs)
        return Result(info, target)
