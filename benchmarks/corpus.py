"""Lint and fix a folder of real models as a user would, and compare what is predicted with what was measured.

    python benchmarks/collect_corpus.py FOLDER
    python benchmarks/corpus.py --corpus FOLDER [--models models.jsonl] [--baseline baseline.jsonl] [--only NAME ...]

Each line of `models.jsonl` (default: `corpus_models.jsonl` beside this file) names a model: `name`, `file` in FOLDER or
FOLDER/models, and `sample_inputs`, what to pin its inputs to and to feed them: `name`, `shape`, `dtype`, `gen` (normal,
uniform, randint, const or arange) and its `scale`, `low` and `high`, or `value`. Each line of `baseline.jsonl` is what
the raw toolkit made of a model: `name`, `verdict`.

Every model is linted and fixed by the command line, in a process of its own, whose exit code, time and memory are
kept; the fixed model is compared with the original in ONNX Runtime on the sample inputs, whatever rkgraph says that it
proved. Results go to FOLDER/results.jsonl as they come: a second call goes on where the first ended (`--again` starts
anew). What is printed are the tables of `corpus.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("corpus_models.jsonl")

Row = dict[str, Any]

COMPARE = Path(__file__).with_name("compare_models.py")

LARGEST_DIFFERENCE = 1e-3
"""Of an output, in parts of its largest value: what fp16 does not show."""

CLEAN_EXITS = (0, 1)  # findings are no failure; 2 unreadable, 3 refuted, 70 our bug


@dataclass(frozen=True)
class Run:
    """One call of rkgraph: exit code, its document (None if it printed none), seconds, MB at its peak, last words."""

    exit: int
    document: Row | None
    seconds: float
    mb: float
    words: str


@dataclass
class Outcome:
    """What came of one model; `problems` is what should not have happened."""

    name: str
    baseline: str | None
    raw: str | None = None
    fixed: str | None = None
    lint_seconds: float = 0.0
    lint_mb: float = 0.0
    fix_seconds: float = 0.0
    fix_mb: float = 0.0
    applied: dict[str, int] = field(default_factory=dict)
    proofs: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    difference: float | None = None
    problems: list[str] = field(default_factory=list)


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the models; results.jsonl goes there")
    parser.add_argument("--models", type=Path, default=LIST, help="what they are: one JSON object a line")
    parser.add_argument("--baseline", type=Path, help="what the raw toolkit makes of them")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models, again")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    args = parser.parse_args()
    verdicts = {row["name"]: row["verdict"] for row in _rows(args.baseline)} if args.baseline else {}
    results = args.corpus / "results.jsonl"
    done = {} if args.again else {row["name"]: Outcome(**row) for row in _rows(results)}
    for row in _rows(args.models):
        path = _find(args.corpus, row["file"])
        if path is None or (args.only and row["name"] not in args.only) or (row["name"] in done and not args.only):
            continue
        outcome = measure(row, path, verdicts.get(row["name"]))
        done[row["name"]] = outcome
        print(_line(outcome), file=sys.stderr, flush=True)
        _keep(results, done.values())
    print(tables(list(done.values())))


def measure(row: Row, path: Path, baseline: str | None) -> Outcome:
    """Lint the model, fix it, compare the fixed model with the original."""
    outcome = Outcome(row["name"], baseline)
    pins = [word for spec in row["sample_inputs"] if spec["shape"] for word in ("--shape", _pin(spec))]
    linted = _rkgraph("lint", str(path), *pins, "--format", "json")
    outcome.lint_seconds, outcome.lint_mb = linted.seconds, linted.mb
    if _complain(outcome, "lint", linted):
        result = linted.document["results"][0]
        outcome.raw = result["verdict"]
        outcome.errors = sorted({d["code"] for d in result["diagnostics"] if d["severity"] == "error"})
    with tempfile.TemporaryDirectory() as folder:
        fixed_path = Path(folder) / "fixed.onnx"
        fixed = _rkgraph("fix", str(path), *pins, "--format", "json", "--quiet", "-o", str(fixed_path))
        outcome.fix_seconds, outcome.fix_mb = fixed.seconds, fixed.mb
        if _complain(outcome, "fix", fixed):
            _read_fix(outcome, fixed.document["results"][-1])
            _compare(outcome, path, fixed_path, row["sample_inputs"])
    return outcome


def tables(outcomes: Sequence[Outcome]) -> str:
    """The table of models, and how often each prediction met each measured verdict, in Markdown."""
    lines = [
        "| model | toolkit, raw | predicted raw | after fix | fixes | proofs | difference | lint s | MB | fix s | MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(outcome) for outcome in outcomes]
    measured = [outcome for outcome in outcomes if outcome.baseline]
    verdicts = ("deployable", "no-board-kernel", "build-fails", "unknown")
    lines += ["", "| measured ↓ predicted → | " + " | ".join(verdicts) + " |", "|---" * 5 + "|"]
    cells = Counter((outcome.baseline, outcome.raw) for outcome in measured)
    lines += [f"| {a} | " + " | ".join(str(cells[a, b]) for b in verdicts) + " |" for a in verdicts[:3]]
    right = sum(outcome.baseline == outcome.raw for outcome in measured)
    lines += ["", f"{right} of {len(measured)} verdicts as measured."]
    lines += [f"- {outcome.name}: {problem}" for outcome in outcomes for problem in outcome.problems]
    return "\n".join(lines)


def _rkgraph(*words: str) -> Run:
    """Run `rkgraph` in a process of its own."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([sys.executable, "-m", "rkgraph", *words], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        text, words_said = out.read(), err.read()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    last = "\n".join(words_said.strip().splitlines()[-3:])
    return Run(process.returncode, document, round(seconds, 2), round(usage.ru_maxrss / 1024, 1), last)


def _complain(outcome: Outcome, what: str, run: Run) -> bool:
    """Whether the run gave a document; an exit code or words that it should not have are noted."""
    if run.exit not in CLEAN_EXITS:
        outcome.problems.append(f"{what}: exit {run.exit}: {run.words[-300:]}")
    elif "Traceback" in run.words:
        outcome.problems.append(f"{what}: a traceback: {run.words[-300:]}")
    return run.document is not None


def _read_fix(outcome: Outcome, after: Row) -> None:
    outcome.fixed = after["verdict"]
    outcome.applied = dict(sorted(Counter(fix["code"] for fix in after["fixes"]["applied"]).items()))
    outcome.proofs = dict(sorted(Counter(f"{p['kind']} {p['outcome']}" for p in after["proofs"]).items()))
    if _badness(outcome.fixed) > _badness(outcome.raw):
        outcome.problems.append(f"fix: worse than before: {outcome.raw} → {outcome.fixed}")
    refuted = Counter(d["message"] for d in after["diagnostics"] if d["code"] == "RK991")
    outcome.problems += [f"fix: {message} (×{number})" for message, number in refuted.items()]


def _badness(verdict: str | None) -> int:
    return ("deployable", "unknown", "no-board-kernel", "build-fails", None).index(verdict)


def _compare(outcome: Outcome, original: Path, fixed: Path, specs: Sequence[Row]) -> None:
    """Compare the outputs of both in a process of their own: this one stays small, for its size counts as theirs."""
    command = [sys.executable, str(COMPARE), str(original), str(fixed), json.dumps(specs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        outcome.problems.append(f"ONNX Runtime: {done.stderr.strip()[-300:]}")
        return
    outcome.difference = float(done.stdout)
    if outcome.difference > LARGEST_DIFFERENCE:
        outcome.problems.append(f"numbers differ by {outcome.difference:.2g} of the largest")


def _pin(spec: Row) -> str:
    return f"{spec['name']}={'x'.join(map(str, spec['shape']))}"


def _find(corpus: Path, file: str) -> Path | None:
    return next((path for path in (corpus / file, corpus / "models" / file) if path.exists()), None)


def _line(outcome: Outcome) -> str:
    fixes = ", ".join(f"{code} {number}" for code, number in outcome.applied.items())
    proofs = ", ".join(f"{number} {what}" for what, number in outcome.proofs.items())
    gap = "" if outcome.difference is None else f"{outcome.difference:.1g}"
    cells = (outcome.name, outcome.baseline, outcome.raw, outcome.fixed, fixes, proofs, gap)
    lint = (f"{outcome.lint_seconds:.1f}", f"{outcome.lint_mb:.0f}")
    fix = (f"{outcome.fix_seconds:.1f}", f"{outcome.fix_mb:.0f}")
    mark = " ⚠" if outcome.problems else ""
    return "| " + " | ".join(str(cell or "–") for cell in (*cells, *lint, *fix)) + f" |{mark}"


def _keep(path: Path, outcomes: Iterable[Outcome]) -> None:
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(asdict(outcome)) + "\n" for outcome in outcomes))
    part.replace(path)


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
