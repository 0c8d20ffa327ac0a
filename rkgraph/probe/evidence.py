"""Evidence files: the models once, and what became of each on a target.

`cases.jsonl` holds {"id", "op", "model"}, `rknn-VERSION/PLATFORM-PRECISION.jsonl` holds {"id", "outcome", …} by id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError
from rkgraph.files import write_text
from rkgraph.probe.case import Case
from rkgraph.resources import data_folder
from rkgraph.targets import Target

__all__ = ["evidence_folder", "lines_of", "measured_targets", "models_of", "target_file", "write_evidence"]


def evidence_folder() -> Path:
    """Where the repository keeps its evidence."""
    return data_folder("op_tables") / "evidence"


def target_file(target: Target, folder: Path | None = None) -> Path:
    """The file of a target's lines."""
    return (folder or evidence_folder()) / f"rknn-{target.toolkit}" / f"{target.platform}-{target.precision}.jsonl"


def measured_targets(version: str, folder: Path | None = None) -> tuple[Target, ...]:
    """The targets of a toolkit version that there is evidence for, by name."""
    files = sorted(((folder or evidence_folder()) / f"rknn-{version}").glob("*-*.jsonl"))
    names = [path.name.removesuffix(".jsonl") for path in files if ".device." not in path.name]
    return tuple(Target(platform, version, precision) for platform, precision in (n.split("-", 1) for n in names))


def lines_of(target: Target, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The lines of a target by case id. Raises OSError where there is no file, ValueError for no JSON."""
    text = target_file(target, folder).read_text(encoding="utf-8")
    return {line["id"]: line for line in map(json.loads, text.splitlines())}


def models_of(folder: Path | None = None) -> dict[str, Case]:
    """All models that evidence is about, by case id."""
    text = ((folder or evidence_folder()) / "cases.jsonl").read_text(encoding="utf-8")
    return {line["id"]: Case(line["id"], line["op"], line["model"]) for line in map(json.loads, text.splitlines())}


def write_evidence(
    cases: Mapping[str, Case], lines: Mapping[Target, Iterable[Mapping[str, Any]]], folder: Path | None = None
) -> int:
    """Write the models that lines are about, and every target's lines, sorted by id: the same bytes for the same facts.

    Returns:
        The size of the files in bytes.

    Raises:
        UsageError: the folder cannot be written.
    """
    place = folder or evidence_folder()
    used: set[str] = set()
    size = 0
    for target, of_target in lines.items():
        ordered = sorted(of_target, key=lambda line: str(line["id"]))
        used |= {line["id"] for line in ordered}
        size += _write_jsonl(target_file(target, place), ordered, drop={"op"})
    models = [{"id": c.id, "op": c.op, "model": c.text} for name, c in sorted(cases.items()) if name in used]
    return size + _write_jsonl(place / "cases.jsonl", models)


def _write_jsonl(path: Path, lines: Iterable[Mapping[str, Any]], drop: Collection[str] = ()) -> int:
    """Write one JSON object a line without the keys in `drop`; the size in bytes."""
    kept = ({key: value for key, value in line.items() if key not in drop} for line in lines)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in kept)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent}: cannot be made ({error.strerror})", "give another folder") from error
    write_text(path, text)
    return len(text.encode())
