"""What an interpreter is and which torch it has, asked by running it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import UsageError

__all__ = ["InstalledTorch", "Interpreter", "inspect_python"]

_PROBE = Path(__file__).with_name("probe_python.py")


@dataclass(frozen=True)
class InstalledTorch:
    """A torch that can be shared: its version, and the files and folders of it and its requirements."""

    version: str
    entries: tuple[Path, ...]


@dataclass(frozen=True)
class Interpreter:
    """An interpreter: its path, minor version such as (3, 11), and torch if it has one."""

    path: Path
    version: tuple[int, int]
    torch: InstalledTorch | None = None

    @property
    def dotted(self) -> str:
        """E.g. "3.11"."""
        return "{}.{}".format(*self.version)

    @property
    def tag(self) -> str:
        """E.g. "cp311": what compiled packages are made for."""
        return "cp{}{}".format(*self.version)


def inspect_python(python: Path, option: str = "--python") -> Interpreter:
    """Ask `python`. Raises UsageError, naming `option`, for what is no interpreter."""
    try:
        asked = subprocess.run(
            [os.fspath(python), "-E", os.fspath(_PROBE)], capture_output=True, text=True, timeout=60, check=False
        )
        said = json.loads(asked.stdout)
        torch = said["torch"] and InstalledTorch(said["torch"]["version"], tuple(map(Path, said["torch"]["entries"])))
        return Interpreter(python, (said["version"][0], said["version"][1]), torch)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(getattr(error, "strerror", None) or error)
    except (ValueError, KeyError, TypeError):
        reason = (asked.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    raise UsageError(f"{option} {python}: is no Python 3 interpreter that runs ({reason})", f"check {option}")
