"""What `rkgraph fix` makes of real models: each built and simulated by the real toolkit, before and after.

    python benchmarks/collect_corpus.py FOLDER
    python benchmarks/fix_public.py --corpus FOLDER [--models models.jsonl ...] [--only NAME ...] [-o fix_public.md]

Models are those of `corpus.py`, small ones first. Each is fixed by the command line with the shapes of its sample
inputs, single whole numbers frozen to their sample, and with every class of fixes allowed that `ALLOWED` names. The
original, its shapes pinned, and the fixed model are built by rknn-toolkit2 (one worker); the fixed one is simulated on
the sample inputs, and every output held against the original in ONNX Runtime. Where the original is dynamically
quantized it is held against the fixed model in ONNX Runtime as well, which is the same model without the quantization.
A build that dies of a signal is tried again, in a new process of the toolkit, up to `PROCESSES` times: some models kill
some processes. Where the numbers are too far off, the original is run on its inputs rounded to fp16, too: what such a
rounding changes as much says nothing about a compiler.

Results go to FOLDER/fix_public.jsonl as they come: a second call goes on where the first ended; `--only` measures
models again, `--again` all of them. What the compiler says of the original is kept by content below `--cache`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import numpy.typing as npt
from accuracy_models import Subject, public_models
from compare_models import evaluate, make_feeds
from corpus import LIST
from fix_public_tables import document

from rkgraph.cli.common import home_folder
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.defects import avoiding, defects_of
from rkgraph.compile.faulty_rules import run_without_faulty_rules
from rkgraph.compile.tensors import read_npz, static_shape, tensors_of, write_npz
from rkgraph.compile.toolchain import Toolchain
from rkgraph.compile.verify import compare
from rkgraph.errors import RkgraphError
from rkgraph.graph.load import read_view
from rkgraph.oracle.truth import Pins, Truth, find_truth
from rkgraph.results import TensorInfo
from rkgraph.targets import Target, resolve_target
from rkgraph.toolkit.jobs import Job, Limits
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log

ALLOWED = ("interface", "approximate")
PROCESSES = 6
ENOUGH = 0.999
SEED = 7
QUANTIZES = frozenset({"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul"})
"""Operators of models whose numbers are those of 8 bits on the host: a float model comes no nearer than that."""

Row = dict[str, Any]
Array = npt.NDArray[Any]


@dataclass
class Built:
    """What the compiler made of a model: verdict, error if any, layers on the CPU by operator, kB read and written."""

    verdict: str
    error: str = ""
    lost: list[str] = field(default_factory=list)
    layers: int = 0
    cpu: dict[str, int] = field(default_factory=dict)
    rw_kb: float = 0.0
    seconds: float = 0.0
    switched_off: list[str] = field(default_factory=list)
    deaths: int = 0


@dataclass
class Outcome:
    """What came of one model. `cosines` by output; None where it cannot be compared, for which `detail` says why."""

    name: str
    raw: Built
    fixed: Built | None = None
    quantized: bool = False
    applied: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)
    proofs: dict[str, int] = field(default_factory=dict)
    cosines: dict[str, float | None] = field(default_factory=dict)
    float_cosines: dict[str, float | None] = field(default_factory=dict)
    rounded_inputs: dict[str, float | None] = field(default_factory=dict)
    detail: str = ""
    fix_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """What serves all models."""

    target: Target
    chain: Toolchain
    cache: CompileCache
    keep: Path | None


def main() -> None:
    """Measure what is missing, then print the tables."""
    args = _arguments()
    platform, _, version = args.target.partition(":")
    target = resolve_target(platform, version or "2.3.2")
    results = args.results or args.corpus / "fix_public.jsonl"
    done = {} if args.again else read_outcomes(results)
    specs = {row["name"]: row["sample_inputs"] for row in _rows(args.models)}
    subjects = sorted(public_models(args.corpus, args.models), key=lambda subject: subject.path.stat().st_size)
    limits = Limits(args.seconds, args.memory)
    with Toolchain(lambda: find_toolkit(target.toolkit, None, home_folder()), limits) as chain:
        bench = Bench(target, chain, CompileCache(args.cache / "truths"), args.keep)
        for subject in subjects:
            if (subject.id in done and not args.only) or (args.only and subject.id not in args.only):
                continue
            before = done.get(subject.id)
            done[subject.id] = measure(subject, specs[subject.id], bench, None if before is None else before.raw)
            print(_line(done[subject.id]), file=sys.stderr, flush=True)
            _write(results, done)
    order = [subject.id for subject in subjects if subject.id in done]
    text = document([asdict(done[name]) for name in order], f"{target.platform}, {target.toolkit}")
    print(text)
    if args.output is not None:
        args.output.write_text(text + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the models", metavar="FOLDER")
    parser.add_argument("--models", type=Path, nargs="+", default=[LIST], help="what they are", metavar="JSONL")
    parser.add_argument("--target", default="rk3588", metavar="PLATFORM[:VERSION]")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models, again")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--results", type=Path, help="default: FOLDER/fix_public.jsonl", metavar="FILE.jsonl")
    parser.add_argument("--keep", type=Path, help="keep the fixed models and logs there", metavar="FOLDER")
    parser.add_argument("--cache", type=Path, default=home_folder(), help="where answers are kept", metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=900.0, help="a build may take")
    parser.add_argument("--memory", type=int, default=14000, help="MB a build may take", metavar="MB")
    parser.add_argument("-o", "--output", type=Path, help="write the tables there", metavar="FILE.md")
    return parser.parse_args()


def measure(subject: Subject, specs: Sequence[Row], bench: Bench, raw: Built | None) -> Outcome:
    """Build the original (unless `raw` says what came of it before); fix it; build, simulate and compare."""
    if raw is None:
        raw = _build_raw(subject, bench)
    outcome = Outcome(subject.id, raw)
    outcome.quantized = bool(QUANTIZES & {node.op for node in read_view(subject.path).main.nodes})
    with tempfile.TemporaryDirectory(prefix="fix-public-") as name:
        folder = bench.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        fixed = folder / f"{subject.id}.onnx"
        fixed.unlink(missing_ok=True)
        _fix(outcome, subject, specs, fixed, bench.target)
        if fixed.exists():
            try:
                _build_and_compare(outcome, subject.path, fixed, make_feeds(specs, SEED), bench)
            except RkgraphError as error:
                outcome.problems.append(error.message)
    return outcome


def _fix(outcome: Outcome, subject: Subject, specs: Sequence[Row], fixed: Path, target: Target) -> None:
    pins = [word for spec in specs if spec["shape"] for word in ("--shape", _pin(spec))]
    # What the samples hold at one whole number chooses among computations (a sampling rate): nothing builds without it.
    controls = [spec for spec in specs if not spec["shape"] and spec.get("gen") == "const" and "int" in spec["dtype"]]
    outcome.frozen = [f"{spec['name']}={spec.get('value', 0)}" for spec in controls]
    pins += [word for each in outcome.frozen for word in ("--freeze", each)]
    allow = [word for each in ALLOWED for word in ("--allow", each)]
    with_target = ["--target", target.platform, "--toolkit", target.toolkit]
    words = ["fix", str(subject.path), *pins, *allow, *with_target, "--format", "json", "--quiet", "-o", str(fixed)]
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "rkgraph", *words], capture_output=True, text=True, check=False)
    outcome.fix_seconds = round(time.monotonic() - started, 2)
    if done.returncode not in (0, 1):
        outcome.problems.append(f"fix: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    try:
        result = json.loads(done.stdout)["results"][-1]
    except ValueError:
        return
    outcome.applied = dict(sorted(Counter(fix["code"] for fix in result["fixes"]["applied"]).items()))
    outcome.refused = sorted({f"{fix['code']}: {fix['reason']}" for fix in result["fixes"]["refused"]})
    outcome.proofs = dict(sorted(Counter(f"{p['kind']} {p['outcome']}" for p in result["proofs"]).items()))
    outcome.problems += sorted({d["message"] for d in result["diagnostics"] if d["code"] == "RK991"})


def _build_and_compare(outcome: Outcome, original: Path, fixed: Path, feeds: Mapping[str, Array], bench: Bench) -> None:
    main = read_view(fixed).main
    inputs, outputs = tensors_of(main)
    inputs = tuple(tensor for tensor in inputs if main.consumers(tensor.name))  # the toolkit drops the others
    fed = {tensor.name: _fitted(feeds[tensor.name], tensor) for tensor in inputs}
    with tempfile.TemporaryDirectory(prefix="fix-public-") as name:
        work = Path(name)
        (work / "outputs").mkdir()
        write_npz(work / "feeds.npz", fed)
        job = Job(
            model=fixed,
            platform=bench.target.platform,
            config=avoiding(BuildConfig(), defects_of(main, bench.target)).config_arguments(bench.target),
            build={"do_quantization": False},
            export=work / "model.rknn",
            simulate=(work / "feeds.npz",),
            inputs=tuple(tensor.name for tensor in inputs),
            outputs=tuple(tensor.name for tensor in outputs),
            output_folder=work / "outputs",
        )
        deaths = 0
        while True:
            done, off = run_without_faulty_rules(lambda job: bench.chain.run(job, _quiet), job, _quiet)
            if done.signal is None or deaths == PROCESSES - 1:
                break
            deaths += 1
            bench.chain.renew()
        if bench.keep is not None:
            (bench.keep / f"{outcome.name}.log").write_text(done.log, encoding="utf-8", errors="replace")
        truth = Truth(done.outcome, done.stage, done.error, done.signal, done.log, dict(done.seconds))
        outcome.fixed = _built(truth, "deployable" if done.outcome == "simulate-failed" else truth.verdict.value)
        outcome.fixed.deaths = deaths
        outcome.fixed.switched_off = [*job.config.get("disable_rules", ()), *off]
        if not done.ok:
            outcome.detail = f"{done.outcome}: {done.error or done.signal}"
            return
        simulated = read_npz(done.outputs[0])
    expected = evaluate(str(original), dict(feeds))
    simulated = _as_named(expected, outputs, simulated)
    outcome.cosines = _cosines(outcome, expected, simulated)
    if outcome.quantized:
        outcome.float_cosines = _cosines(outcome, _as_named(expected, outputs, evaluate(str(fixed), fed)), simulated)
    known = [value for value in (outcome.float_cosines or outcome.cosines).values() if value is not None]
    if known and min(known) < ENOUGH:
        rounded = {name: _in_half(array) for name, array in feeds.items()}
        outcome.rounded_inputs = _cosines(outcome, expected, evaluate(str(original), rounded))


def _cosines(
    outcome: Outcome, expected: Mapping[str, Array], simulated: Mapping[str, Array]
) -> dict[str, float | None]:
    """Cosine by output of the original; an output of another dtype or rank is compared by its elements."""
    found: dict[str, float | None] = {}
    for name, want in expected.items():
        have = simulated.get(name)
        if have is None:
            found[name], outcome.detail = None, f"{name}: the fixed model has no such output"
            continue
        match = compare(name, want, have.reshape(want.shape) if have.size == want.size else have)
        found[name] = None if match.cosine is None else round(match.cosine, 7)
        outcome.detail = outcome.detail or (f"{name}: {match.detail}" if match.detail else "")
    return found


def _as_named(expected: Mapping[str, Array], outputs: Sequence[TensorInfo], arrays: Mapping[str, Array]) -> Row:
    """The outputs under the names that the original gives them; by place, for some are renamed."""
    if len(expected) != len(outputs):
        return dict(arrays)
    return {name: arrays[tensor.name] for name, tensor in zip(expected, outputs, strict=True)}


def _in_half(array: Array) -> Array:
    return array.astype(np.float16).astype(array.dtype) if array.dtype.kind == "f" else array


def _fitted(array: Array, tensor: TensorInfo) -> Array:
    """The array as the fixed model takes it: another dtype or rank, the same numbers."""
    return np.asarray(array).astype(tensor.dtype or array.dtype).reshape(static_shape(tensor))


def _build_raw(subject: Subject, bench: Bench) -> Built:
    for deaths in range(PROCESSES):
        kept = bench.cache if deaths == 0 else None
        truth = find_truth(subject.path, bench.target, bench.chain, pins=Pins(subject.shapes), cache=kept)
        if truth.signal is None:
            break
        bench.chain.renew()
    built = _built(truth, truth.verdict.value)
    built.deaths = deaths
    return built


def _built(truth: Truth, verdict: str) -> Built:
    log = read_log(truth.log)
    work = [layer for layer in log.layers if not layer.is_boundary]
    return Built(
        verdict,
        "" if truth.outcome == "ok" else " ".join(f"{truth.outcome}: {truth.error or truth.signal}".split())[:300],
        sorted({each.op for each in log.no_lowering}),
        len(work),
        dict(sorted(Counter(layer.op for layer in work if layer.target == "CPU").items())),
        round(sum(layer.rw_kb for layer in log.layers), 1),
        round(sum(truth.seconds.values()), 1),
    )


def _pin(spec: Row) -> str:
    return f"{spec['name']}={'x'.join(map(str, spec['shape']))}"


def _quiet(_text: str) -> None: ...


def _line(outcome: Outcome) -> str:
    fixed = outcome.fixed
    cosines = [*outcome.cosines.values()]
    lowest = "-" if not cosines else "none" if None in cosines else f"{min(c for c in cosines if c is not None):.6f}"
    after = "not built" if fixed is None else f"{fixed.verdict} {sum(fixed.cpu.values())} CPU {fixed.rw_kb:.0f} KB"
    raw = f"{outcome.raw.verdict} {sum(outcome.raw.cpu.values())} CPU {outcome.raw.rw_kb:.0f} KB"
    why = (fixed.error if fixed is not None else "") or outcome.detail
    return " | ".join((outcome.name, raw, after, lowest, why[:160], "; ".join(outcome.problems)[:200]))


def _rows(paths: Sequence[Path]) -> list[Row]:
    lines = [line for path in reversed(paths) for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """What was measured, by name; nothing where the file does not exist."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        fixed = row["fixed"]
        row["raw"], row["fixed"] = Built(**row["raw"]), None if fixed is None else Built(**fixed)
        found[row["name"]] = Outcome(**row)
    return found


def _write(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(asdict(outcome)) + "\n" for outcome in outcomes.values()), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
