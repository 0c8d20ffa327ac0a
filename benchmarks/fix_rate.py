"""How many models of onnx's backend suite `fix` makes deployable by the compiler's own word, and what each rule gains.

    python -m benchmarks.fix_rate --suite FOLDER [--target rk3588:2.3.2] [--only REGEX] [--sample 250] [--lines]
        [--again] [--jobs 2]

FOLDER holds onnx/backend/test/data as in the wheel of onnx 1.14.1, test data and all (without --suite the wheel is
downloaded). Each model is fixed (shapes pinned, inputs that are settings frozen to the suite's values, every class of
fixes allowed), compared with the suite's expected outputs in ONNX Runtime, built by the real compiler, and simulated.
Rows are kept in FOLDER/fix_rate-TARGET.jsonl as they come: a second call goes on where the first ended; --again
measures the selected models anew. Models that the toolkit's own ONNX Runtime does not run as the suite expects are left
out of the counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.accuracy_models import suite_folder
from benchmarks.fix_measure import Row as Measured
from benchmarks.suite_cases import DATA
from rkgraph.files import write_text
from rkgraph.toolkit.locate import find_toolkit

Row = dict[str, Any]

SECONDS = 300.0
"""How long one model may take before its process is ended."""

HERE = Path(__file__).parent


def main() -> None:
    """Measure what is missing, then print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, help="folder with onnx/backend/test/data; default: downloaded")
    parser.add_argument("--target", default="rk3588:2.3.2", metavar="PLATFORM:VERSION")
    parser.add_argument("--only", default="", metavar="REGEX", help="models whose id this matches")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn evenly, the same in every call")
    parser.add_argument("--again", action="store_true", help="measure the selected models anew")
    parser.add_argument("--lines", action="store_true", help="one line a selected model")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=Path, help="where rows are kept; default: in the suite's folder")
    parser.add_argument("-o", "--output", type=Path, help="write the tables to this file, too")
    args = parser.parse_args()
    suite = args.suite or suite_folder("1.14.1", Path.home() / ".cache/rkgraph/benchmarks")
    kept = args.results or suite / f"fix_rate-{args.target.replace(':', '-')}.jsonl"
    rows = _read(kept)
    paths = {f"{p.parent.parent.name}/{p.parent.name}": p for p in sorted((suite / DATA).glob("*/*/model.onnx"))}
    reference = reference_of(suite, args.target)
    chosen = [identity for identity in paths if re.search(args.only, identity)]
    if args.sample is not None:
        chosen = sampled([identity for identity in chosen if identity in reference], args.sample)
    waiting = [identity for identity in chosen if args.again or identity not in rows]
    if waiting:
        measure(waiting, paths, Keeper(kept, rows), args.target, args.jobs)
    if args.lines:
        for identity in chosen:
            print(line(rows[identity]))
    text = tables([rows[identity] for identity in chosen if identity in rows], reference)
    print(text)
    if args.output:
        write_text(args.output, text + "\n")


def sampled(identities: Sequence[str], count: int) -> list[str]:
    """`count` of the identities, spread evenly by their digests: no choice of anybody's, and the same in each call."""
    return sorted(sorted(identities, key=lambda identity: hashlib.sha256(identity.encode()).digest())[:count])


class Keeper:
    """Appends rows to a file from several threads; the last row of an id counts."""

    def __init__(self, path: Path, rows: dict[str, Row]) -> None:
        self._path, self.rows, self._lock = path, rows, threading.Lock()

    def keep(self, row: Row) -> None:
        """Remember one row, and say so."""
        with self._lock:
            self.rows[row["id"]] = row
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"{row['id']}: {row['raw']} → {row['fixed'] or row['error']}", file=sys.stderr, flush=True)


def measure(waiting: Sequence[str], paths: Mapping[str, Path], keeper: Keeper, target: str, jobs: int) -> None:
    """Measure models in `jobs` processes; one that ends or hangs costs its model only."""
    queue = list(reversed(waiting))
    raws = {identity: keeper.rows[identity]["raw"] for identity in waiting if identity in keeper.rows}

    def work() -> None:
        child: subprocess.Popen[str] | None = None
        while queue:
            identity = queue.pop()
            child = child or _start(target)
            row = _ask(child, f"{paths[identity]}\t{raws.get(identity, '')}")
            if row is None:
                child.kill()
                child.wait()
                child, row = None, asdict(Measured(identity, error="CRASH the process ended or hung"))
            keeper.keep(row)
        if child is not None:
            child.stdin.close()  # type: ignore[union-attr]
            child.wait()

    threads = [threading.Thread(target=work) for _ in range(max(1, min(jobs, len(queue))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _start(target: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.fix_measure", "--target", target]
    return subprocess.Popen(
        command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _ask(child: subprocess.Popen[str], question: str) -> Row | None:
    """The row of one model; None where the process died, or was ended because it took too long."""
    timer = threading.Timer(SECONDS, child.kill)
    timer.start()
    try:
        child.stdin.write(question + "\n")  # type: ignore[union-attr]
        child.stdin.flush()  # type: ignore[union-attr]
        answer = child.stdout.readline()  # type: ignore[union-attr]
    except BrokenPipeError:
        return None
    finally:
        timer.cancel()
    return json.loads(answer) if answer.startswith("{") else None


def reference_of(suite: Path, target: str) -> frozenset[str]:
    """The models that the toolkit's own ONNX Runtime runs as the suite expects."""
    version = target.partition(":")[2]
    kept = suite / f"reference-{version}.txt"
    if not kept.is_file():
        command = [str(find_toolkit(version, None).python), str(HERE / "suite_cases.py"), str(suite / DATA)]
        write_text(kept, subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return frozenset(kept.read_text(encoding="utf-8").split())


def is_fixed(row: Row) -> bool:
    """Deployable by the compiler's word, right in ONNX Runtime, and nothing on the host that is not on the list."""
    return row["fixed"] == "deployable" and "rknn" in row["stages"] and not row["wrong"] and not row.get("unlisted")


def tables(rows: Sequence[Row], reference: frozenset[str]) -> str:
    """The counts in Markdown: over all, per rule, and what is left."""
    counted = [row for row in rows if row["id"] in reference]
    fixed = [row for row in counted if is_fixed(row)]
    single = [row for row in fixed if len(row["stages"]) == 1]
    simulated = [row for row in fixed if row["simulated"] is not None]
    numbers = (
        ("models that ONNX Runtime runs as the suite expects", len(counted)),
        ("deployable raw", _share(sum(row["raw"] == "deployable" for row in counted), len(counted))),
        ("deployable and right after fix", _share(len(fixed), len(counted))),
        ("… as a single model", _share(len(single), len(counted))),
        ("… of these with frozen inputs", sum(bool(row["frozen"]) for row in fixed)),
        ("deployable raw, and no longer", sum(row["raw"] == "deployable" and not is_fixed(row) for row in counted)),
        (
            "wrong in ONNX Runtime after fix",
            sum(row["fixed"] == "deployable" and bool(row["wrong"]) for row in counted),
        ),
        ("right in the simulator", _share(sum(not row["simulated"] for row in simulated), len(simulated))),
        ("crashes of ours", sum(row["error"].startswith("CRASH") for row in counted)),
    )
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in numbers)]
    lines += ["", "| rule | models | of these deployable only since | fired |", "|---|---|---|---|", *_rules(counted)]
    lines += ["", "Not fixed, by operators:", "", *_left(row for row in counted if not is_fixed(row))]
    return "\n".join(lines)


def _rules(rows: Sequence[Row]) -> Iterable[str]:
    for code in sorted({code for row in rows for code in row["rules"]}):
        mine = [row for row in rows if code in row["rules"]]
        gained = sum(is_fixed(row) and row["raw"] != "deployable" for row in mine)
        yield f"| {code} | {len(mine)} | {gained} | {sum(row['rules'][code] for row in mine)} |"


def _left(rows: Iterable[Row]) -> Iterable[str]:
    counts = Counter("+".join(row["ops"])[:60] for row in rows)
    return [f"- {ops}: {count}" for ops, count in counts.most_common()]


def line(row: Row) -> str:
    """One model in a line."""
    told = [
        f"{'ok  ' if is_fixed(row) else 'LEFT'} {row['id']}: {row['raw']} → {row['fixed']} {'+'.join(row['stages'])}"
    ]
    told += [f"{name}: {row[name]}" for name in ("wrong", "simulated", "error") if row[name]]
    told += [f"{name}: {', '.join(row[name])}" for name in ("rules", "left", "refused") if row[name]]
    return " | ".join(told)


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if whole else "0"


def _read(path: Path) -> dict[str, Row]:
    if not path.is_file():
        return {}
    rows = (json.loads(text) for text in path.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in rows}


if __name__ == "__main__":
    main()
