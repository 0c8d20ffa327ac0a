"""What an explanation is made of: sections of lines, each of a kind; how it looks is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Explanation", "Kind", "Line", "Section", "command", "item", "text"]


class Kind(Enum):
    """How a line is meant: a sentence, an item of a list, something to paste, a file's part to paste, Markdown."""

    TEXT = "text"
    ITEM = "item"
    COMMAND = "command"
    TOML = "toml"
    CARD = "card"


@dataclass(frozen=True)
class Line:
    """One line; of the kinds TOML and CARD a text of several lines."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Explanation:
    """A finding, explained; `severity` is for colour."""

    title: str
    severity: str
    sections: tuple[Section, ...]


def text(words: str) -> Line:
    """A sentence."""
    return Line(Kind.TEXT, words)


def item(words: str) -> Line:
    """An item of a list."""
    return Line(Kind.ITEM, words)


def command(words: str) -> Line:
    """A command to paste."""
    return Line(Kind.COMMAND, words)
