"""The torch of the managed toolkits, for whoever else needs one: it need not be there twice."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from rkgraph.toolkit.catalog import VERSIONS
from rkgraph.toolkit.locate import default_home, toolkit_folder
from rkgraph.toolkit.stamp import BadStamp, read_stamp

__all__ = ["managed_torch"]


def managed_torch(home: Path | None = None) -> Path | None:
    """A folder that makes torch importable when it is put behind everything else on the path.

    None where no managed toolkit shares a torch for the running version of Python.
    """
    running = "{}.{}".format(*sys.version_info[:2])
    for version in reversed(VERSIONS):
        with contextlib.suppress(FileNotFoundError, BadStamp):
            stamp = read_stamp(toolkit_folder(version, home or default_home()))
            folder = Path(stamp.torch_folder)
            if stamp.python == running and (folder / "torch").is_dir():
                return folder
    return None
