"""Models that nobody tuned for, from lint to the simulator: what a user of rkgraph would meet.

    python benchmarks/strangers.py --corpus FOLDER --models LIST.jsonl [...] [--target rk3588:2.3.2] [-o strangers.md]

Each model of the lists (as in `corpus.py`) is linted and fixed by the command line with its shapes given, built,
simulated and compared as `fix_public.py` does, and asked more: whether lint's verdict is the compiler's, of original
and of the fixed model; whether a second fix finds nothing to do; how long each took. What a user should not meet is a
*complaint*. Rows go to FOLDER/strangers-TARGET.jsonl as they come; a second call goes on where the first ended.
`strangers.md` says where the models come from.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from accuracy_models import Subject, public_models
from fix_public import ALLOWED, Bench, measure
from fix_public_tables import is_right, is_worse

from rkgraph.cli.common import home_folder
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.toolchain import Toolchain
from rkgraph.errors import RkgraphError
from rkgraph.targets import resolve_target
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import find_toolkit

SLOW = 30.0
"""Seconds of a fix that are worth a complaint."""

CLEAN_EXITS = (0, 1)

Row = dict[str, Any]


@dataclass
class Told:
    """What the command line said of one model."""

    lint: str = ""
    lint_seconds: float = 0.0
    fixed: str = ""
    again: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def main() -> None:
    """Measure what is missing, then print the table."""
    args = _arguments()
    platform, _, version = args.target.partition(":")
    target = resolve_target(platform, version or "2.3.2")
    results = args.results or args.corpus / f"strangers-{target.platform}-{target.toolkit}.jsonl"
    done = {row["name"]: row for row in _rows([results])} if results.exists() else {}
    specs = {row["name"]: row["sample_inputs"] for row in _rows(args.models)}
    words = ["--target", target.platform, "--toolkit", target.toolkit]
    with (
        Toolchain(lambda: find_toolkit(target.toolkit, None, home_folder()), Limits(args.seconds, 14000)) as chain,
        tempfile.TemporaryDirectory(prefix="strangers-") as scratch,
    ):
        bench = Bench(target, chain, CompileCache(args.cache / "truths"), args.keep or Path(scratch))
        for subject in public_models(args.corpus, args.models):
            if (subject.id in done and subject.id not in args.only) or (args.only and subject.id not in args.only):
                continue
            try:
                outcome = measure(subject, specs[subject.id], bench, None)
            except RkgraphError as error:  # no model: a message and no row
                print(f"{subject.id}: {error.message}", file=sys.stderr, flush=True)
                continue
            row = {**asdict(outcome), "told": asdict(_ask(subject, bench.keep or Path(scratch), words))}
            done[subject.id] = {**row, "complaints": complaints(row)}
            print(line(done[subject.id]), file=sys.stderr, flush=True)
            _write(results, done.values())
    order = [row["name"] for row in _rows(args.models) if row["name"] in done]
    text = document([done[name] for name in dict.fromkeys(order)], args.target)
    print(text)
    if args.output is not None:
        args.output.write_text(text + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the models", metavar="FOLDER")
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="what they are", metavar="JSONL")
    parser.add_argument("--target", default="rk3588:2.3.2", metavar="PLATFORM[:VERSION]")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models, again")
    parser.add_argument("--results", type=Path, help="default: in the folder of the models", metavar="FILE.jsonl")
    parser.add_argument("--keep", type=Path, help="keep the fixed models and logs there", metavar="FOLDER")
    parser.add_argument("--cache", type=Path, default=home_folder(), help="where answers are kept", metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=300.0, help="a build may take")
    parser.add_argument("-o", "--output", type=Path, help="write the table there", metavar="FILE.md")
    return parser.parse_args()


def _ask(subject: Subject, folder: Path, target: Sequence[str]) -> Told:
    """Lint the original; fix the fixed model again."""
    told = Told()
    pins = [
        word
        for name, shape in subject.shapes.items()
        for word in ("--shape", f"{name}={'x'.join(map(str, shape))}")
    ]  # fmt: skip
    started = time.monotonic()
    result = _rkgraph(told, "lint", str(subject.path), *pins, *target)
    told.lint_seconds = round(time.monotonic() - started, 2)
    told.lint = "" if result is None else result["verdict"]
    fixed = folder / f"{subject.id}.onnx"
    if fixed.exists():
        linted = _rkgraph(told, "lint", str(fixed), *target)
        told.fixed = "" if linted is None else linted["verdict"]
        allow = [word for each in ALLOWED for word in ("--allow", each)]
        result = _rkgraph(told, "fix", str(fixed), *allow, *target, "-o", str(folder / "again.onnx"))
        if result is not None:
            told.again = dict(sorted(Counter(fix["code"] for fix in result["fixes"]["applied"]).items()))
    return told


def _rkgraph(told: Told, *words: str) -> Row | None:
    """The result that the document of a command ends with; what it should not have said is kept."""
    command = [sys.executable, "-m", "rkgraph", *words, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in CLEAN_EXITS or "Traceback" in done.stderr:
        told.words.append(f"{words[0]}: exit {done.returncode}: {' '.join(done.stderr.split())[-300:]}")
    try:
        found: Row = json.loads(done.stdout)["results"][-1]
    except (ValueError, LookupError):
        return None
    return found


def complaints(row: Row) -> list[str]:
    """What a user of this model would complain about."""
    raw, fixed, told = row["raw"], row["fixed"], row["told"]
    found = [*row["problems"], *told["words"]]
    if not is_right(row):
        found.append("not deployable" if fixed is None or fixed["verdict"] != "deployable" else "numbers")
    if is_worse(row):
        found.append("worse than raw")
    if told["lint"] and told["lint"] != raw["verdict"]:
        found.append(f"lint of the original: {told['lint']}, is {raw['verdict']}")
    if fixed is not None and told["fixed"] != fixed["verdict"]:
        found.append(f"lint of the fixed: {told['fixed']}, is {fixed['verdict']}")
    if told["again"]:
        found.append(f"a second fix: {', '.join(told['again'])}")
    if row["fix_seconds"] > SLOW:
        found.append(f"fix took {row['fix_seconds']:.0f} s")
    return found


def document(rows: Sequence[Row], target: str) -> str:
    """The counts, then one line a model."""
    right = sum(map(is_right, rows))
    worse = sum(map(is_worse, rows))
    raw = sum(row["raw"]["verdict"] == "deployable" for row in rows)
    said = sum(row["told"]["lint"] == row["raw"]["verdict"] for row in rows)
    again = sum(bool(row["told"]["again"]) for row in rows)
    return "\n".join(
        (
            f"| {target}: what | measured |",
            "|---|---|",
            f"| models | {len(rows)} |",
            f"| deployable raw | {raw} |",
            f"| deployable and right after fix | {right} ({100 * right / max(1, len(rows)):.1f} %) |",
            f"| worse than raw | {worse} |",
            f"| lint's verdict of the original is the compiler's | {said} |",
            f"| a second fix finds something to do | {again} |",
            "",
            "| model | verdict | CPU layers | read + write, KB | lowest cosine | fix, s | complaints |",
            "|---|---|---|---|---|---|---|",
            *map(line, rows),
        )
    )


def line(row: Mapping[str, Any]) -> str:
    """One model in the table."""
    raw, fixed = row["raw"], row["fixed"] or {"verdict": "not built", "cpu": {}, "rw_kb": 0}
    values = [*(row["float_cosines"] or row["cosines"]).values()]
    known = [value for value in values if value is not None]
    lowest = "–" if not values else "none" if len(known) < len(values) else f"{min(known):.6f}"
    cells = (
        row["name"],
        f"{raw['verdict']} → {fixed['verdict']}",
        f"{sum(raw['cpu'].values())} → {sum(fixed['cpu'].values())}",
        f"{raw['rw_kb']:,.0f} → {fixed['rw_kb']:,.0f}",
        lowest,
        f"{row['fix_seconds']:.1f}",
        "; ".join(row["complaints"]).replace("|", "¦")[:300],
    )
    return "| " + " | ".join(cells) + " |"


def _rows(paths: Iterable[Path]) -> list[Row]:
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def _write(path: Path, rows: Iterable[Row]) -> None:
    part = path.with_suffix(".part")
    part.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
