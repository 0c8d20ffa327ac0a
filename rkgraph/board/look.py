"""Looks at a board's files: nothing is opened for writing, nothing is loaded, and every read is bounded.

`root` is "/" on a board; tests give a folder that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rkgraph.board.facts import BoardFacts

__all__ = ["Library", "Node", "Text", "devices", "frequency", "libraries", "platform_of", "read_first", "version_key"]

_TEXT = 4096
_CHUNK = 1 << 20
_LARGEST = 64 << 20
_VERSION = re.compile(rb"librknnm?rt version: ?(\d[0-9A-Za-z.]{0,30})")
_COMPATIBLE = re.compile(r"rockchip,((?:rk|rv)\d{4}b?)")
_ELF = b"\x7fELF"


@dataclass(frozen=True)
class Text:
    """What a file says; None where it is there and may not be read."""

    path: Path
    text: str | None


@dataclass(frozen=True)
class Node:
    """A device node of the NPU."""

    path: Path
    driver: str


@dataclass(frozen=True)
class Library:
    """A runtime: its version, None where none was found in it; `sound`: it is an ELF file."""

    path: Path
    version: str | None
    sound: bool


def platform_of(root: Path) -> str | None:
    """The platform that the device tree names, e.g. "rk3588"; None off such boards."""
    found = _text(root / "proc/device-tree/compatible")
    names = _COMPATIBLE.findall(found.text or "") if found is not None else []
    return names[-1] if names else None


def devices(root: Path, facts: BoardFacts) -> Iterator[Node]:
    """The nodes through which the runtime may reach the NPU; also that of the mainline driver."""
    if (root / facts.misc).exists():
        yield Node(root / facts.misc, facts.drm)
    for folder, nodes in ((root / "sys/class/drm", root / "dev/dri"), (root / facts.accel, root / "dev/accel")):
        for entry in sorted(folder.glob("*")) if folder.is_dir() else ():
            driver = _driver(entry)
            if driver in (facts.drm, facts.mainline) and (nodes / entry.name).exists():
                yield Node(nodes / entry.name, driver)


def read_first(root: Path, paths: tuple[str, ...]) -> Text | None:
    """The first of these files that can be read; else the first that is there; None where none is."""
    found = [text for path in paths if (text := _text(root / path)) is not None]
    return next((text for text in found if text.text is not None), found[0] if found else None)


def frequency(root: Path) -> Text | None:
    """The NPU's frequency in Hz, as devfreq tells it."""
    folder = root / "sys/class/devfreq"
    names = sorted(path for path in folder.glob("*npu*")) if folder.is_dir() else []
    return next((text for path in names if (text := _text(path / "cur_freq")) is not None), None)


def libraries(root: Path, facts: BoardFacts) -> tuple[Library, ...]:
    """The runtimes in the usual places, each file once."""
    found: dict[Path, Library] = {}
    for folder in facts.folders:
        for name in facts.names:
            path = root / folder / name
            if path.is_file() and (real := path.resolve()) not in found:
                found[real] = _library(path)
    return tuple(found.values())


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare: "2.0.0b0" → (2, 0, 0)."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("b")[0])[:3])


def _library(path: Path) -> Library:
    """Reads the file in pieces, at most 64 MB of it."""
    tail = b""
    sound, read = False, 0
    try:
        with path.open("rb") as file:
            while read < _LARGEST and (chunk := file.read(_CHUNK)):
                sound = sound or (read == 0 and chunk.startswith(_ELF))
                read += len(chunk)
                match = _VERSION.search(tail + chunk)
                if match is not None:
                    return Library(path, match[1].decode(), sound)
                tail = chunk[-64:]
    except OSError:
        return Library(path, None, True)
    return Library(path, None, sound)


def _driver(entry: Path) -> str | None:
    """The driver of a device: from its uevent, else the name of the driver's folder."""
    found = _text(entry / "device/uevent")
    match = re.search(r"^DRIVER=(\S+)$", (found.text or "") if found is not None else "", re.MULTILINE)
    if match is not None:
        return match[1]
    link = entry / "device/driver"
    return link.resolve().name if link.exists() else None


def _text(path: Path) -> Text | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_TEXT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return Text(path, None)
    return Text(path, raw.replace(b"\0", b"\n").decode("utf-8", "replace").strip())
