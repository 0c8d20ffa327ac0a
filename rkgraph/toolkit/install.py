"""Installs and removes managed toolkits.

An environment cannot be moved after it was made, so it is built in place and counts as installed only when
its stamp is written, last of all: an interrupted installation is seen as such and begun anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import TargetError, ToolkitMissing, UsageError
from rkgraph.toolkit.catalog import PYTHONS, TORCH, VERSIONS, Release, release
from rkgraph.toolkit.interpreter import Interpreter, inspect_python
from rkgraph.toolkit.locate import Toolkit, find_toolkit, toolkit_folder
from rkgraph.toolkit.pip import Pip
from rkgraph.toolkit.shared_torch import TorchSource, attach, find_torch, install_torch
from rkgraph.toolkit.stamp import STAMP, Stamp, write_stamp

__all__ = ["InstallRequest", "install_toolkit", "installing", "known_release", "remove_toolkit"]

Tell = Callable[[str], None]
Confirm = Callable[[str], bool]

_IMPORT = "from rknn.api import RKNN"


@dataclass(frozen=True)
class InstallRequest:
    """What to install and how.

    Attributes:
        release: the toolkit.
        home: the folder of managed things.
        python: the interpreter to make the environment with; None: the running one.
        torch_from: an interpreter whose torch is to be shared; None: look for one, else install one.
        force: begin anew although it is installed.
    """

    release: Release
    home: Path
    python: Path | None = None
    torch_from: Path | None = None
    force: bool = False


def known_release(version: str) -> Release:
    """The release `version`. Raises TargetError for one that rkgraph does not install."""
    found = release(version)
    if found is None:
        raise TargetError(f"rknn-toolkit2 {version} is not known", f"choose from {', '.join(VERSIONS)}")
    return found


def install_toolkit(request: InstallRequest, confirm: Confirm, tell: Tell) -> Toolkit:
    """Install a toolkit, or return the one that is there.

    Args:
        request: what to install.
        confirm: asked once, with the sizes, before anything large is downloaded; false ends it.
        tell: called with a few words as the installation goes along.

    Raises:
        UsageError: a Python that has no wheels, no torch where it was to be, pip failed, no space, another
            installation is running, or the answer was no.
        ToolkitMissing: it was installed and cannot be imported.
    """
    version = request.release.version
    if not request.force:
        with contextlib.suppress(ToolkitMissing):
            return find_toolkit(version, home=request.home)
    python = _base_python(request.python)
    folder = toolkit_folder(version, request.home)
    with installing(request.home), _anew(folder):
        _build(request, python, folder, confirm, tell)
    return find_toolkit(version, home=request.home)


def remove_toolkit(version: str, home: Path) -> bool:
    """Remove a managed toolkit and its log; a shared torch stays. False if there was none."""
    folder = toolkit_folder(version, home)
    if not folder.is_dir():
        return False
    with installing(home):
        (folder / STAMP).unlink(missing_ok=True)  # first: what is half removed must not count as installed
        shutil.rmtree(folder)
        _log_file(folder).unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def installing(home: Path) -> Iterator[None]:
    """Hold the one lock of `home`; it goes with the process. Raises UsageError if another process has it."""
    lock_file = home / "toolkits" / ".lock"
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        handle = lock_file.open("w")
    except OSError as error:
        raise UsageError(
            f"{home}: cannot be written ({error.strerror})", "set RKGRAPH_HOME to a folder that can"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another `rkgraph toolkit` command is at work in {home}", "wait for it to end, then try again"
            ) from error
        yield


@contextlib.contextmanager
def _anew(folder: Path) -> Iterator[None]:
    """Nothing is at `folder` as the block begins; where it fails, what was installed there is there again.

    An environment works at the place only where it was made: it is put aside, and comes back to the same place.
    """
    aside = folder.with_name(f".{folder.name}.before")
    if aside.is_dir() and not (folder / STAMP).is_file():  # an installation was killed
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    if (folder / STAMP).is_file():
        folder.rename(aside)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if aside.is_dir():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _build(request: InstallRequest, python: Interpreter, folder: Path, confirm: Confirm, tell: Tell) -> None:
    """All steps, the stamp last."""
    log = _log_file(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    torch = find_torch(request.home, python, request.torch_from, TORCH)
    _require_space(request, torch)
    tell("make the environment")
    _make_environment(python, folder / "venv")
    pip = Pip(folder / "venv" / "bin" / "python", log, tell)
    if not confirm(_question(request.release, torch, pip)):
        raise UsageError(
            f"rknn-toolkit2 {request.release.version} was not installed, as you said", "--yes does not ask"
        )
    if torch is None:
        torch = install_torch(request.home, python, TORCH, pip)
    pip.install("what the toolkit needs", *(pin.requirement for pin in request.release.pins))
    pip.install("the toolkit", "--no-deps", f"rknn-toolkit2=={request.release.version}")
    torch_folder = attach(torch, request.home, python, folder, TORCH)
    tell("import it")
    _verify(request.release, pip)
    size_mb = round(_size_mb(folder))
    base = os.fspath(python.path)
    write_stamp(folder, Stamp(base, python.dotted, torch.version, torch.origin, os.fspath(torch_folder), size_mb))


def _require_space(request: InstallRequest, torch: TorchSource | None) -> None:
    """Raise UsageError where the disk is too full."""
    needed = request.release.disk_mb + (0 if torch else TORCH.disk_mb)
    free = shutil.disk_usage(request.home).free / 1e6
    if free < needed:
        raise UsageError(
            f"{request.home}: {needed} MB are needed and {free:.0f} MB are free",
            "set RKGRAPH_HOME to a folder with more space",
        )


def _base_python(path: Path | None) -> Interpreter:
    python = inspect_python(path or Path(sys.executable))
    if python.version not in PYTHONS:
        raise UsageError(
            f"{python.path}: is Python {python.dotted}; rknn-toolkit2 has wheels for 3.10 to 3.12",
            "point at another with --python",
        )
    return python


def _make_environment(python: Interpreter, environment: Path) -> None:
    made = subprocess.run(
        [os.fspath(python.path), "-m", "venv", os.fspath(environment)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise UsageError(
            f"{python.path} -m venv fails: {' '.join(last)}",
            "install its venv module (Debian, Ubuntu: apt install python3-venv), or choose another with --python",
        )


def _question(wanted: Release, torch: TorchSource | None, pip: Pip) -> str:
    """What will be downloaded, with sizes."""
    text = f"rknn-toolkit2 {wanted.version} and what it needs: about {wanted.download_mb} MB to download"
    if torch is not None:
        return f"{text}; torch {torch.version} is shared ({torch.origin})"
    plan = pip.plan(f"torch=={TORCH.version}")
    if plan is not None and plan.has_gpu_packages:
        size = (
            "with GPU packages, several GB (not needed: configure pip for PyTorch's CPU wheels, "
            "or share an installed torch with --torch-from)"
        )
    elif plan is not None and plan.local_mb > 1:
        size = f"about {plan.local_mb:.0f} MB"
    else:
        size = f"about {TORCH.download_mb} MB (several GB if your pip chooses wheels for GPUs)"
    return f"{text}; torch {TORCH.version}: {size}, once for all toolkits"


def _verify(wanted: Release, pip: Pip) -> None:
    """Import the toolkit for real."""
    done = subprocess.run(
        [os.fspath(pip.python), "-I", "-c", _IMPORT],
        capture_output=True,
        text=True,
        check=False,
        cwd=pip.log.parent,
    )
    if done.returncode != 0:
        with pip.log.open("a") as log:
            log.write(f"\n$ {_IMPORT}\n{done.stdout}{done.stderr}")
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ToolkitMissing(
            f"rknn-toolkit2 {wanted.version} was installed and cannot be imported: {last}",
            f"the whole log is {pip.log}",
        )


def _size_mb(folder: Path) -> float:
    """Size of the files below `folder` (MB); links are not followed."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_symlink() and p.is_file()) / 1e6


def _log_file(folder: Path) -> Path:
    """The installation's log; it outlives a failed installation."""
    return folder.with_name(f"{folder.name}.log")
