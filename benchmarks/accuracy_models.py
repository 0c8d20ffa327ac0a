"""The models of `lint_accuracy.py`: the backend suites in wheels of onnx, and the public models of a folder."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError

from rkgraph.graph.proto import pb

__all__ = ["Subject", "public_models", "suite_folder", "suite_models"]

DATA = "onnx/backend/test/data"

OLDEST_PLATFORM = ("--python-version", "3.11", "--platform", "manylinux2014_x86_64")
"""The models are the same in every wheel; this one exists for all versions that are asked for."""


@dataclass(frozen=True)
class Subject:
    """A model to ask about: an id for people, its file, and the shapes to pin its inputs to."""

    id: str
    path: Path
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)


def suite_folder(version: str, cache: Path) -> Path:
    """The backend suite of an onnx version, taken out of its wheel into `cache` if it is not there yet.

    Raises:
        RuntimeError: the wheel cannot be had, or has no suite.
    """
    folder = cache / f"onnx-{version}-suite"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        wheels, made = Path(scratch) / "wheels", Path(scratch) / "suite"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += [*OLDEST_PLATFORM, "--dest", str(wheels), f"onnx=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = sorted(wheels.glob("*.whl"))
        if not found:
            raise RuntimeError(f"onnx {version} cannot be downloaded: {done.stderr.strip()[-300:]}")
        with zipfile.ZipFile(found[0]) as wheel:
            names = [n for n in wheel.namelist() if n.startswith(f"{DATA}/") and n.endswith(("/model.onnx", ".pb"))]
            if not names:
                raise RuntimeError(f"{found[0].name} has no models below {DATA}")
            for name in names:
                target = made / Path(name).relative_to(DATA)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(wheel.read(name))
        made.rename(folder)
    return folder


def suite_models(folder: Path, *, opsets: range) -> Iterator[Subject]:
    """The models KIND/NAME/model.onnx below `folder` whose opset of the standard domain is one of `opsets`."""
    root = folder / DATA if (folder / DATA).is_dir() else folder
    for path in sorted(root.glob("*/*/model.onnx")):
        if _opset(path) in opsets:
            yield Subject(f"{path.parent.parent.name}/{path.parent.name}", path)


def public_models(corpus: Path, listed: Sequence[Path]) -> Iterator[Subject]:
    """The models that `listed` (JSON lines, see `corpus.py`) name and that lie in `corpus`, each name once."""
    seen: set[str] = set()
    for line in (line for path in listed for line in path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        places = (corpus / row["file"], corpus / "models" / row["file"], corpus / Path(row["file"]).name)
        path = next((place for place in places if place.is_file()), None)
        if path is None or row["name"] in seen:
            continue
        seen.add(row["name"])
        shapes = {spec["name"]: tuple(spec["shape"]) for spec in row["sample_inputs"] if spec["shape"]}
        yield Subject(row["name"], path, shapes)


def _opset(path: Path) -> int:
    """Opset of the standard domain; 0 where the model names none, or cannot be read."""
    try:
        model = pb.ModelProto.FromString(path.read_bytes())
    except DecodeError:
        return 0
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
