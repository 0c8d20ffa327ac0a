"""Printing: beautiful in a terminal, plain in a pipe. Results go to stdout, progress and notes to stderr.

rich is imported only where a terminal is there to show it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Lines", "Output", "plain_table", "print_error", "shown_line"]

Lines = Iterable[tuple[str, str]]
"""Lines of text, each with the name of its style, a key of STYLES ("" for none)."""

STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "good": "green",
    "dim": "dim",
    "title": "bold",
    "command": "bold cyan",
}
NARROWEST = 12
"""Columns of a terminal that a column of a table has at least, if its cells may be broken."""
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")


class Output:
    """Where a command prints. `quiet` drops progress and notes, `verbose` adds detail (the command decides which)."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        if quiet and verbose:
            raise UsageError("--quiet and --verbose contradict each other", "give one of the two")
        self.quiet = quiet
        self.verbose = verbose
        self._consoles: dict[bool, Console] = {}

    @property
    def is_terminal(self) -> bool:
        """True when stdout is a terminal."""
        return sys.stdout.isatty()

    @property
    def is_live(self) -> bool:
        """True when progress is a line that changes: stderr is a terminal."""
        return sys.stderr.isatty()

    def print(self, text: str = "", style: str | None = None) -> None:
        """A line of result. In a terminal it is wrapped, what follows indented; a command is never, to be pasted."""
        text = shown(text)
        if not self.is_terminal:
            print(text)  # noqa: T201
            return
        console = self._rich()
        fitted = command_lines(text, console.width) if style == "command" else wrapped(text, console.width)
        console.print(fitted, style=STYLES.get(style or "", ""), markup=False, highlight=False, soft_wrap=True)

    def lines(self, lines: Lines) -> None:
        """Lines of result, each in its style; a name that has a line feed makes no line of its own."""
        for text, style in lines:
            self.print(shown_line(text), style or None)

    def markdown(self, text: str) -> None:
        """Markdown of our own, set for the terminal, indented; in a pipe as it is."""
        if not self.is_terminal:
            print(text)  # noqa: T201
            return
        from rich.markdown import Markdown
        from rich.padding import Padding

        self._rich().print(Padding(Markdown(text, code_theme="ansi_light"), (0, 0, 0, 2)))

    def document(self, text: str) -> None:
        """A document for programs (JSON): UTF-8 whatever the terminal speaks, and not changed in any way."""
        typer.echo(text.encode(), nl=False)

    def note(self, text: str, style: str | None = None) -> None:
        """A line for the person, not for the pipe: to stderr, and not at all when quiet."""
        if self.quiet:
            return
        text = shown(text)
        if not sys.stderr.isatty():
            print(text, file=sys.stderr)  # noqa: T201
            return
        console = self._rich(stderr=True)
        fitted = command_lines(text, console.width) if style == "command" else wrapped(text, console.width)
        console.print(fitted, style=STYLES.get(style or "", ""), markup=False, highlight=False, soft_wrap=True)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        right: Sequence[int] = (),
        whole: Sequence[int] = (),
    ) -> None:
        """A table that fits the terminal; in a pipe, columns two spaces apart.

        Args:
            columns: their heads.
            rows: cells, one text for each column.
            right: columns to align right.
            whole: columns whose cells are not broken: names that are copied.
        """
        rows = [[shown(cell) for cell in row] for row in rows]
        if not self.is_terminal or not self._has_room(columns, rows, whole):
            for line in plain_table(columns, rows, right):
                print(line)  # noqa: T201
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for index, column in enumerate(columns):
            table.add_column(
                column, justify="right" if index in right else "left", overflow="fold", no_wrap=index in whole
            )
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._rich().print(table)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """A long step: a live line with the elapsed time in a terminal, a line at start and end in a pipe.

        Yields a function that replaces the text of the step while it runs.
        """
        started = time.monotonic()
        text = shown_line(text)
        if self.quiet:
            yield lambda _text: None
            return
        if not sys.stderr.isatty():
            print(f"{text} …", file=sys.stderr, flush=True)  # noqa: T201
            yield lambda _text: None
            print(f"{text}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
            return
        from rich.markup import escape
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._rich(stderr=True), transient=True) as live:
            task = live.add_task(escape(text), total=None)
            yield lambda more: live.update(task, description=escape(f"{text}: {shown_line(more)}"))
        self.note(f"✓ {text} ({time.monotonic() - started:.1f} s)", "dim")

    def _has_room(self, columns: Sequence[str], rows: Sequence[Sequence[str]], whole: Sequence[int]) -> bool:
        """Whether a table fits the terminal with its `whole` columns whole; else these would be cut."""
        wanted = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
        least = sum(size if i in whole else min(size, NARROWEST) for i, size in enumerate(wanted))
        return least + 2 * len(columns) <= self._rich().width

    def _rich(self, stderr: bool = False) -> Console:
        """One console a stream: what is printed while a live line runs goes above it."""
        if stderr not in self._consoles:
            from rich.console import Console

            self._consoles[stderr] = Console(stderr=stderr)
        return self._consoles[stderr]


def shown(text: str) -> str:
    """Text that may hold names of a model or a file: what a terminal would obey, and what nobody sees, spelled out."""
    if text.isprintable():
        return text
    from rkgraph.report.visible import visible

    return visible(text)


def shown_line(text: str) -> str:
    """The same as one line."""
    return text if text.isprintable() else shown(text).replace("\n", "\\n")


def print_error(message: str, hint: str = "") -> None:
    """What is wrong and how to mend it, on stderr; the hint is not wrapped, for it may be a command."""
    message, hint = shown(message), shown(hint)
    if not sys.stderr.isatty():
        print(f"error: {message}", *([f"  hint: {hint}"] if hint else []), sep="\n", file=sys.stderr)  # noqa: T201
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    body = wrapped(f"error: {message}", console.width)
    console.print(Text.assemble(("error:", STYLES["error"]), body.removeprefix("error:")), soft_wrap=True)
    if hint:
        console.print(Text.assemble("  ", ("hint:", STYLES["title"]), f" {hint}"), soft_wrap=True)


def wrapped(text: str, width: int) -> str:
    """A line folded to `width` columns, what follows indented below it; words are never broken."""
    import textwrap

    if len(text) <= width:
        return text
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    return textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def command_lines(text: str, width: int) -> str:
    """A command that is wider than `width` on several lines that the shell takes as one.

    An option keeps its value beside it. `text` may be indented, and may begin with a prompt.
    """
    if len(text) <= width:
        return text
    words = _WORD.findall(text)
    if "".join("".join(words).split()) != "".join(text.split()):  # quotes that do not match
        return text
    indent = " " * (len(text) - len(text.lstrip()))
    lines: list[str] = []
    for part in _with_values(words):
        room = width - len(indent) - len("    ") - len(" \\")
        if lines and len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return indent + f" \\\n{indent}    ".join(lines)


def _with_values(words: Sequence[str]) -> list[str]:
    """The words of a command, each option together with what follows it."""
    parts: list[str] = []
    for word in words:
        if parts and not word.startswith("-"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of a table in plain text, columns two spaces apart, no trailing spaces."""
    lines = [list(columns), *[[cell.replace("\n", " ") for cell in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
