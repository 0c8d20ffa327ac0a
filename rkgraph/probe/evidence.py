"""Evidence files: the models once, and what became of each on a target.

`cases.jsonl` holds {"id", "op", "model"}, `rknn-VERSION/PLATFORM-PRECISION.jsonl` holds {"id", "outcome", …} by id, and
`PLATFORM-PRECISION.device.jsonl` beside it the same with "grade": "device", as boards say.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError
from rkgraph.files import write_text
from rkgraph.probe.case import Case
from rkgraph.probe.shorthand import restored, shortened
from rkgraph.resources import data_folder
from rkgraph.targets import Target

__all__ = [
    "add_device_lines",
    "device_file",
    "device_lines_of",
    "evidence_folder",
    "lines_of",
    "measured_targets",
    "models_of",
    "target_file",
    "write_evidence",
]


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


def device_file(target: Target, folder: Path | None = None) -> Path:
    """The file of what boards say of a target."""
    return target_file(target, folder).with_suffix(".device.jsonl")


def device_lines_of(target: Target, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The lines of boards by case id, above the compiler's; none where no board was asked.

    "outcome" is that of an op table: "npu" or "cpu" where it ran right, "no-kernel" where the board refused it,
    "unknown" where it gave wrong numbers. "layers" are the compiler's, "detail" says why. Raises ValueError for no
    JSON.
    """
    path = device_file(target, folder)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {line["id"]: line for line in map(json.loads, text.splitlines())}


def models_of(folder: Path | None = None) -> dict[str, Case]:
    """All models that evidence is about, by case id."""
    text = ((folder or evidence_folder()) / "cases.jsonl").read_text(encoding="utf-8")
    lines = map(json.loads, text.splitlines())
    return {line["id"]: Case(line["id"], line["op"], restored(line["model"])) for line in lines}


def write_evidence(
    cases: Mapping[str, Case],
    lines: Mapping[Target, Iterable[Mapping[str, Any]]],
    folder: Path | None = None,
    *,
    whole: bool = True,
) -> int:
    """Write the lines of targets, and the models that they are about, sorted by id: the same facts, the same bytes.

    Files of other targets stay as they are, and so do their models.

    Args:
        cases: models by id.
        lines: what became of them on each target.
        folder: where to; that of the repository unless given.
        whole: `cases` are all that there are; else the lines of other cases stay, too.

    Returns:
        The size of all evidence in the folder, in bytes.

    Raises:
        UsageError: the folder cannot be written, what is there is no evidence, or it is about another model of one id.
    """
    place = folder or evidence_folder()
    new = {target_file(t, place): {str(line["id"]): line for line in of_target} for t, of_target in lines.items()}
    kept = {path: _kept(path, new, () if whole else cases) for path in sorted(place.glob("rknn-*/*.jsonl"))}
    models = _models(new, cases, kept, _models_before(place), place)
    for path, of_target in new.items():
        ordered = sorted({**kept.get(path, {}), **of_target}.items())
        _write_jsonl(path, (line for _, line in ordered), drop={"op"})
    _write_cases(models, place)
    return sum(path.stat().st_size for path in (place / "cases.jsonl", *place.glob("rknn-*/*.jsonl")))


def add_device_lines(
    target: Target, lines: Iterable[Mapping[str, Any]], cases: Mapping[str, Case], folder: Path | None = None
) -> Path:
    """Add what a board says to the file of its target, and the models that are new. The latest word on a case stays.

    Args:
        target: what was built.
        lines: by a board.
        cases: their models by id.
        folder: where the evidence is; that of the repository unless given.

    Returns:
        The file.

    Raises:
        UsageError: as `write_evidence`.
    """
    place = folder or evidence_folder()
    path, known = device_file(target, place), _models_before(place)
    new = {str(line["id"]): line for line in lines}
    for name in new:
        if name in known and known[name].text != cases[name].text:
            raise UsageError(
                f"{place / 'cases.jsonl'}: has another model of {name} than the board ran",
                "make the check again: rkgraph board-check",
            )
    before = {str(line["id"]): line for line in _read_jsonl(path)} if path.exists() else {}
    _write_jsonl(path, (line for _, line in sorted({**before, **new}.items())), drop={"op"})
    if not new.keys() <= known.keys():
        _write_cases({**known, **{name: cases[name] for name in new}}, place)
    return path


def _write_cases(models: Mapping[str, Case], place: Path) -> None:
    ordered = [each for _, each in sorted(models.items())]
    _write_jsonl(place / "cases.jsonl", ({"id": c.id, "op": c.op, "model": shortened(c.text)} for c in ordered))


_Lines = Mapping[str, Mapping[str, Any]]


def _kept(path: Path, new: Mapping[Path, _Lines], renewed: Collection[str]) -> _Lines:
    """The lines of a file that stay: all where it is not written anew, else those of cases that are not renewed."""
    if path in new and not renewed:
        return {}
    there = {str(line["id"]): line for line in _read_jsonl(path)}
    return {name: line for name, line in there.items() if path not in new or name not in renewed}


def _models(
    new: Mapping[Path, _Lines],
    cases: Mapping[str, Case],
    kept: Mapping[Path, _Lines],
    before: Mapping[str, Case],
    place: Path,
) -> dict[str, Case]:
    """The models of all lines, old and new. Raises UsageError where these disagree about one."""
    models = {name: before[name] for of_file in kept.values() for name in of_file if name in before}
    for name in {name for of_file in new.values() for name in of_file}:
        if models.setdefault(name, cases[name]).text != cases[name].text:
            holder = next(path for path, of_file in kept.items() if name in of_file)
            raise UsageError(
                f"{holder}: is about another model of {name}", f"write all targets: rkgraph probe --export {place}"
            )
    return models


def _models_before(folder: Path) -> dict[str, Case]:
    return models_of(folder) if (folder / "cases.jsonl").exists() else {}


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise UsageError(f"{path}: is no evidence ({error})", "give another folder, or move it away") from error


def _write_jsonl(path: Path, lines: Iterable[Mapping[str, Any]], drop: Collection[str] = ()) -> None:
    """Write one JSON object a line, without the keys in `drop`."""
    kept = ({key: value for key, value in line.items() if key not in drop} for line in lines)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in kept)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent}: cannot be made ({error.strerror})", "give another folder") from error
    write_text(path, text)
