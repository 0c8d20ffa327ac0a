"""The header of .rknn files: recorded ones (from the real toolkit), and files that are not whole."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.errors import ModelError
from rkgraph.runtime.rknn_header import read_header

METADATA: dict[str, Any] = {
    "graph": [
        {"left": "input", "left_tensor_id": 1, "right": "norm_tensor", "right_tensor_id": 1},
        {"left": "input", "left_tensor_id": 0, "right": "norm_tensor", "right_tensor_id": 0},
        {"left": "output", "left_tensor_id": 0, "right": "norm_tensor", "right_tensor_id": 2},
    ],
    "norm_tensor": [
        {"tensor_id": 0, "url": "ids", "size": [1, 8]},
        {"tensor_id": 1, "url": "mask", "size": [1, 8]},
        {"tensor_id": 2, "url": "y", "size": [1, 8, 4]},
    ],
    "target_platform": ["rk3588"],
    "version": "2.3.2",
}
DTYPES = b'\0\0{"y": {"dtype": "float16", "layout": "NCHW"}}\0{"ids": {"dtype": "int64", "layout": "UNDEFINED"}}\0'


def rknn(body: bytes = DTYPES, metadata: Any = METADATA, size: int | None = None) -> bytes:
    """A file of the layout that was measured."""
    text = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    head = struct.pack("<4s4xQQ", b"RKNN", 6, len(body) if size is None else size)
    return head.ljust(64, b"\0") + body + struct.pack("<Q", len(text)) + text


def read(tmp_path: Path, data: bytes) -> Any:
    path = tmp_path / "m.rknn"
    path.write_bytes(data)
    return read_header(path)


def test_a_whole_file(tmp_path: Path) -> None:
    header = read(tmp_path, rknn())
    assert (header.format, header.platform, header.toolkit) == (6, "rk3588", "2.3.2")
    assert [(t.name, t.dtype, t.shape) for t in header.inputs] == [("ids", "int64", (1, 8)), ("mask", None, (1, 8))]
    assert [(t.name, t.dtype, t.shape) for t in header.outputs] == [("y", "float16", (1, 8, 4))]


def test_only_the_head_and_the_tail_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.rknn"
    size = 1 << 33  # a sparse file of 8 GB
    tail = rknn()[64 + len(DTYPES) :]
    with path.open("wb") as file:
        file.write(rknn(size=size)[: 64 + len(DTYPES)])
        file.seek(64 + size)
        file.write(tail)
    assert read_header(path).platform == "rk3588"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no .rknn"),
        (b"RKNN", "no .rknn"),
        (b"ONNX".ljust(64, b"\0"), "no .rknn"),
        (rknn()[:64], "truncated"),
        (rknn()[:-1], "truncated"),
        (rknn(size=1 << 62), "truncated"),
        (rknn(metadata=b"{"), "not as known"),
        (rknn(metadata=b"[]"), "not as known"),
        (rknn(metadata=b"[" * 100_000), "not as known"),
        (rknn(metadata={**METADATA, "target_platform": []}), "not as known"),
        (rknn(metadata={**METADATA, "norm_tensor": []}), "not as known"),
        (rknn(metadata={**METADATA, "graph": [{"left": "input"}]}), "not as known"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read(tmp_path, data)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_read_or_refused(noise: bytes, at: int) -> None:
    import tempfile

    data = bytearray(rknn())
    data[at : at + len(noise)] = noise
    with tempfile.TemporaryDirectory() as folder:
        try:
            read(Path(folder), bytes(data))
        except ModelError:
            return
        assert data[:4] == b"RKNN"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_header(tmp_path / "absent.rknn")
