"""Reads what a .rknn file says of itself, without the toolkit.

Layout, measured on files of rknn-toolkit2 2.3.2 and 2.5.0 (format version 6), little-endian:

    0   "RKNN"
    8   u64  format version
    16  u64  size B of the body
    64  body: a FlatBuffer, the compiled graph and its weights
    64+B     u64  size J, then J bytes of JSON: inputs, outputs, platform, toolkit version
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from rkgraph.errors import ModelError
from rkgraph.results import TensorInfo

__all__ = ["BODY", "RknnHeader", "read_header"]

_HEAD = struct.Struct("<4s4xQQ")
BODY = 64
"""Where the body begins."""

_SIZE = struct.Struct("<Q")
MAX_JSON = 16 << 20
_DTYPES = re.compile(rb'\{"[^\0]*?\}\}')
_DTYPE_WINDOW = 1 << 16
"""The table of dtypes stands near the start of the body."""


@dataclass(frozen=True)
class RknnHeader:
    """What the file says: `platform` and `toolkit` it was built for and by, and its tensors in order.

    A dtype is None where the file does not tell it in the known place. `body` is the size of the body in bytes.
    """

    format: int
    platform: str
    toolkit: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    body: int = 0


def read_header(path: Path) -> RknnHeader:
    """Read the header of a .rknn file; a few kB are read whatever its size.

    Raises:
        ModelError: no such file, not a .rknn, truncated, or metadata that is not as known.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path, path.stat().st_size)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", "check the path") from error


def _read(file: IO[bytes], path: Path, size: int) -> RknnHeader:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or head[:4] != b"RKNN":
        raise ModelError(f"{path}: is no .rknn file", "build one: rkgraph compile MODEL.onnx -o MODEL.rknn")
    _, version, body = _HEAD.unpack(head)
    start = BODY + body
    if start + _SIZE.size > size:
        raise ModelError(f"{path}: is truncated ({size} bytes, its body alone has {body})", "copy or build it again")
    window = file.seek(BODY) and file.read(min(body, _DTYPE_WINDOW))
    file.seek(start)
    (length,) = _SIZE.unpack(file.read(_SIZE.size))
    if start + _SIZE.size + length > size or length > MAX_JSON:
        raise ModelError(f"{path}: is truncated in its metadata", "copy or build it again")
    try:
        return replace(_header(json.loads(file.read(length)), version, _dtypes(window or b"")), body=body)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ModelError(
            f"{path}: its metadata is not as known (format {version})", "is it a .rknn of toolkit 2?"
        ) from error


def _header(data: Mapping[str, Any], version: int, dtypes: Mapping[str, str]) -> RknnHeader:
    tensors = {int(each["tensor_id"]): each for each in data["norm_tensor"]}

    def side(name: str) -> tuple[TensorInfo, ...]:
        links = sorted((link for link in data["graph"] if link["left"] == name), key=lambda x: int(x["left_tensor_id"]))
        found = (tensors[int(link["right_tensor_id"])] for link in links)
        return tuple(
            TensorInfo(str(t["url"]), dtypes.get(str(t["url"])), tuple(int(n) for n in t["size"])) for t in found
        )

    return RknnHeader(version, str(data["target_platform"][0]), str(data["version"]), side("input"), side("output"))


def _dtypes(window: bytes) -> dict[str, str]:
    """Tensor name → dtype, from the JSON tables `{"NAME": {"dtype": …, "layout": …}}` in the body."""
    dtypes: dict[str, str] = {}
    for match in _DTYPES.finditer(window):
        try:
            table = json.loads(match[0])
        except ValueError:
            continue
        for name, facts in table.items():
            if isinstance(facts, dict) and isinstance(facts.get("dtype"), str):
                dtypes[name] = facts["dtype"]
    return dtypes
