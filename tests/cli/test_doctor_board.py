"""`rkgraph doctor` on a board, as a user calls it."""

from __future__ import annotations

from pathlib import Path

from tests.board.test_doctor import LIBRARY, write
from tests.cli.harness import Sandbox
from tests.runtime.rknn_bytes import rknn_file


def test_a_model_for_another_board(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    board = tmp_path / "board"
    write(board, "proc/device-tree/compatible", b"rockchip,rk3576\0")
    write(board, "dev/rknpu")
    write(board, "usr/lib/librknnrt.so", LIBRARY)
    (sandbox.folder / "m.rknn").write_bytes(rknn_file())
    done = sandbox.run("doctor", "m.rknn", "--root", str(board))
    assert done.code == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("✓ board ") and line.endswith("rk3576") for line in lines)
    (place,) = [index for index, line in enumerate(lines) if line.startswith("✗ m.rknn")]
    assert "is for rk3588, and this board is rk3576" in lines[place]
    assert lines[place + 1].strip() == "→ rkgraph compile MODEL.onnx --target rk3576"
    assert sandbox.run("doctor", "no.rknn").code == 2
