"""Bundles are written as a whole: in a folder of their own beside their place, which they take when they are done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rkgraph.compile.manifest import Bundle, is_bundle
from rkgraph.errors import UsageError

__all__ = ["check_place", "put_in_place", "workshop"]


def check_place(output: Path) -> None:
    """Raise UsageError unless `output` does not exist, is an older bundle, or is an empty folder."""
    if output.exists() and not is_bundle(output) and not (output.is_dir() and not any(output.iterdir())):
        raise UsageError(f"{output}: exists and is no bundle", "give another -o")


@contextmanager
def workshop(output: Path) -> Iterator[Path]:
    """A new folder on the file system of `output`, which a rename can put into its place; removed in any case."""
    parent = output.resolve().parent
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=parent)
    except OSError as error:
        raise UsageError(
            f"{output}: cannot be written ({error.strerror})", f"check that {parent} exists and is writable"
        ) from error
    with folder as name:
        work = Path(name) / "bundle"
        work.mkdir()
        yield work


def put_in_place(work: Path, output: Path) -> Bundle:
    """Give the finished folder its name; an older bundle of that name goes."""
    if output.exists():
        output.rename(work.with_name("replaced"))
    work.rename(output)
    return Bundle.read(output)
