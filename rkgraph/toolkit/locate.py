"""Finds an installed toolkit: the managed one of a version, or the one of an interpreter that was pointed at."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import TargetError, ToolkitMissing
from rkgraph.toolkit.catalog import VERSIONS
from rkgraph.toolkit.stamp import BadStamp, read_stamp

__all__ = ["Toolkit", "default_home", "find_toolkit", "toolkit_folder"]

_WORKER = Path(__file__).with_name("worker.py")
_ASK_VERSION = "import importlib.metadata as m; print(m.version('rknn-toolkit2'))"


@dataclass(frozen=True)
class Toolkit:
    """An rknn-toolkit2 that can be run.

    Attributes:
        version: e.g. "2.3.2".
        python: the interpreter it is installed in.
        worker: the command that starts its worker; empty for the real one (a replay of recorded sessions
            puts its own here).
    """

    version: str
    python: Path
    worker: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The command line that starts the worker, without its arguments."""
        return self.worker or (os.fspath(self.python), "-I", os.fspath(_WORKER))


def default_home() -> Path:
    """Where managed toolkits live unless RKGRAPH_HOME says otherwise: the user's cache folder."""
    import platformdirs

    return platformdirs.user_cache_path("rkgraph")


def toolkit_folder(version: str, home: Path | None = None) -> Path:
    """The folder of the managed environment of `version`, installed or not."""
    return (home or default_home()) / "toolkits" / version


def find_toolkit(version: str, python: Path | None = None, home: Path | None = None) -> Toolkit:
    """The toolkit of `version`: in `python` if given, else the managed environment below `home`.

    Raises:
        ToolkitMissing: not installed (the hint installs it), or `python` has none.
        TargetError: rkgraph does not know the version, or `python` has another one.
    """
    if python is not None:
        return _in_interpreter(version, python)
    if version not in VERSIONS:
        raise TargetError(
            f"rknn-toolkit2 {version} is not one that rkgraph installs ({', '.join(VERSIONS)})",
            "choose one of these with --toolkit, or point at your own with --toolkit-python",
        )
    folder = toolkit_folder(version, home)
    hint = f"rkgraph toolkit install {version}"
    try:
        stamp = read_stamp(folder)
    except FileNotFoundError:
        reason = "was not installed to its end" if folder.is_dir() else "is not installed"
        raise ToolkitMissing(f"rknn-toolkit2 {version} {reason}", hint) from None
    except BadStamp as error:
        raise ToolkitMissing(f"rknn-toolkit2 {version}: {error}", f"{hint} --force") from error
    interpreter = folder / "venv" / "bin" / "python"
    if not interpreter.exists():
        raise ToolkitMissing(
            f"rknn-toolkit2 {version}: its interpreter {stamp.base} is gone",
            f"{hint} --force",
        )
    return Toolkit(version, interpreter)


def _in_interpreter(version: str, python: Path) -> Toolkit:
    """The toolkit that `python` can import; it must be `version`."""
    try:
        asked = subprocess.run(
            [os.fspath(python), "-I", "-c", _ASK_VERSION], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not answer"
        raise ToolkitMissing(
            f"{python} cannot be run as a Python interpreter ({why})", "check --toolkit-python"
        ) from error
    if asked.returncode != 0:
        raise ToolkitMissing(f"{python} has no rknn-toolkit2", f"rkgraph toolkit install {version}")
    found = asked.stdout.strip()
    if found != version:
        raise TargetError(f"{python} has rknn-toolkit2 {found}, not {version}", f"give --toolkit {found}")
    return Toolkit(version, python)
