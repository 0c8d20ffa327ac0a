"""Results of the toolkit, kept by content: the same model, options and toolkit give the same .rknn and the same log.

An entry is a folder that is written under another name and renamed, so it is there whole or not at all. The least
recently used entries go when the whole grows beyond its bound.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CompileCache", "Entry", "digest_files", "key_of"]

DEFAULT_BYTES = 8 << 30
"""Room for about 150 builds of a 45 MB encoder."""

_SCHEMA = 1
_CHUNK = 1 << 20
_STALE_SECONDS = 86400.0


@dataclass(frozen=True)
class Entry:
    """What was kept: the folder with the files, and the facts that were stored with them."""

    folder: Path
    facts: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """Path of a stored file."""
        return self.folder / name


class CompileCache:
    """A folder of entries. Safe to share between processes; a damaged entry counts as absent and is removed."""

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_BYTES) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    def find(self, key: str) -> Entry | None:
        """The entry of a key, or None. Finding it makes it the most recently used."""
        folder = self.folder / key
        try:
            facts = json.loads((folder / "entry.json").read_bytes())
            sizes = {name: (folder / name).stat().st_size for name in facts["files"]}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            sizes, facts = {}, {"files": None}
        if sizes != facts["files"]:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(folder)
        return Entry(folder, facts["facts"])

    def store(self, key: str, files: Mapping[str, Path | bytes], facts: Mapping[str, Any]) -> Entry | None:
        """Keep copies of `files` and `facts`; None where the cache cannot be written: that is no reason to fail."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        except OSError:
            return None
        try:
            for name, content in files.items():
                if isinstance(content, bytes):
                    (work / name).write_bytes(content)
                else:
                    shutil.copyfile(content, work / name)
            sizes = {name: (work / name).stat().st_size for name in files}
            (work / "entry.json").write_text(json.dumps({"files": sizes, "facts": dict(facts)}))
            self._put(work, self.folder / key)
        except OSError:
            return None
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._evict(keep=key)
        return self.find(key)

    def _put(self, work: Path, folder: Path) -> None:
        try:
            work.rename(folder)
        except OSError:  # there is one already: an older copy of the same, or a damaged one
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)

    def _evict(self, keep: str) -> None:
        """Remove the least recently used entries beyond the bound, and what a killed process left half-written."""
        entries = []
        for folder in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process may be removing it
                size = sum(file.stat().st_size for file in folder.iterdir())
                entries.append((folder.stat().st_mtime, size, folder))
        total = sum(size for _, size, _ in entries)
        for used, size, folder in sorted(entries):
            unfinished = folder.name.startswith(".new-")
            if (
                (used < time.time() - _STALE_SECONDS)
                if unfinished
                else (total > self.limit_bytes and folder.name != keep)
            ):
                shutil.rmtree(folder, ignore_errors=True)
                total -= size


def key_of(parts: Mapping[str, Any]) -> str:
    """The key of what a result depends on: SHA-256 over its canonical JSON."""
    text = json.dumps({"schema": _SCHEMA, **parts}, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """SHA-256 over the contents of files in order, each with its length (90 MB take 50 ms)."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.stat().st_size.to_bytes(8, "little"))
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
