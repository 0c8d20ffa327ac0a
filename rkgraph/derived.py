"""Data files in two forms: a TOML source for people, and a JSON derived from it that loads in milliseconds.

`NAME.index.json` carries the SHA-256 of `NAME.toml`. Reading checks it, so a source that was edited without deriving
again is an error with the command that mends it, never a stale answer.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError
from rkgraph.files import write_text

__all__ = ["derive", "parse_toml", "read_derived", "read_toml"]


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML source. Raises UsageError naming the file and the line where it is not TOML."""
    return parse_toml(path.read_text(encoding="utf-8"), str(path))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Parse TOML. Raises UsageError with `name` and the line where it is not TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: is not TOML: {error}", "mend it there, or give another file") from error


def index_of(source: Path) -> Path:
    """Where the derived form of `source` lies: beside it, `NAME.index.json`."""
    return source.with_name(f"{source.stem}.index.json")


def derive(source: Path, convert: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Path:
    """Write the derived JSON of `source`; `convert` turns the parsed TOML into what is to be loaded.

    The keys "source" and "digest" are added. Returns the path written.
    """
    document = {"source": source.name, "digest": _digest(source), **convert(read_toml(source))}
    path = index_of(source)
    write_text(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    return path


def read_derived(source: Path) -> dict[str, Any]:
    """Load the derived JSON of `source`, having checked that it was derived from the source as it is now.

    Raises:
        UsageError: the index is missing, is not JSON, or was derived from another text of the source.
    """
    path = index_of(source)
    mend = "run: python -m rkgraph.tables.index"
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"{path}: is missing", mend) from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON: {error}", mend) from error
    if document.get("digest") != _digest(source):
        raise UsageError(f"{path}: was derived from another text of {source.name}", mend)
    return document


def _digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()
