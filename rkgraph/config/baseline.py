"""A baseline: the findings that were there when somebody began to look. Only what is new makes a command fail.

The file is JSON with a line a finding, so that changes read well in a review. Findings are known by fingerprint and
target, models by their path from the folder of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rkgraph.config.notices import NOTICES, STALE
from rkgraph.diagnostics import Diagnostic, Location
from rkgraph.errors import UsageError
from rkgraph.files import write_text
from rkgraph.results import Result

__all__ = ["FILE", "Baseline", "Entry", "compared", "key_of", "read_baseline", "write_baseline"]

FILE = "rkgraph-baseline.json"
SCHEMA = "rkgraph.baseline/1"
LARGEST = 64 << 20
_NOTICES = frozenset(notice.code for notice in NOTICES)


@dataclass(frozen=True)
class Entry:
    """One finding: its fingerprint, and code and place for whoever reads the file."""

    fingerprint: str
    code: str
    at: str


@dataclass(frozen=True)
class Baseline:
    """Findings by model and target: "models/a.onnx" → "rknn-toolkit2 2.3.2 …" → entries."""

    models: Mapping[str, Mapping[str, tuple[Entry, ...]]] = field(default_factory=dict)

    def entries(self, model: str, target: str) -> tuple[Entry, ...] | None:
        """What was there; None where nothing is known of this model on this target."""
        return self.models.get(model, {}).get(target)

    def with_result(self, model: str, result: Result, *, grow: bool = True) -> Baseline:
        """The baseline as the result has it: gone are entries that are no longer found, and, to `grow`, new are in."""
        target = str(result.target)
        known = {entry.fingerprint for entry in self.entries(model, target) or ()}
        entries = tuple(
            Entry(d.fingerprint, d.code, str(d.at))
            for d in result.diagnostics
            if d.suppressed is None and d.code not in _NOTICES and (grow or d.fingerprint in known)
        )
        return Baseline({**self.models, model: {**self.models.get(model, {}), target: entries}})

    @property
    def fingerprints(self) -> frozenset[tuple[str, str, str]]:
        """All findings: model, target, fingerprint."""
        return frozenset(
            (model, target, entry.fingerprint)
            for model, targets in self.models.items()
            for target, entries in targets.items()
            for entry in entries
        )

    @property
    def count(self) -> int:
        """Of all findings."""
        return sum(len(entries) for targets in self.models.values() for entries in targets.values())


def key_of(model: str, baseline: Path) -> str:
    """The path of a model as a baseline at that place has it."""
    return Path(os.path.relpath(Path(model).resolve(), baseline.resolve().parent)).as_posix()


def compared(result: Result, known: Sequence[Entry]) -> Result:
    """The result with every finding held against what was known, and a note for each entry that is found no more."""
    fingerprints = {entry.fingerprint for entry in known}
    findings = [
        finding
        if finding.code in _NOTICES
        else replace(finding, baseline="unchanged" if finding.fingerprint in fingerprints else "new")
        for finding in result.diagnostics
    ]
    found = {finding.fingerprint for finding in result.diagnostics}
    findings += [_stale(entry) for entry in known if entry.fingerprint not in found]
    return replace(result, diagnostics=tuple(findings))


def _stale(entry: Entry) -> Diagnostic:
    message = f"{entry.code}, which the baseline has, is found no more: `rkgraph baseline prune` drops it"
    return STALE.finding(message, entry.code, entry.fingerprint, at=Location(value=entry.at))


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write the file, whole or not at all. Raises UsageError where it cannot be written."""
    write_text(path, "".join(f"{line}\n" for line in _lines(baseline)))


def _lines(baseline: Baseline) -> Iterable[str]:
    yield f'{{"schema": {json.dumps(SCHEMA)}, "models": {{'
    models = sorted(baseline.models.items())
    for place, (model, targets) in enumerate(models, 1):
        yield f" {json.dumps(model)}: {{"
        ordered = sorted(targets.items())
        for number, (target, entries) in enumerate(ordered, 1):
            yield f"  {json.dumps(target)}: ["
            for index, entry in enumerate(entries, 1):
                facts = {"fingerprint": entry.fingerprint, "code": entry.code, "at": entry.at}
                yield f"   {json.dumps(facts)}{',' if index < len(entries) else ''}"
            yield f"  ]{',' if number < len(ordered) else ''}"
        yield f" }}{',' if place < len(models) else ''}"
    yield "}}"


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises UsageError where it cannot be read, or is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: larger than {LARGEST >> 20} MB", "is it a baseline of rkgraph?")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such baseline", f"rkgraph baseline write MODEL… -o {path}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as a baseline ({error})", "write it anew") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise UsageError(f"{path}: is no baseline of rkgraph", f"rkgraph baseline write MODEL… -o {path}")
    try:
        return Baseline({_text(name): _targets(targets) for name, targets in data["models"].items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: is no baseline of rkgraph: an entry is broken", "write it anew") from error


def _targets(data: Mapping[str, Any]) -> Mapping[str, tuple[Entry, ...]]:
    return {_text(target): tuple(map(_entry, entries)) for target, entries in data.items()}


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(_text(data["fingerprint"]), _text(data["code"]), _text(data["at"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
