"""What a predicate says of one candidate, and the error of a model that does not show what it is said to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError

__all__ = ["NotShown", "Outcome", "Predicate", "Slipped"]


@dataclass(frozen=True)
class Outcome:
    """What was seen of a model.

    Attributes:
        shows: whether it shows what is looked for.
        says: in a clause, what was seen, e.g. "it builds, and every node has a kernel".
        nodes: names of nodes (or of their outputs) that it has to do with, as far as it is known; where to look first.
        record: whatever the maker of the predicate wants back with the result; never looked at here.
    """

    shows: bool
    says: str = ""
    nodes: tuple[str, ...] = ()
    record: Any = None


Predicate = Callable[[Path], Outcome]
"""Looks at the .onnx file at a path (its weights inside, or beside it in PATH.data). It must be deterministic."""


class Slipped(Exception):
    """A second look does not see what the predicate saw: it is not the same each time."""


class NotShown(UsageError):
    """The model does not show what it is to be reduced for."""
