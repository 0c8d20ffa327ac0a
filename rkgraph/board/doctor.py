"""What is wrong with a board, and what mends each thing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rkgraph.board.facts import BoardFacts, board_facts
from rkgraph.board.look import (
    Library,
    Node,
    devices,
    frequency,
    libraries,
    platform_of,
    read_first,
    version_key,
)
from rkgraph.errors import TargetError
from rkgraph.report.visible import one_line
from rkgraph.runtime.rknn_header import RknnHeader
from rkgraph.targets import platform_facts
from rkgraph.toolkit.doctor import Check

__all__ = ["check_model", "examine_board"]

Allowed = Callable[[Path], bool]
_DRIVER = re.compile(r"v?(\d+\.\d+\.\d+)")
_RELEASE = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def examine_board(root: Path = Path("/"), *, allowed: Allowed = _may_open) -> Iterator[Check]:
    """Look at devices, driver and runtime; one line only where this is no Rockchip board.

    Args:
        root: of the file system.
        allowed: whether this user may open a device.
    """
    platform = platform_of(root)
    if platform is None:
        yield Check("board", "optional", "this is no Rockchip board; with a board, run rkgraph doctor there")
        return
    facts = board_facts()
    yield Check("board", "ok", platform)
    yield from _nodes(root, facts, allowed)
    yield _driver(root, facts)
    yield from _meters(root, facts)
    yield from _runtimes(root, facts, platform)


def check_model(path: Path, header: RknnHeader, root: Path = Path("/")) -> Iterator[Check]:
    """Whether this board's platform and runtime take a compiled model."""
    name, built = one_line(path.name), one_line(f"{header.platform}, rknn-toolkit2 {header.toolkit}")
    platform = platform_of(root)
    if platform is None:
        yield Check(name, "optional", f"{built}; on the board, rkgraph doctor compares it with the runtime")
        return
    if not _same_platform(platform, header.platform):
        mend = f"rkgraph compile MODEL.onnx --target {platform}"
        yield Check(name, "broken", f"is for {one_line(header.platform)}, and this board is {platform}", mend)
        return
    facts = board_facts()
    known = [each.version for each in libraries(root, facts) if each.version is not None]
    if not known:
        yield Check(name, "broken", f"{built}; no runtime is there to run it", _install(facts, header.toolkit))
        return
    old = version_key(known[0]) < version_key(header.toolkit)
    if old:
        says = facts.advice["older"].says
        yield Check(name, "broken", f"{built}; the runtime is {known[0]} ({says})", _install(facts, header.toolkit))
        return
    yield Check(name, "ok", f"{built}; the runtime is {known[0]}")


def _same_platform(board: str, model: str) -> bool:
    if board == model:
        return True
    try:
        return model in (platform_facts(board).twin,) or board in (platform_facts(model).twin,)
    except TargetError:
        return False


def _nodes(root: Path, facts: BoardFacts, allowed: Allowed) -> Iterator[Check]:
    found = tuple(devices(root, facts))
    usable = [node for node in found if node.driver == facts.drm]
    for node in found:
        if node.driver == facts.mainline:
            detail = (
                f"{_shown(node.path, root)} is of the mainline driver {facts.mainline}, which the runtime cannot use"
            )
            yield Check(
                "NPU device", "optional" if usable else "broken", detail, "boot the kernel of the board's vendor"
            )
    if not found:
        detail = "no /dev/rknpu, and no node below /dev/dri whose driver is RKNPU"
        yield Check(
            "NPU device",
            "missing",
            detail,
            "boot the vendor's kernel (CONFIG_ROCKCHIP_RKNPU=y), npu enabled in its device tree",
        )
    for node in usable:
        yield _node(node, root, facts, allowed)


def _node(node: Node, root: Path, facts: BoardFacts, allowed: Allowed) -> Check:
    shown = _shown(node.path, root)
    group = _group(node.path)
    if allowed(node.path):
        return Check("NPU device", "ok", f"{shown}, group {group}")
    mend = f"sudo usermod -aG {group} $USER, and log in again"
    if group in ("root", "unknown"):
        rule = f'KERNEL=="{node.path.name}", GROUP="render", MODE="0660"'
        mend = f"echo '{rule}' | sudo tee /etc/udev/rules.d/99-rknpu.rules, and reboot"
    return Check("NPU device", "broken", f"{shown} may not be opened ({facts.advice['closed'].says})", mend)


def _group(path: Path) -> str:
    try:
        return path.group()
    except (OSError, KeyError):
        return "unknown"


def _driver(root: Path, facts: BoardFacts) -> Check:
    found = read_first(root, facts.versions)
    if found is None or found.text is None:
        why = "cannot be read" if found is not None else "is not told: debugfs is for root, or not mounted"
        return Check("NPU driver", "optional", f"its version {why}", f"sudo cat /{facts.versions[0]}")
    match = _DRIVER.search(found.text)
    return Check("NPU driver", "ok", match[1] if match is not None else one_line(found.text)[:60])


def _meters(root: Path, facts: BoardFacts) -> Iterator[Check]:
    load, speed = read_first(root, facts.loads), frequency(root)
    if load is None or load.text is None:
        yield Check("NPU load", "optional", "is for root only", f"sudo cat /{facts.loads[0]}")
    else:
        yield Check("NPU load", "ok", one_line(load.text)[:80])
    if speed is not None and speed.text and speed.text.isdecimal():
        yield Check("NPU frequency", "ok", f"{int(speed.text[:15]) / 1e6:.0f} MHz")
    else:
        yield Check("NPU frequency", "optional", "is not told: no devfreq of an NPU can be read")


def _runtimes(root: Path, facts: BoardFacts, platform: str) -> Iterator[Check]:
    wanted = facts.names[1] if platform in facts.small else facts.names[0]
    found = [each for each in libraries(root, facts) if each.path.name == wanted]
    if not found:
        yield Check(wanted, "missing", "is in none of the usual folders", _install(facts, None))
        return
    for each in found:
        yield _runtime(each, root, facts)
    versions = sorted({each.version for each in found if each.version is not None})
    if len(versions) > 1:
        places = ", ".join(f"{_shown(each.path, root)} {each.version}" for each in found)
        yield Check(
            "runtimes",
            "broken",
            f"differ: {places}; which one is loaded depends on the program",
            "keep one of them, remove the others, and run sudo ldconfig",
        )
    lite = _lite()
    if lite is not None and versions and version_key(lite) > version_key(versions[0]):
        detail = f"rknn-toolkit-lite2 {lite} is newer than the runtime {versions[0]}"
        yield Check("runtimes", "broken", detail, _install(facts, lite))


def _runtime(each: Library, root: Path, facts: BoardFacts) -> Check:
    shown = _shown(each.path, root)
    if not each.sound:
        return Check(
            each.path.name,
            "broken",
            f"{shown} is no library ({facts.advice['damaged'].says})",
            _install(facts, each.version),
        )
    if each.version is None:
        return Check(each.path.name, "broken", f"{shown} cannot be read, or tells no version", _install(facts, None))
    return Check(each.path.name, "ok", f"{each.version}, {shown}")


def _lite() -> str | None:
    try:
        return version("rknn-toolkit-lite2")
    except PackageNotFoundError:
        return None


def _install(facts: BoardFacts, wanted: str | None) -> str:
    """Where the vendor has the runtime, of the version that is wanted."""
    source = facts.runtime_source
    if wanted is not None and _RELEASE.fullmatch(wanted):
        source = _RELEASE.sub(wanted, source, count=1)
    return f"copy it to /usr/lib from {source}"


def _shown(path: Path, root: Path) -> str:
    """The path as the board has it."""
    return f"/{path.relative_to(root).as_posix()}"
