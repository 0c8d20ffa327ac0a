"""What a .rknn says of itself is read, and whatever else the bytes say is refused or left out."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rkgraph.errors import ModelError
from rkgraph.runtime.flat_buffer import BrokenBufferError, Table
from rkgraph.runtime.rknn_file import RknnFile, RknnLayer, RknnTensor, read_rknn
from tests.runtime.rknn_bytes import rknn_file

WHOLE = rknn_file()


def read(folder: Path, data: bytes) -> RknnFile:
    path = folder / "model.rknn"
    path.write_bytes(data)
    return read_rknn(path)


def test_a_whole_file(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert (found.header.platform, found.header.toolkit, found.size_bytes) == ("rk3588", "2.3.2", len(WHOLE))
    assert (found.compiler, found.npu, found.source) == ("2.3.2(compiler version: 2.3.2)", "RKNPU v2", "ONNX")
    assert found.inputs == (RknnTensor("x", (1, 3), "int8", "float32", "NHWC", (0.5,), (-128,)),)
    assert found.outputs == (RknnTensor("y", (1, 4), "float16", "float32"),)
    assert found.layers == (
        RknnLayer("InputOperator", "x", "CPU"),
        RknnLayer("ConvRelu", "c", "NPU"),
        RknnLayer("Reshape", "y", "CPU"),
    )
    assert not found.note


def test_a_body_in_another_format_leaves_what_the_metadata_says(tmp_path: Path) -> None:
    found = read(tmp_path, rknn_file(version=0x103, platform="rv1106"))
    assert (found.header.platform, found.layers) == ("rv1106", ())
    assert "format 0x103" in found.note
    assert found.inputs[0].shape == (1, 3)


def test_a_damaged_body_leaves_what_the_metadata_says(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE[:64] + struct.pack("<I", 1 << 30) + WHOLE[68:])
    assert "damaged" in found.note
    assert found.header.toolkit == "2.3.2"


@pytest.mark.parametrize("text", ["[" * 100000, "{'attrs': 3", "__import__('os')", "{'attrs': {'x': 7}}", "1" * 10000])
def test_a_generator_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, rknn_file(generator=text))
    assert found.inputs[0].given is None
    assert len(found.layers) == 3


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=24), at=st.integers(0, len(WHOLE)), cut=st.integers(0, 20))
def test_any_bytes_are_read_or_refused(tmp_path: Path, noise: bytes, at: int, cut: int) -> None:
    data = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    try:
        found = read(tmp_path, data[: len(data) - cut])
    except ModelError as error:
        said = error.message
        assert "model.rknn" in said
    else:
        assert isinstance(found, RknnFile)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_a_buffer_of_any_bytes_ends(data: bytes) -> None:
    try:
        table = Table.root(data)
        for field in range(8):
            table.text(field)
            table.byte(field)
            table.numbers(field)
            for inner in table.tables(field):
                inner.text(0)
    except BrokenBufferError as error:
        said = str(error)
        assert "offset" in said or "list" in said or "outside" in said


def test_a_list_longer_than_the_file_is_refused() -> None:
    with pytest.raises(BrokenBufferError, match="does not fit"):
        Table.root(_with_a_list_of(1 << 19)).numbers(0)
    assert Table.root(_with_a_list_of(1)).numbers(0) == (0,)


def _with_a_list_of(count: int) -> bytes:
    vtable = struct.pack("<3H2x", 6, 8, 4)
    table = struct.pack("<iI", len(vtable), 4)
    return struct.pack("<I", 4 + len(vtable)) + vtable + table + struct.pack("<Ii", count, 0)
