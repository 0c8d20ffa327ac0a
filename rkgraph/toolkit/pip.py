"""Runs pip in an environment: its output goes to a log file, a few words to the caller, trouble to an error."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkgraph.errors import UsageError

__all__ = ["DownloadPlan", "Pip"]

_STEPS = ("Collecting ", "Downloading ", "Processing ", "Building wheel", "Installing collected")
_PLAN_SECONDS = 20.0
_NOISE = ("WARNING: Location", "[notice]", "  Using cached")


@dataclass(frozen=True)
class DownloadPlan:
    """What pip would fetch: project names, and the size (MB) of what lies in local files already."""

    projects: tuple[str, ...]
    local_mb: float

    @property
    def has_gpu_packages(self) -> bool:
        """CUDA libraries are among them: several GB."""
        return any(name.startswith(("nvidia-", "triton")) for name in self.projects)


@dataclass(frozen=True)
class Pip:
    """pip of one interpreter. It is configured as the user's pip is: index, proxy, certificates.

    Attributes:
        python: the interpreter whose pip runs.
        log: the file that everything it prints is added to.
        tell: called with a few words as pip goes along.
    """

    python: Path
    log: Path
    tell: Callable[[str], None]

    def install(self, what: str, *arguments: str) -> None:
        """`pip install ARGUMENTS`; `what` names it in the error. Raises UsageError with pip's last relevant lines."""
        command = ["install", "--progress-bar", "off", *arguments]
        with self.log.open("a") as log:
            log.write(f"\n$ pip {' '.join(command)}\n")
            log.flush()
            code, tail = self._run(command, log)
        if code != 0:
            raise UsageError(f"pip could not install {what}: {_relevant(tail)}", f"the whole log is {self.log}")

    def plan(self, *requirements: str) -> DownloadPlan | None:
        """What `pip install` would fetch; None where pip cannot say.

        That is so for pip before 22.2, without a network, and with an index that serves no separate metadata: pip
        would download a whole wheel to look into it, so it is stopped after `_PLAN_SECONDS`.
        """
        with tempfile.TemporaryDirectory(prefix="rkgraph-pip-") as folder:
            report = Path(folder, "report.json")
            options = ("--dry-run", "--ignore-installed", "--quiet", "--report", os.fspath(report))
            try:
                subprocess.run(
                    self._command("install", *options, *requirements),
                    env={**_environment(), "TMPDIR": folder},
                    capture_output=True,
                    check=True,
                    timeout=_PLAN_SECONDS,
                )
                return _plan(json.loads(report.read_text()))
            except (subprocess.SubprocessError, OSError, ValueError, KeyError):
                return None

    def _run(self, command: Sequence[str], log: Any) -> tuple[int, list[str]]:
        """Run pip; its exit code and last lines."""
        tail: list[str] = []
        with subprocess.Popen(
            self._command(*command),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                for line in process.stdout or ():
                    log.write(line)
                    tail = [*tail[-39:], line.rstrip()]
                    if line.lstrip().startswith(_STEPS):
                        self.tell(_short(line))
            except BaseException:  # Ctrl-C: pip must not go on without us
                process.kill()
                raise
        return process.returncode, tail

    def _command(self, *arguments: str) -> list[str]:
        return [os.fspath(self.python), "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]


def _environment() -> dict[str, str]:
    """The user's environment without what would point pip at another place."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER")}


def _plan(report: dict[str, Any]) -> DownloadPlan:
    names, size = [], 0
    for item in report.get("install", ()):
        names.append(str(item["metadata"]["name"]).lower())
        url = str(item["download_info"]["url"])
        if url.startswith("file://"):
            from urllib.parse import unquote, urlsplit

            local = Path(unquote(urlsplit(url).path))
            size += local.stat().st_size if local.is_file() else 0
    return DownloadPlan(tuple(names), size / 1e6)


def _short(line: str) -> str:
    """For example `Downloading …/scipy-1.17.1-cp311.whl (35.1 MB)` becomes `downloading scipy-1.17.1 (35.1 MB)`."""
    verb, _, rest = line.strip().partition(" ")
    file, _, size = rest.partition(" ")
    name = file.rsplit("/", 1)[-1]
    if name.endswith((".whl", ".gz")):
        name = "-".join(name.split("-")[:2])
    return f"{verb.lower()} {name} {size if size.startswith('(') else ''}".strip()[:100]


def _relevant(tail: Sequence[str]) -> str:
    """The error lines of pip's own lines, else its last lines."""
    lines = [line for line in tail if line.strip() and not line.startswith(_NOISE)]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return "; ".join(errors[-2:] or lines[-3:]) or "it printed nothing"
