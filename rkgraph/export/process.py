"""Runs `worker.py` in the interpreter that has torch, and turns what it says into progress, results and errors."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rkgraph.errors import RkgraphError, UsageError

__all__ = ["ExportFailed", "run_worker"]

WORKER = Path(__file__).with_name("worker.py")
INSTALL = "pip install 'rkgraph[export,torch]'"
_LAST_LINES = 3
_SECONDS_TO_END = 10


class ExportFailed(RkgraphError):
    """torch's exporter raised or died, or what it wrote does not compute what torch computes."""


def run_worker(
    request: Mapping[str, Any], folder: Path, python: Path | None, on_progress: Callable[[str], None]
) -> dict[str, Any]:
    """Run one export request in `python` (default: this interpreter), with its files in `folder`.

    Returns:
        What the worker found out: {"inputs": names, "torch": version, "transformers": version}.

    Raises:
        UsageError: torch or transformers are missing, or the model folder cannot be loaded.
        ExportFailed: the exporter raised, or the process died.
    """
    log = folder / "log.txt"
    file = folder / "request.json"
    file.write_text(json.dumps({**request, "log": str(log)}), encoding="utf-8")
    # Absolute, as the worker has a folder of its own; not resolved, as an environment's python is a symbolic link.
    interpreter = python.absolute() if python and len(python.parts) > 1 else python or Path(sys.executable)
    command = [str(interpreter), str(WORKER), str(file)]
    try:
        with log.open("wb") as stderr:  # until the worker takes it over
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder)
    except OSError as error:
        raise UsageError(f"{python}: cannot be run ({error.strerror})", "give a Python interpreter") from error
    with _ended(process):
        message = _follow(process, on_progress)
    if "done" in message:
        return dict(message["done"])
    raise _explain(message.get("error"), str(request["transformer"]), python, process.returncode, _printed(log))


def _follow(process: subprocess.Popen[str], on_progress: Callable[[str], None]) -> dict[str, Any]:
    """The last message of the worker; {} when it died without one."""
    last: dict[str, Any] = {}
    for line in process.stdout or ():
        last = json.loads(line)
        if "step" in last:
            on_progress(last["step"])
    process.wait()
    return last if process.returncode == 0 or "error" in last else {}


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens in the block, Ctrl-C included, the process has ended after it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


def _explain(
    error: Mapping[str, str] | None, model: str, python: Path | None, code: int | None, printed: str
) -> RkgraphError:
    if error is None:
        lines = printed.splitlines()
        said = " | ".join(line.strip() for line in lines[-_LAST_LINES:] if line.strip())
        return ExportFailed(f"{model}: the exporting process ended with code {code}{': ' + said if said else ''}")
    message = error["message"]
    if error["kind"] == "missing":
        there = f"{python} has no {message}" if python else f"{message} is not installed"
        mend = f"{INSTALL} (torch: about 250 MB), or --python an interpreter that has torch and transformers"
        return UsageError(f"export needs torch and transformers: {there}", mend)
    if error["kind"] == "model":
        return UsageError(f"{model}: transformers cannot load it: {message}", "weights must be in model.safetensors")
    return ExportFailed(f"{model}: {message}", "try the other --exporter")


def _printed(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
