"""One torch for all toolkits: found, linked into an environment, or installed once.

The toolkit imports torch and uses next to nothing of it, yet torch is most of an environment's size. An
environment gets a `.pth` file that puts a folder behind its own packages on the path, so that its own pins win:
either a folder of links to an installed torch and its requirements, or the folder that torch was installed into.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import UsageError
from rkgraph.toolkit.catalog import VERSIONS, Torch
from rkgraph.toolkit.interpreter import InstalledTorch, Interpreter, inspect_python
from rkgraph.toolkit.locate import toolkit_folder
from rkgraph.toolkit.pip import Pip
from rkgraph.toolkit.stamp import BadStamp, read_stamp

__all__ = ["TorchSource", "attach", "find_torch", "install_torch", "links_folder", "shared_folder"]

_PTH = "rkgraph-torch.pth"
_SHARED = "shared folder"


@dataclass(frozen=True)
class TorchSource:
    """Where an environment's torch comes from.

    Attributes:
        origin: for people, e.g. "/usr/bin/python3" or "shared folder".
        installed: an installed one to link to; None: the shared folder of `install_torch`.
    """

    origin: str
    version: str
    installed: InstalledTorch | None = None


def shared_folder(home: Path, python: Interpreter, torch: Torch) -> Path:
    """Where the one torch of an interpreter version is installed."""
    return home / "torch" / f"{torch.version}-{python.tag}"


def links_folder(toolkit: Path) -> Path:
    """Where a toolkit's folder keeps its links: outside its environment, so that pip there leaves them alone."""
    return toolkit / "torch"


def find_torch(home: Path, python: Interpreter, torch_from: Path | None, torch: Torch) -> TorchSource | None:
    """The torch to share, or None where one has to be installed.

    It is `torch_from`'s, else that of the shared folder, of `python`, of the running interpreter, or the one that
    another managed toolkit shares.

    Raises:
        UsageError: `torch_from` has no torch, or one for another Python.
    """
    if torch_from is not None:
        return _demand(inspect_python(torch_from, "--torch-from"), python)
    if shared_folder(home, python, torch).is_dir():
        return TorchSource(_SHARED, torch.version)
    return next(_installed(home, python), None)


def install_torch(home: Path, python: Interpreter, torch: Torch, pip: Pip) -> TorchSource:
    """Install torch into the shared folder, whole or not at all."""
    target = shared_folder(home, python, torch)
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        pip.install(f"torch {torch.version}", "--target", os.fspath(partial), f"torch=={torch.version}")
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return TorchSource(_SHARED, torch.version)


def attach(source: TorchSource, home: Path, python: Interpreter, toolkit: Path, torch: Torch) -> Path:
    """Make `source` importable in `toolkit`'s environment, behind its own packages; the folder that does it."""
    if source.installed is None:
        folder = shared_folder(home, python, torch)
    else:
        folder = links_folder(toolkit)
        folder.mkdir()
        for entry in source.installed.entries:
            (folder / entry.name).symlink_to(entry)
    packages = toolkit / "venv" / "lib" / f"python{python.dotted}" / "site-packages"
    (packages / _PTH).write_text(f"{folder}\n")
    return folder


def _installed(home: Path, python: Interpreter) -> Iterator[TorchSource]:
    """Torches that can be linked to, best first."""
    running = Path(sys.executable)
    for candidate in [python] if running == python.path else [python, inspect_python(running)]:
        if candidate.torch is not None and candidate.version == python.version:
            yield TorchSource(os.fspath(candidate.path), candidate.torch.version, candidate.torch)
    for version in VERSIONS:
        folder = toolkit_folder(version, home)
        with contextlib.suppress(FileNotFoundError, BadStamp):
            stamp = read_stamp(folder)
            entries = tuple(link.resolve() for link in links_folder(folder).glob("*") if link.is_symlink())
            if entries and stamp.python == python.dotted and all(entry.exists() for entry in entries):
                yield TorchSource(stamp.torch_origin, stamp.torch, InstalledTorch(stamp.torch, entries))


def _demand(found: Interpreter, python: Interpreter) -> TorchSource:
    """The torch of an interpreter that was pointed at."""
    if found.torch is None:
        raise UsageError(f"--torch-from {found.path}: has no torch", "point at an interpreter that can import torch")
    if found.version != python.version:
        raise UsageError(
            f"--torch-from {found.path}: is Python {found.dotted}, the toolkit's will be {python.dotted}",
            "give both the same Python version (--python)",
        )
    return TorchSource(os.fspath(found.path), found.torch.version, found.torch)
