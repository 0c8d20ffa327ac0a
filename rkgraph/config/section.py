"""What one source says: a file, a section of it, or the command line. Apart: commands without a file stay quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from rkgraph.records import Record

__all__ = ["Section"]


class Section(Record):
    """Some settings: key → value, and key → where it stands ("rkgraph.toml:7").

    `glob` says for which models; None: for all.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    glob: str | None = None
