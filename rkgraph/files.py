"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rkgraph.errors import UsageError

__all__ = ["write_bytes", "write_text", "writing"]


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` for writing; rename it to `path` when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and `path` stays as it was.

    Raises:
        UsageError: the folder does not exist or cannot be written, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, a file is to be written there", "give another -o")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror})", f"check that {path.parent} exists and is writable"
        ) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all. Raises UsageError as `writing` does."""
    with writing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` whole or not at all. Raises UsageError as `writing` does."""
    write_bytes(path, text.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
