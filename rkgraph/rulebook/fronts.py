"""What the front matters of all cards say, as JSON: reading TOML for each card costs lint more than all else of a rule.

`rules/index.json` has a line for each card: its stem, the digest of its front matter's text, and that text parsed. A
line counts only for the very text that it was made of. A card that was edited since, or that is not in it, is parsed as
if there were no index: that is slower and never wrong. `python -m rkgraph.rulebook.fronts` writes it, and a test holds
it current.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rkgraph.resources import data_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["index_path", "index_text", "parsed_front"]


def parsed_front(text: str, stem: str) -> Mapping[str, Any]:
    """The table that the text of a card's front matter holds. Raises tomllib.TOMLDecodeError."""
    digest, front = _index().get(stem, (None, {}))
    return front if digest == _digest(text) else tomllib.loads(text)


def index_path() -> Path:
    """Where the index lies: beside the cards."""
    return data_folder("rules") / "index.json"


def index_text(fronts: Mapping[str, str]) -> str:
    """The index of cards, whose front matters are given as text by stem; a line each, so that edits do not collide."""
    lines = (
        f"{json.dumps(stem)}: {json.dumps([_digest(text), tomllib.loads(text)], ensure_ascii=False)}"
        for stem, text in sorted(fronts.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


@cache
def _index() -> Mapping[str, Any]:
    """Digest and table by stem; nothing where the index is missing, or unreadable after a merge."""
    try:
        index = json.loads(index_path().read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
