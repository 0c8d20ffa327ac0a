"""One torch for all toolkits: found, linked into an environment, or installed once.

The toolkit imports torch and uses next to nothing of it, yet torch is most of an environment's size. An
environment gets a `.pth` file that puts a folder behind its own packages on the path, so that its own pins win:
either a folder of links to an installed torch and its requirements, or the folder that torch was installed into.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rkgraph.errors import UsageError
from rkgraph.toolkit.catalog import Torch
from rkgraph.toolkit.interpreter import InstalledTorch, Interpreter, inspect_python
from rkgraph.toolkit.pip import Pip

__all__ = ["TorchSource", "attach", "find_torch", "install_torch", "shared_folder"]

_PTH = "rkgraph-torch.pth"


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


def find_torch(home: Path, python: Interpreter, torch_from: Path | None, torch: Torch) -> TorchSource | None:
    """The torch to share, or None where one has to be installed.

    Looked for in `torch_from`, else in the shared folder, the running interpreter, and `python` itself.

    Raises:
        UsageError: `torch_from` has no torch, or one for another Python.
    """
    if torch_from is not None:
        found = inspect_python(torch_from, "--torch-from")
        _require(found, python)
        assert found.torch is not None
        return TorchSource(os.fspath(torch_from), found.torch.version, found.torch)
    if shared_folder(home, python, torch).is_dir():
        return TorchSource("shared folder", torch.version)
    for candidate in _candidates(python):
        if candidate.torch is not None and candidate.version == python.version:
            return TorchSource(os.fspath(candidate.path), candidate.torch.version, candidate.torch)
    return None


def install_torch(home: Path, python: Interpreter, torch: Torch, pip: Pip) -> TorchSource:
    """Install torch into the shared folder, whole or not at all."""
    target = shared_folder(home, python, torch)
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        pip.install(f"torch {torch.version}", "--target", os.fspath(partial), f"torch=={torch.version}")
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return TorchSource("shared folder", torch.version)


def attach(source: TorchSource, home: Path, python: Interpreter, environment: Path, torch: Torch) -> None:
    """Make `source` importable in the environment, behind its own packages."""
    packages = environment / "lib" / "python{}.{}".format(*python.version) / "site-packages"
    if source.installed is None:
        folder = shared_folder(home, python, torch)
    else:
        folder = environment / "torch"
        folder.mkdir()
        for entry in source.installed.entries:
            (folder / entry.name).symlink_to(entry)
    (packages / _PTH).write_text(f"{folder}\n")


def _candidates(python: Interpreter) -> Iterator[Interpreter]:
    """Interpreters that may have a torch, best first."""
    yield python
    running = Path(sys.executable)
    if running != python.path:
        yield inspect_python(running)


def _require(found: Interpreter, python: Interpreter) -> None:
    if found.torch is None:
        raise UsageError(f"--torch-from {found.path}: has no torch", "point at an interpreter that can import torch")
    if found.version != python.version:
        raise UsageError(
            "--torch-from {}: is Python {}.{}, the toolkit's will be {}.{}".format(
                found.path, *found.version, *python.version
            ),
            "give both the same Python version (--python)",
        )
