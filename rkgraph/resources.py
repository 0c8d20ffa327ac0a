"""Finds the data that ships with rkgraph: rule cards, rule sets and op tables.

In a checkout they stand at top level beside the package; a wheel carries them as `rkgraph/_data/`.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["data_folder"]

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder of shipped data called `name`: "rules", "op_tables" or "schema".

    Raises:
        FileNotFoundError: neither the installed wheel nor the checkout has it (a broken installation).
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        folder = root / name
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"rkgraph's data folder {name!r} is missing; reinstall rkgraph")
