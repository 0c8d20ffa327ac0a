"""Tiny wheels that stand in for the toolkit and what it needs, so that installing is tested offline."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from rkgraph.toolkit.catalog import TORCH, release

WORKING_RKNN = "import torch, pkg_resources\nclass RKNN:\n    pass\n"
BROKEN_RKNN = "raise ImportError('no mapping in onnx')\n"


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> None:
    """Write `name`-`version` with `files` (path → text) into `folder`."""
    stem = f"{re.sub(r'[-.]+', '_', name)}-{version}"
    info = f"{stem}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    contents = {
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in {**contents, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)


def make_index(folder: Path, rknn: str = WORKING_RKNN) -> None:
    """All wheels that an installation of 2.3.2 or 2.5.0 asks for; `rknn` is the code of `rknn.api`."""
    wanted = release("2.3.2")
    assert wanted is not None
    for pin in wanted.pins:
        name, version = _lowest(pin.requirement)
        files = {"pkg_resources.py": ""} if name == "setuptools" else {f"{name.replace('-', '_').split('.')[0]}.py": ""}
        make_wheel(folder, name, version, files)
    for version in ("2.3.2", "2.5.0"):
        api = {"rknn/__init__.py": "", "rknn/api.py": rknn}
        make_wheel(folder, "rknn-toolkit2", version, api, ("torch<=2.4.0", "no-such-package"))
    make_torch(folder, TORCH.version)


def make_torch(folder: Path, version: str, more: tuple[str, ...] = ()) -> None:
    """A torch with one requirement, and one of another platform that is not there."""
    torch = {"torch/__init__.py": f"__version__ = {version!r}\nimport sympy\n"}
    make_wheel(
        folder, "torch", version, torch, ("sympy", "triton ; platform_system == 'Plan9'", "x ; extra == 'y'", *more)
    )
    make_wheel(folder, "sympy", "1.0", {"sympy.py": ""})


def _lowest(requirement: str) -> tuple[str, str]:
    """A name and a version that satisfies the requirement: the bound itself, or just below a strict one."""
    match = re.fullmatch(r"([\w.-]+?)(?:(?:>=[\d.]+,)?(<=|==|<)([\d.]+))?", requirement)
    assert match is not None, requirement
    name, operator, bound = match.groups()
    if operator is None:
        return name, "1.0"
    return name, "1.0" if operator == "<" else bound
