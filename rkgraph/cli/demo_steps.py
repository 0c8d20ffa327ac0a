"""The demo's steps: commands as a user types them, run once for the same input.

What a step read, wrote and was told is remembered by content (SHA-256), together with the program itself; a step
whose every digest is unchanged is not run again.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rkgraph.cli.output import Output
from rkgraph.errors import RkgraphError
from rkgraph.files import write_text
from rkgraph.resources import data_folder

__all__ = ["Memory", "Step", "StepFailed", "digest_of", "run_step"]


class StepFailed(RkgraphError):
    """A command of the demo ended otherwise than it should; it has said why itself."""


@dataclass(frozen=True)
class Step:
    """One command line.

    Attributes:
        title: what it does, for the reader.
        arguments: after `rkgraph`.
        reads, writes: files or folders that decide whether it must run again; with no `writes` it always runs.
        good: exit codes that let the demo go on.
    """

    title: str
    arguments: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    good: tuple[int, ...] = (0,)

    @property
    def line(self) -> str:
        """The command as one types it."""
        return shlex.join(("rkgraph", *self.arguments))


class Memory:
    """What is known of earlier runs: key → digests of what was written, or any other plain data. Kept in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # the first run, or a file that is of no use: begin anew
            known = {}
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}

    def recall(self, key: str) -> Any:
        """What `keep` was given under `key`, or None."""
        return self._known.get(key)

    def keep(self, key: str, data: Any) -> None:
        """Remember plain data."""
        self._known[key] = data
        write_text(self._file, json.dumps(self._known, ensure_ascii=False, indent=1) + "\n")


def run_step(step: Step, memory: Memory, out: Output, run: Callable[[Sequence[str]], int] | None = None) -> bool:
    """Show the command and run it, unless all is as it was; True where it ran.

    Raises:
        StepFailed: it ended with another exit code than `step.good`.
    """
    out.print()
    out.print(step.title, "title")
    out.print(f"$ {step.line}", "command")
    key = f"{step.line} {digest_of(step.reads)} {_program()}"
    if step.writes and memory.recall(key) == digest_of(step.writes):
        out.print("unchanged since the last run", "dim")
        return False
    code = (run or _run)(step.arguments)
    if code not in step.good:
        error = StepFailed(f"`{step.line}` ended with exit code {code}", "run it by itself to see more")
        error.exit_code = _exit_code(code)
        raise error
    if step.writes:
        memory.keep(key, digest_of(step.writes))
    return True


def digest_of(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents of files, and of all files in folders; a missing file counts as missing."""
    total = hashlib.sha256()
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            total.update(str(file).encode(errors="surrogateescape"))
            total.update(_digest(file).encode())
    return total.hexdigest()


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            found = hashlib.sha256()
            while chunk := content.read(1 << 20):
                found.update(chunk)
    except OSError:
        return "missing"
    return found.hexdigest()


@lru_cache(maxsize=1)
def _program() -> str:
    """Rkgraph itself: its code, cards and op tables."""
    package = Path(__file__).resolve().parents[1]
    tables = data_folder("op_tables")
    return digest_of((*sorted(package.rglob("*.py")), data_folder("rules"), *sorted(tables.glob("*.toml"))))


def _run(arguments: Sequence[str]) -> int:
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-m", "rkgraph", *arguments], check=False).returncode


def _exit_code(code: int) -> Any:
    from rkgraph.errors import ExitCode

    return ExitCode(code) if code in set(ExitCode) else ExitCode.BUG
