"""What is installed, what is missing or broken, and the one command that mends each."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from rkgraph.errors import RkgraphError
from rkgraph.toolkit.catalog import PYTHONS
from rkgraph.toolkit.inventory import ManagedToolkit, inventory
from rkgraph.toolkit.locate import find_toolkit

__all__ = ["Check", "State", "examine", "healthy", "to_json"]

State = Literal["ok", "missing", "broken", "optional"]

_REQUIRED = ("onnx", "onnx-graphsurgeon", "onnxruntime", "numpy", "networkx", "jinja2", "jsonschema", "typer", "rich")
_REINSTALL = "python -m pip install --force-reinstall rkgraph"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: e.g. "onnx".
        state: "ok"; "missing" or "broken": something cannot be done until it is mended; "optional": not there, and
            needed for some things only.
        detail: a version, a place, or what is wrong.
        mend: the one command that mends it; empty where nothing is to be mended.
    """

    name: str
    state: State
    detail: str
    mend: str = ""


def examine(home: Path, default_toolkit: str, *, deep: bool = False) -> Iterator[Check]:
    """Look at everything, in order of need.

    Args:
        home: the folder of managed toolkits.
        default_toolkit: the version that compiling needs unless told otherwise.
        deep: import each installed toolkit for real (1 to 2 s each).
    """
    yield _python()
    yield from (_package(name) for name in ("rkgraph", *_REQUIRED))
    yield _torch()
    for each in inventory(home):
        yield _toolkit(each, home, needed=each.version == default_toolkit, deep=deep)
    yield _board()


def healthy(checks: list[Check]) -> bool:
    """Nothing needed is missing or broken."""
    return all(check.state in ("ok", "optional") for check in checks)


def to_json(checks: list[Check]) -> dict[str, Any]:
    """Plain data for `--format json`."""
    return {"healthy": healthy(checks), "checks": [asdict(check) for check in checks]}


def _python() -> Check:
    found = "{}.{}.{}".format(*sys.version_info[:3])
    if sys.version_info[:2] in PYTHONS and sys.platform == "linux":
        return Check("python", "ok", f"{found} ({sys.executable})")
    return Check(
        "python", "broken", f"{found} on {sys.platform}; Linux and 3.10 to 3.12 are needed", "install python3.11"
    )


def _package(name: str) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, "missing", "not installed", _REINSTALL)


def _torch() -> Check:
    """Only exporting needs it here; the toolkits have their own."""
    try:
        return Check("torch", "ok", version("torch"))
    except PackageNotFoundError:
        return Check(
            "torch", "optional", "not installed; only `rkgraph export` needs it", "pip install 'rkgraph[export,torch]'"
        )


def _toolkit(each: ManagedToolkit, home: Path, *, needed: bool, deep: bool) -> Check:
    name = f"rknn-toolkit2 {each.version}"
    install = f"rkgraph toolkit install {each.version}"
    if each.state == "not installed":
        return Check(name, "missing" if needed else "optional", "not installed", install)
    if not each.installed:
        return Check(name, "broken", each.state.removeprefix("broken: "), f"{install} --force")
    detail = f"Python {each.python}, torch {each.torch}"
    if deep:
        from rkgraph.toolkit.client import Worker

        try:
            with Worker(find_toolkit(each.version, home=home)) as worker:
                seconds = worker.start()
        except RkgraphError as error:
            return Check(name, "broken", error.message, f"{install} --force")
        detail += f"; imported in {seconds:.1f} s"
    return Check(name, "ok", detail)


def _board() -> Check:
    """The board's runtime exists for aarch64 only, and is needed there only."""
    name = "board runtime"
    try:
        return Check(name, "ok", f"rknn-toolkit-lite2 {version('rknn-toolkit-lite2')}")
    except PackageNotFoundError:
        pass
    if platform.machine() != "aarch64":
        return Check(name, "optional", f"rknn-toolkit-lite2 is for the board (aarch64), this is {platform.machine()}")
    return Check(name, "optional", "not installed; models run on the CPU", "pip install rknn-toolkit-lite2")
