"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rkgraph.errors import UsageError

__all__ = ["check_writable", "no_room", "write_bytes", "write_text", "writing"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` for writing; rename it to `path` when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and `path` stays as it was. Of a symbolic link
    the file that it leads to is replaced. A device or a pipe (`/dev/stdout`) is written to as it is.

    Raises:
        UsageError: the folder does not exist or cannot be written, `path` is a folder, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, a file is to be written there", "give another -o")
    with _told(path), _stream(path) if _is_special(path) else _replacement(path) as file:
        yield file


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all. Raises UsageError as `writing` does."""
    with writing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` whole or not at all. Raises UsageError as `writing` does."""
    write_bytes(path, text.encode())


def check_writable(*paths: Path | None) -> None:
    """Raise the UsageError of `writing` now, before the work whose results are to be written; None is skipped."""
    for path in paths:
        if path is None or _is_special(path):
            continue
        if path.is_dir():
            raise UsageError(f"{path}: is a folder, a file is to be written there", "give another path")
        if not path.parent.is_dir():
            raise _unwritable(path, os.strerror(errno.ENOENT))
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise _unwritable(path, os.strerror(errno.EACCES))


def no_room(error: OSError) -> bool:
    """Whether the disk is full, a quota is used up, or a file has reached its allowed size."""
    return error.errno in _FULL


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """A full disk as the UsageError that it is; errors of other files pass."""
    try:
        yield
    except OSError as error:
        if not no_room(error):
            raise
        raise UsageError(f"{path}: cannot be written ({error.strerror})", "make room, or give another path") from error


@contextlib.contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("wb")
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    with file:
        yield file


@contextlib.contextmanager
def _replacement(path: Path) -> Iterator[IO[bytes]]:
    import tempfile  # with what it imports 1 ms, and most commands write nothing

    target = Path(os.path.realpath(path)) if path.is_symlink() else path  # of a link to itself: the link
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _unwritable(path: Path, reason: str | None) -> UsageError:
    return UsageError(f"{path}: cannot be written ({reason})", f"check that {path.parent} exists and is writable")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
