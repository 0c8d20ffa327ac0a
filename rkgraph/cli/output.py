"""Printing: beautiful in a terminal, plain in a pipe. Results go to stdout, progress and notes to stderr.

rich is imported only where a terminal is there to show it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Output"]

STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "good": "green",
    "dim": "dim",
    "title": "bold",
    "command": "bold cyan",
}


class Output:
    """Where a command prints. `quiet` drops progress and notes, `verbose` adds detail (the command decides which)."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self._console: Console | None = None

    @property
    def is_terminal(self) -> bool:
        """True when stdout is a terminal."""
        return sys.stdout.isatty()

    def print(self, text: str = "", style: str | None = None) -> None:
        """One or more lines of result. `style` is a key of STYLES; `text` is never read as markup."""
        if self.is_terminal:
            self._rich().print(text, style=STYLES.get(style or "", ""), markup=False, highlight=False)
        else:
            print(text)  # noqa: T201

    def note(self, text: str, style: str | None = None) -> None:
        """A line for the person, not for the pipe: to stderr, and not at all when quiet."""
        if self.quiet:
            return
        if sys.stderr.isatty():
            from rich.console import Console

            Console(stderr=True).print(text, style=STYLES.get(style or "", ""), markup=False, highlight=False)
        else:
            print(text, file=sys.stderr)  # noqa: T201

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """A table that fits the terminal; in a pipe, columns two spaces apart. `right`: columns to right-align."""
        if self.is_terminal:
            from rich import box
            from rich.table import Table
            from rich.text import Text

            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            for index, column in enumerate(columns):
                table.add_column(column, justify="right" if index in right else "left", overflow="fold")
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            self._rich().print(table)
        else:
            for line in plain_table(columns, rows, right):
                print(line)  # noqa: T201

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """A long step: a live line with the elapsed time in a terminal, a line at start and end in a pipe.

        Yields a function that replaces the text of the step while it runs.
        """
        started = time.monotonic()
        if self.quiet:
            yield lambda _text: None
            return
        if not sys.stderr.isatty():
            print(f"{text} …", file=sys.stderr, flush=True)  # noqa: T201
            yield lambda _text: None
            print(f"{text}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
            return
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as live:
            task = live.add_task(escape(text), total=None)
            yield lambda more: live.update(task, description=escape(f"{text}: {more}"))
        self.note(f"✓ {text} ({time.monotonic() - started:.1f} s)", "dim")

    def _rich(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console()
        return self._console


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
