"""What a change does to real models: verdicts, placements, fixes and costs of two states of the code, side by side.

    python -m benchmarks.collect_corpus FOLDER
    python -m benchmarks.ecosystem --corpus FOLDER [BEFORE] [AFTER] [--build] [--target rk3588:2.3.2] [--only NAME ...]

BEFORE and AFTER are git revisions, or folders with a tree of rkgraph; HEAD and `.`, the working tree, by default.
The twenty models of `ecosystem_models.txt` are fixed by the `rkgraph` of each state with the shapes of their sample
inputs. With --build what comes out is compiled, too, and the compiler's layer tables are compared. Rows are kept in
FOLDER/ecosystem.jsonl by the contents of tree and model, so that a state is measured once. Exit code 1: something is
worse: a verdict, a crash, more layers on the CPU, or 2 % more read+write.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkgraph.files import write_text

Row = dict[str, Any]

HERE = Path(__file__).parent
MODELS = HERE / "ecosystem_models.txt"
LIST = HERE / "corpus_models.jsonl"
PARTS = ("rkgraph", "rules", "op_tables", "schema")
"""What a state consists of: the package and its data."""

ALLOWED = "interface,approximate"
SECONDS = 900.0
BETTER = ("build-fails", "no-board-kernel", "unknown", "deployable")
TRAFFIC = 1.02
"""How many times the traffic counts as no worse: the compiler's tiling varies by so much."""


@dataclass(frozen=True)
class State:
    """One state of the code: what it is called, the folder that it lies in, and the digest of its contents."""

    name: str
    folder: Path
    digest: str


def main() -> None:
    """Measure what is missing, then print the difference."""
    args = _arguments()
    names = args.only or [n for line in MODELS.read_text().splitlines() if (n := line.partition("#")[0].strip())]
    specs = {row["name"]: row for row in map(json.loads, LIST.read_text(encoding="utf-8").splitlines())}
    missing = [n for n in names if n not in specs or not (args.corpus / specs[n]["file"]).exists()]
    if missing:
        sys.exit(f"not in {args.corpus}: {', '.join(missing)}; fetch with: python -m benchmarks.collect_corpus FOLDER")
    kept = Keeper(args.corpus / "ecosystem.jsonl")
    with tempfile.TemporaryDirectory() as scratch:
        states = [state_of(word, Path(scratch) / str(i)) for i, word in enumerate((args.before, args.after))]
        pairs = []
        for name in names:
            rows = [kept.row(state, specs[name], args) for state in states]
            pairs.append((name, *rows))
            print(name, *(row["verdict"] for row in rows), file=sys.stderr, flush=True)
    print(f"{states[0].name} → {states[1].name}, {len(names)} models, {args.target}")
    lines = [line for name, before, after in pairs for line in difference(name, before, after)]
    print("\n".join(lines) or "nothing differs")
    worse = [name for name, before, after in pairs if is_worse(before, after)]
    print(f"worse: {', '.join(worse) or 'none'}")
    sys.exit(1 if worse else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", nargs="?", default="HEAD", metavar="BEFORE", help="a git revision, or a folder")
    parser.add_argument("after", nargs="?", default=".", metavar="AFTER", help="likewise")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the models", metavar="FOLDER")
    parser.add_argument("--target", default="rk3588:2.3.2", metavar="PLATFORM:VERSION")
    parser.add_argument("--build", action="store_true", help="compile, and compare the layer tables")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models")
    return parser.parse_args()


def state_of(word: str, scratch: Path) -> State:
    """The state that `word` names; it is copied to `scratch`, so that no edit under way gets in between."""
    folder = Path(word)
    if (folder / "rkgraph").is_dir():
        for part in PARTS:
            shutil.copytree(folder / part, scratch / part, ignore=shutil.ignore_patterns("__pycache__"))
        return State(word, scratch, _digest(scratch))
    asked = subprocess.run(
        ["git", "rev-parse", "--short", f"{word}^{{commit}}"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        sys.exit(f"{word}: is neither a git revision nor a folder with a tree of rkgraph")
    scratch.mkdir()
    archive = scratch.with_suffix(".tar")
    subprocess.run(["git", "archive", "-o", str(archive), asked.stdout.strip(), *PARTS], check=True, cwd=HERE.parent)
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return State(f"{word} ({asked.stdout.strip()})", scratch, _digest(scratch))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    files = (path for part in PARTS for path in sorted((folder / part).rglob("*")))
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class Keeper:
    """The rows that were measured so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows: dict[str, Row] = {row["key"]: row for row in map(json.loads, lines)}

    def row(self, state: State, spec: Row, args: argparse.Namespace) -> Row:
        """The row of a model in a state, measured where it is not known."""
        model = args.corpus.resolve() / spec["file"]
        content = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        key = " ".join((state.digest, content, args.target, "built" if args.build else "fixed"))
        if key not in self.rows:
            self.rows[key] = {"key": key, "name": spec["name"], **measure(state, model, spec, args)}
            write_text(self.path, "".join(json.dumps(row) + "\n" for row in self.rows.values()))
        return self.rows[key]


def measure(state: State, model: Path, spec: Row, args: argparse.Namespace) -> Row:
    """Fix the model, and compile it where that is asked for, by the commands of `state`."""
    platform, _, version = args.target.partition(":")
    where = ["--target", platform, "--toolkit", version or "2.3.2"]
    pins = [word for each in spec["sample_inputs"] if each["shape"] for word in ("--shape", _pin(each))]
    with tempfile.TemporaryDirectory() as scratch:
        fixed, report = Path(scratch) / "fixed.onnx", Path(scratch) / "report.json"
        options = [*where, *pins, "--allow", ALLOWED, "--proof", "local"]
        found = _run(state, report, "fix", str(model), *options, "-o", str(fixed))
        if isinstance(found, str):
            return {"verdict": "crashed", "error": found}
        row = read_fix(found)
        if args.build and fixed.exists():
            built = _run(state, report, "compile", str(fixed), *where, "-o", str(Path(scratch) / "m.rknn"))
            row["built"] = {"error": built} if isinstance(built, str) else read_build(built[-1])
        return row


def _run(state: State, report: Path, *words: str) -> Sequence[Row] | str:
    """The results that a command reports, or the last line of what it says where it reports none."""
    environment = {**os.environ, "PYTHONPATH": str(state.folder), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "rkgraph", *words, "--report", str(report), "--quiet"]
    report.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=report.parent, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"not ready after {SECONDS:g} s"
    if not report.exists():
        return next((x for x in done.stderr.splitlines() if x.startswith("error")), f"exit code {done.returncode}")
    results: Sequence[Row] = json.loads(report.read_text(encoding="utf-8"))["results"]
    return results


def _pin(spec: Row) -> str:
    return f"{spec['name']}={'x'.join(map(str, spec['shape']))}"


def read_fix(results: Sequence[Row]) -> Row:
    """What is compared of a report of `fix`: the results before and after."""
    before, after = results[0], results[-1]
    return {
        "raw": before["verdict"],
        "verdict": after["verdict"],
        "nodes": after["model"]["nodes"],
        "placement": dict(sorted(Counter(node["device"] for node in after["placement"]).items())),
        "applied": dict(sorted(Counter(fix["code"] for fix in after["fixes"]["applied"]).items())),
        "refused": dict(sorted(Counter(fix["code"] for fix in after["fixes"]["refused"]).items())),
        "refuted": sum(proof["outcome"] == "refuted" for proof in after["proofs"]),
    }


def read_build(result: Row) -> Row:
    """What is compared of a report of `compile`: verdict, totals, and layers by operator and place."""
    layers = [layer for stage in (result["compile"] or {}).get("stages", ()) for layer in stage["layers"]]
    table = Counter(f"{layer['op']} on {layer['target']}" for layer in layers)
    return {"verdict": result["verdict"], "cost": result["cost"], "layers": dict(sorted(table.items()))}


def difference(name: str, before: Row, after: Row) -> Iterator[str]:
    """Lines that say what differs between two rows of one model; none where nothing does."""
    lines = [f"  {key}: {before.get(key)} → {after.get(key)}" for key in ("raw", "verdict", "error", "refuted", "nodes")
             if before.get(key) != after.get(key)]  # fmt: skip
    lines += [line for key in ("placement", "applied", "refused") for line in _counts(key, before, after)]
    was, now = before.get("built", {}), after.get("built", {})
    lines += [f"  built {key}: {was.get(key)} → {now.get(key)}" for key in ("verdict", "error")
              if was.get(key) != now.get(key)]  # fmt: skip
    lines += [line for key in ("cost", "layers") for line in _counts(key, was, now)]
    if lines:
        yield name
        yield from lines


def _counts(key: str, before: Row, after: Row) -> Iterator[str]:
    was: Mapping[str, float] = before.get(key, {})
    now: Mapping[str, float] = after.get(key, {})
    words = [
        f"{k} {was.get(k, 0):,g} → {now.get(k, 0):,g}" for k in sorted({*was, *now}) if was.get(k, 0) != now.get(k, 0)
    ]
    if words:
        yield f"  {key}: {', '.join(words)}"


def is_worse(before: Row, after: Row) -> bool:
    """A crash or a refuted proof that was not there, a lower verdict, more layers on the CPU, more traffic."""
    if _rank(after["verdict"]) < _rank(before["verdict"]) or after.get("refuted", 0) > before.get("refuted", 0):
        return True
    was, now = before.get("built"), after.get("built")
    if not was or not now or "error" in was or "error" in now:
        return bool(was and "error" not in was and now and "error" in now)
    if was["verdict"] != "deployable":  # what could not be built cost nothing
        return _rank(now["verdict"]) < _rank(was["verdict"])
    more_cpu = now["cost"].get("cpu", 0) > was["cost"].get("cpu", 0)
    traffic = now["cost"].get("rw_kb", 0) > TRAFFIC * was["cost"].get("rw_kb", 0)
    return more_cpu or traffic or _rank(now["verdict"]) < _rank(was["verdict"])


def _rank(verdict: str) -> int:
    return BETTER.index(verdict) if verdict in BETTER else -1


if __name__ == "__main__":
    main()
