"""What makes two failures the same: the stage, the signal, and the words of the error but for names and numbers.

Error texts name nodes and tensors, which a reduction removes and renames, and shapes, which it shrinks. So a text is
compared word by word: a name in one model matches a name in the other, any number any number, a list any list, and
every other word only itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import onnx

from rkgraph.graph.walk import all_graphs

__all__ = ["Failure", "Word", "innermost_frames", "names_in", "running_pass", "same_words", "words_of"]

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[^\s'"(),;=]+""")
_LIST = re.compile(r"""\[(?=[^\[\]]*[\d'"])[\s\w,.'"+/-]*\]|\([\s\d,.+-]*\d[\s\d,.+-]*\)""")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAME_ENDS = re.compile(r"[-_#:/.@]")
_FRAME = re.compile(r'File "(?:[^"]*[\\/])?([^"\\/]+)", line (\d+)')
_FRAMES = 3
_PASS = re.compile(r"(>{4,}|<{4,}) (start|end): (\S+)")


@dataclass(frozen=True)
class Word:
    """A word of an error; `is_name` where it is, or begins with, a name of the model."""

    text: str
    is_name: bool = False

    def matches(self, other: Word) -> bool:
        """Equal, or both are names."""
        return self.text == other.text or (self.is_name and other.is_name)


@dataclass(frozen=True)
class Failure:
    """The signature of a build that does not succeed.

    Attributes:
        outcome: "load-failed", "build-failed", "died" …, as of the worker.
        stage: the last stage entered.
        signal: e.g. "SIGSEGV"; None where it ended otherwise.
        during: the compiler pass that was running when the process died, "" where none was.
        frames: where in the toolkit the error was raised: file and line of the innermost frames of the log's last
            trace; without it, two of its many KeyErrors would be one.
        error: the words of the error.
    """

    outcome: str
    stage: str
    signal: str | None
    during: str
    frames: tuple[str, ...]
    error: tuple[Word, ...]

    def matches(self, other: Failure) -> bool:
        """The same failure, names and numbers aside."""
        own, theirs = ((each.outcome, each.stage, each.signal, each.during, each.frames) for each in (self, other))
        return own == theirs and same_words(self.error, other.error)

    def __str__(self) -> str:
        how = f"{self.outcome} at {self.stage}"
        by = f", {self.signal}" + (f" in {self.during}" if self.during else "") if self.signal else ""
        text = " ".join("…" if word.is_name else word.text for word in self.error)
        where = f" ({self.frames[-1]})" if self.frames else ""
        return f"{how}{by}: {text}{where}"


def words_of(text: str, names: Collection[str]) -> tuple[Word, ...]:
    """The words of an error text; `names`: those of nodes and values of the model."""
    plain = _LIST.sub(" [#] ", text)
    return tuple(_word(token, names) for token in _TOKEN.findall(plain) if token.strip("'\".:"))


def same_words(first: tuple[Word, ...], second: tuple[Word, ...]) -> bool:
    """As many words, each matching."""
    return len(first) == len(second) and all(a.matches(b) for a, b in zip(first, second, strict=True))


def names_in(proto: onnx.ModelProto) -> frozenset[str]:
    """Every name of a node or a value, in subgraphs, too."""
    found: set[str] = set()
    for graph in all_graphs(proto.graph):
        found |= {tensor.name for tensor in graph.initializer}
        found |= {value.name for value in (*graph.input, *graph.output)}
        for node in graph.node:
            found |= {node.name, *node.input, *node.output}
    return frozenset(found - {""})


def running_pass(log: str) -> str:
    """The compiler's pass that a log says was begun and not ended; "" where there is none."""
    open_passes: list[str] = []
    for arrow, _, name in _PASS.findall(log):
        if arrow[0] == ">":
            open_passes.append(name)
        elif name in open_passes:
            open_passes.remove(name)
    return open_passes[-1] if open_passes else ""


def innermost_frames(log: str) -> tuple[str, ...]:
    """File and line of the innermost frames of the last trace in a log; empty where there is none."""
    _, _, trace = log.rpartition("Traceback (most recent call last)")
    frames = [f"{file}:{line}" for file, line in _FRAME.findall(trace)]
    return tuple(frames[-_FRAMES:])


def _word(token: str, names: Collection[str]) -> Word:
    bare = token.strip("'\"").rstrip(".:")
    if bare in names or any(bare[: mark.start()] in names for mark in _NAME_ENDS.finditer(bare)):
        return Word(bare, True)
    return Word(_NUMBER.sub("#", bare))
