"""On which line of a TOML file a key stands. Parsers do not tell; messages need it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

__all__ = ["line_of"]

_WORD = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_WORD}(?:[ \t]*\.[ \t]*{_WORD})*"
_HEADER = re.compile(rf"[ \t]*(?P<open>\[\[?)[ \t]*(?P<key>{_DOTTED})[ \t]*\]")
_KEY = re.compile(rf"[ \t]*(?P<key>{_DOTTED})[ \t]*=")

Step = str | int
"""A key of a table, or the place in a list of tables."""


def line_of(text: str, path: Sequence[Step]) -> int:
    """The line, counted from 1, of `path`, or else of the deepest part of it that has a line; 1 where none has.

    `path` leads from the top of the file: ("tool", "rkgraph", "suppress", 1, "code") is a key of the second table of a
    list. Lines within a text of several lines that look like a key are taken for one.
    """
    wanted = tuple(path)
    best, line = 0, 1
    for number, found in _keys(text):
        if found[: len(wanted)] == wanted:
            return number  # the key itself, or the first of what is in it
        if best < len(found) and wanted[: len(found)] == found:
            best, line = len(found), number
    return line


def _keys(text: str) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """Line and whole path of every header and key, in order."""
    table: tuple[Step, ...] = ()
    lists: Counter[tuple[Step, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = _numbered(_words(header["key"]), lists)
            if header["open"] == "[[":
                lists[table] += 1
                table = (*table, lists[table] - 1)
            yield number, table
            continue
        key = _KEY.match(line)
        if key is not None:
            yield number, (*table, *_words(key["key"]))


def _numbered(words: Sequence[str], lists: Counter[tuple[Step, ...]]) -> tuple[Step, ...]:
    """The path with the places of the lists that it goes through: always the last table so far."""
    path: tuple[Step, ...] = ()
    for word in words[:-1]:
        path = (*path, word)
        path = (*path, lists[path] - 1) if path in lists else path
    return (*path, words[-1])


def _words(dotted: str) -> list[str]:
    return [word.strip("\"'") if word[0] in "\"'" else word for word in re.findall(_WORD, dotted)]
