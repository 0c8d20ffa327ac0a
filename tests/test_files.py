"""Files are written whole or not at all, and what is no file is not replaced by one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from rkgraph.errors import UsageError
from rkgraph.files import check_writable, write_bytes, write_text, writing


def test_what_was_there_stays_until_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(path) as file:
        _write_and_be_interrupted(file)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_text(path, "new")
    assert path.read_text() == "new"


def _write_and_be_interrupted(file: IO[bytes]) -> None:
    file.write(b"new")
    raise KeyboardInterrupt


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.txt").write_text("old")
    link = tmp_path / "x.txt"
    link.symlink_to("far/x.txt")
    write_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "far" / "x.txt").read_text() == "new"
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["x.txt"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        check_writable(pipe)
        write_bytes(pipe, b"content")
        assert reader.communicate()[0] == b"content"
    assert pipe.is_fifo()


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from rkgraph.errors import UsageError
from rkgraph.files import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, ({4096}, {resource.RLIM_INFINITY}))
path = Path({str(tmp_path / "x.bin")!r})
write_bytes(path, bytes(4096))
try:
    write_bytes(path, bytes(1 << 20))
except UsageError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "x.bin: cannot be written (File too large)" in done.stdout
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("x.bin", 4096)]


@pytest.mark.parametrize("name", ["gone/x.txt", "folder"])
def test_what_cannot_be_written_is_told_before_and_at_writing(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=name):
        check_writable(None, tmp_path / "good", tmp_path / name)
    with pytest.raises(UsageError, match=name):
        write_text(tmp_path / name, "text")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_other_errors_of_the_block_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "x"):
        (tmp_path / "gone").read_bytes()
    assert not list(tmp_path.iterdir())
