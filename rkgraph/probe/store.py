"""Facts of builds, kept by content: the same model for the same target is never built twice.

One small file a build, written under another name and renamed: safe to share between processes and to interrupt.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rkgraph.files import write_text
from rkgraph.probe.facts import Facts
from rkgraph.targets import Target

__all__ = ["ProbeStore"]

_METHOD = 1
"""Counts up when builds are made in another way, so that what was kept is measured again."""


class ProbeStore:
    """A folder of facts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, text: str, target: Target) -> Facts | None:
        """What was kept of a model (ONNX text) for a target; None where nothing is, or it cannot be read."""
        try:
            return Facts.read(json.loads(self._path(text, target).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, text: str, target: Target, facts: Facts) -> None:
        """Keep the facts of a model for a target. Raises UsageError where the folder cannot be written."""
        path = self._path(text, target)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(facts.record, ensure_ascii=False, separators=(",", ":")))

    def _path(self, text: str, target: Target) -> Path:
        what = "\0".join((str(_METHOD), target.toolkit, target.platform, target.precision, text))
        key = hashlib.sha256(what.encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.json"
