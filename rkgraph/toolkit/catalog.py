"""Which rknn-toolkit2 versions rkgraph installs, and what each needs: data with evidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PYTHONS", "TORCH", "VERSIONS", "Pin", "Release", "Torch", "release"]

PYTHONS = ((3, 10), (3, 11), (3, 12))
"""Python minor versions for which every release below has wheels (x86-64 and aarch64)."""


@dataclass(frozen=True)
class Pin:
    """A requirement of the toolkit's environment and why it is pinned (empty: any version works)."""

    requirement: str
    why: str = ""


@dataclass(frozen=True)
class Torch:
    """The torch that is installed when none can be shared.

    The toolkit's own metadata asks for torch<=2.4.0; for ONNX models it only has to be importable, with
    `torch.nn` (measured: 2.13.0 builds and simulates with all releases; an empty stand-in does not).
    """

    version: str
    download_mb: int
    disk_mb: int


@dataclass(frozen=True)
class Release:
    """One rknn-toolkit2 release.

    Attributes:
        version: e.g. "2.3.2".
        pins: what its environment gets; the toolkit's wheel itself is installed without dependencies,
            since its metadata would fetch a torch with several GB of GPU packages.
        download_mb: about what pip downloads for it (MB), torch aside.
        disk_mb: what it takes on disk (MB), torch aside.
    """

    version: str
    pins: tuple[Pin, ...]
    download_mb: int
    disk_mb: int


TORCH = Torch("2.13.0", 192, 850)
"""The CPU wheel for x86-64."""

_PINS = (
    Pin("protobuf>=4.21.6,<=4.25.4", "the toolkit's own bound; its generated code fails with protobuf 5"),
    Pin("numpy<=1.26.4", "compiled against numpy 1"),
    Pin("onnx==1.18.0", "the toolkit imports onnx.mapping, which 1.19 removed"),
    Pin("onnxruntime==1.19.2", "the version with which constant folding and the simulator were measured"),
    Pin("setuptools<82", "the toolkit imports pkg_resources, which 82 removed"),
    Pin("opencv-python-headless<4.12", "later versions ask for numpy 2; headless needs no display libraries"),
    Pin("psutil"),
    Pin("ruamel.yaml"),
    Pin("scipy"),
    Pin("tqdm"),
    Pin("fast-histogram"),
)
"""Measured: the same pins serve all releases (import, build and simulation, x86-64, Python 3.11)."""

_RELEASES = (
    Release("2.2.0", _PINS, 190, 700),
    Release("2.3.0", _PINS, 190, 700),
    Release("2.3.2", _PINS, 190, 700),
    Release("2.5.0", _PINS, 190, 700),
)

VERSIONS = tuple(release.version for release in _RELEASES)


def release(version: str) -> Release | None:
    """The release `version`, or None where rkgraph does not know it."""
    return next((each for each in _RELEASES if each.version == version), None)
