"""Fixes models of the backend suite and holds each result against the suite's own outputs and the real compiler.

A process of its own for `fix_rate.py`, which starts it again where a model ends it: paths come in by the line, a JSON
object for each goes out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fix_bundles import judge_stages
from benchmarks.suite_cases import SuiteCase, Tolerance, agree, differences, read_case, run
from rkgraph.analysis import settings
from rkgraph.analysis.origins import SHAPE_INPUTS
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.defects import avoiding, defects_of
from rkgraph.compile.faulty_rules import run_without_faulty_rules
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.diagnostics import Safety, Severity
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.errors import RkgraphError
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.graph.view import ModelView
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target, resolve_target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.deaths import run_past_deaths
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log

SETTINGS: Mapping[str, tuple[int, ...]] = {
    **SHAPE_INPUTS,
    **{f"Reduce{kind}": (1,) for kind in (
        "L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")},
    "Reshape": (1,), "CumSum": (1,), "Trilu": (1,), "Loop": (0, 1), "If": (0,), "Dropout": (1, 2), "Resize": (1, 2, 3),
    "SplitToSequence": (1,), "SequenceAt": (1,), "SequenceInsert": (2,), "SequenceErase": (1,), "DFT": (1, 2),
    "STFT": (1, 3), "HannWindow": (0,), "HammingWindow": (0,), "BlackmanWindow": (0,),
    "MelWeightMatrix": (0, 1, 2, 3, 4),
    "Col2Im": (1, 2), "AffineGrid": (1,), "MaxUnpool": (2,), "CenterCropPad": (1,),
}  # fmt: skip
"""Inputs by operator that say how to compute (axes, shapes, k, pads), not what: ONNX operator specifications."""

FP16 = Tolerance(1e-2, of_largest=2e-3, absolute=1e-3)
"""What the simulator's fp16 may differ by: ten roundings of 2^-10, and as much where terms cancel."""

RESHAPES = "RK330"
"""The rule that gives outputs other shapes, of as many elements (class interface)."""

ALLOWED = frozenset(Safety) - {Safety.MANUAL}


@dataclass
class Row:
    """What came of one model.

    Attributes:
        raw, fixed: the compiler's verdicts before and after.
        frozen: inputs that were made constant.
        stages: kinds of the parts of the result, in order; `host`: operators in its host stages; `unlisted`: those of
            them that had to leave for the host and are not on the closed list.
        cpu: layers on the CPU.
        wrong: why ONNX Runtime gives something else than the suite expects; `simulated`: why the simulator does ("":
            they agree, None: it was not run).
        left: what lint still finds fault with.
        error: what ended the attempt.
    """

    id: str
    ops: tuple[str, ...] = ()
    raw: str = ""
    fixed: str = ""
    frozen: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    cpu: int = 0
    wrong: str = ""
    simulated: str | None = None
    rules: dict[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Bench:
    """The target, its running toolkit, and a folder for files."""

    target: Target
    worker: Worker
    folder: Path


@dataclass(frozen=True)
class Built:
    """One build: the verdict, layers on the CPU, the simulator's outputs where it ran, else why it did not."""

    verdict: str
    cpu: int = 0
    outputs: Mapping[str, Any] | None = None
    error: str = ""


def measure(path: Path, bench: Bench, raw: str = "") -> Row:
    """Fix one model and measure the result; whatever goes wrong is in the row. `raw`: its verdict, if known."""
    started = time.monotonic()
    row = Row(f"{path.parent.parent.name}/{path.parent.name}")
    try:
        case = read_case(path)
        view = read_view(path)
        row.ops = tuple(sorted({node.op for graph in view.graphs() for node in graph.nodes}))
        row.raw = raw or build(path, bench, raw=True).verdict
        _fix_and_compare(case, view, bench, row)
    except RkgraphError as error:
        row.error = f"{type(error).__name__}: {error.message}"
    except Exception as error:  # noqa: BLE001 - a benchmark counts crashes, it does not die of them
        row.error = f"CRASH {type(error).__name__}: {error}"[:300]
    row.seconds = round(time.monotonic() - started, 2)
    return row


def _fix_and_compare(case: SuiteCase, view: ModelView, bench: Bench, row: Row) -> None:
    absent = frozenset(
        name for name, value in case.feeds.items() if value is None or (isinstance(value, list) and not value)
    )
    case = _open(case)
    feeds = {name: value for name, value in case.feeds.items() if isinstance(value, np.ndarray)}
    frozen = {name: feeds[name] for name in settings_of(view) if name in feeds}
    frozen |= {name: array for name, array in feeds.items() if array.size == 0 and name in view.main.inputs}
    row.frozen = (*frozen, *sorted(absent))
    static = {name for name in view.main.inputs if view.main.value(name).is_static}
    shapes = {name: array.shape for name, array in feeds.items() if name not in static and name not in frozen}
    options = Options(shapes=shapes, frozen=frozen, absent=absent)
    outcome = fix_model(
        Model.load(case.path), bench.target, load_ruleset(f"rknn-{bench.target.toolkit}"), options, ALLOWED
    )
    row.rules = dict(Counter(fix.code for fix in outcome.fixes.applied))
    row.refused = tuple(dict.fromkeys(f"{r.code}: {r.reason}"[:200] for r in outcome.fixes.refused))
    row.left = tuple(
        dict.fromkeys(f"{d.code}: {d.message}"[:200] for d in outcome.after.diagnostics if d.severity is Severity.ERROR)
    )
    _judge(case, outcome, bench, row)


def _open(case: SuiteCase) -> SuiteCase:
    """The case with each sequence as the tensors that it holds, NAME[0] …, which fixed models take and give."""
    return dataclasses.replace(case, feeds=_elements(case.feeds), expected=_elements(case.expected))


def _elements(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        is_sequence = isinstance(value, list)
        found |= {f"{name}[{i}]": np.asarray(item) for i, item in enumerate(value)} if is_sequence else {name: value}
    return found


def _judge(case: SuiteCase, outcome: FixOutcome, bench: Bench, row: Row) -> None:
    """The whole of it goes to the compiler, or the stages that are for the NPU."""
    case = dataclasses.replace(case, expected=_as_handed_out(case.expected, outcome))
    if outcome.stages:
        _judge_stages(case, outcome, bench, row)
        return
    path = bench.folder / "fixed.onnx"
    outcome.model.save(path, "inline")
    row.stages = ("rknn",)
    row.wrong = _in_onnx_runtime(case, path)
    feeds = _feeds_of(read_view(path), case.feeds)
    built = build(path, bench, feeds)
    row.fixed, row.cpu = built.verdict, built.cpu
    if built.verdict != "deployable":
        row.error = built.error
    elif feeds is not None:
        row.simulated = built.error or _compared(case.expected, built.outputs or {})


def _as_handed_out(expected: Mapping[str, Any], outcome: FixOutcome) -> dict[str, Any]:
    """The expected outputs, those in the shape that they were given which a fix was allowed to hand out in another."""
    main = outcome.model.view().main
    reshaped = {fix.at.value: main.value(fix.at.value).shape for fix in outcome.fixes.applied if fix.code == RESHAPES}
    return {
        name: np.reshape(value, shape) if (shape := reshaped.get(name)) is not None else value
        for name, value in expected.items()
    }


def _judge_stages(case: SuiteCase, outcome: FixOutcome, bench: Bench, row: Row) -> None:
    feeds = {**case.feeds, **(_feeds_of(outcome.model.view(), case.feeds) or {})}

    def build_one(path: Path, given: dict[str, Any]) -> tuple[str, int, Mapping[str, Any] | None, str]:
        built = build(path, bench, given or None)
        return built.verdict, built.cpu, built.outputs, built.error

    found = judge_stages(outcome, feeds, bench.folder, build_one, run)
    row.stages = tuple(stage.kind for stage in outcome.stages)
    row.host, row.unlisted = found.host, found.unlisted
    row.fixed, row.cpu, row.error = found.verdict, found.cpu, found.error
    row.wrong = agree(case.expected, found.values)
    if found.simulated is not None:
        row.simulated = _compared(case.expected, found.simulated)


def _in_onnx_runtime(case: SuiteCase, path: Path) -> str:
    try:
        feeds = _feeds_of(read_view(path), case.feeds) or {}
        return agree(case.expected, run(str(path), {**case.feeds, **feeds}))
    except Exception as error:  # noqa: BLE001 - ONNX Runtime has no exception of its own
        return f"does not run: {str(error).splitlines()[0][:200]}"


def settings_of(view: ModelView) -> Iterator[str]:
    """The model's inputs that some node of the main graph reads as a setting, directly or after arithmetic."""
    main = view.main
    wanted = {node.inputs[p] for node in main.nodes for p in SETTINGS.get(node.op, ()) if p < len(node.inputs)}
    wanted |= settings.settings_of(main).keys()
    yield from (name for name in main.inputs if name in wanted)


def _feeds_of(view: ModelView, feeds: Mapping[str, Any]) -> dict[str, Any] | None:
    """The feeds of a model that are arrays of its dtypes; None where one is no array."""
    found = {}
    for name in view.main.inputs:
        if not view.main.is_read(name):
            continue  # the toolkit drops it
        value = view.main.value(name)
        static = [size for size in value.shape or () if isinstance(size, int)]
        array = feeds[name] if name in feeds else np.zeros(static, value.dtype)
        known = isinstance(array, np.ndarray) and array.dtype.kind not in "OSU" and value.dtype in np.sctypeDict
        if not known:
            return None
        found[name] = array.astype(value.dtype).reshape(static if value.shape else array.shape)
    return found or None


def build(path: Path, bench: Bench, feeds: Mapping[str, Any] | None = None, *, raw: bool = False) -> Built:
    """Build a model as it is, and simulate `feeds`.

    Rules of the toolkit's optimiser that fail and name themselves are switched off, as `rkgraph compile` does; but for
    a `raw` build, which is what the toolkit makes of the model by itself.
    """
    main = read_view(path).main
    config = avoiding(BuildConfig(), defects_of(main, bench.target)).config_arguments(bench.target)
    job = Job(path, bench.target.platform, config)
    if feeds is not None:
        file, outputs = bench.folder / "feeds.npz", bench.folder / "outputs"
        outputs.mkdir(exist_ok=True)
        write_npz(file, dict(feeds))
        job = dataclasses.replace(
            job, simulate=(file,), inputs=tuple(feeds), outputs=main.outputs, output_folder=outputs
        )

    def run_job(job: Job) -> JobResult:
        return run_past_deaths(lambda: bench.worker.run(job), bench.worker.close, lambda _text: None)

    done = run_job(job) if raw else run_without_faulty_rules(run_job, job, lambda _text: None)[0]
    facts = read_log(done.log)
    if done.outcome not in ("ok", "simulate-failed"):
        return Built(
            "unknown" if done.outcome in ("timed-out", "out-of-memory") else "build-fails", error=done.error or ""
        )
    lost = ", ".join(sorted({entry.op for entry in facts.no_lowering}))
    cpu = sum(1 for layer in facts.layers if layer.target == "CPU" and not layer.is_boundary)
    if lost:
        return Built("no-board-kernel", cpu, error=f"no kernel for {lost}")
    simulated = read_npz(done.outputs[0]) if done.outputs else None
    return Built("deployable", cpu, simulated, "" if done.ok else f"simulator: {done.error}")


def _compared(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    for name, value in expected.items():
        if name not in actual:
            return f"{name}: missing"
        got = np.asarray(actual[name])
        wanted = np.asarray(value)
        found = differences(wanted, got.reshape(wanted.shape) if got.size == wanted.size else got, FP16)
        if found:
            return f"{name}: {found}"
    return ""


def main() -> None:
    """Measure the models whose paths (and raw verdicts, if known, after a tab) come in by the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="rk3588:2.3.2", metavar="PLATFORM:VERSION")
    args = parser.parse_args()
    platform, _, version = args.target.partition(":")
    with (
        tempfile.TemporaryDirectory(prefix="rkgraph-") as folder,
        Worker(find_toolkit(version, None), Limits(seconds=60)) as worker,
    ):
        bench = Bench(resolve_target(platform, version, "fp16"), worker, Path(folder))
        for line in sys.stdin:
            path, _, raw = line.rstrip("\n").partition("\t")
            print(json.dumps(dataclasses.asdict(measure(Path(path), bench, raw)), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
