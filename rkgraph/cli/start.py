"""Entry point of the `rkgraph` script: sets up the interpreter for a short life, then hands over to the application."""

from __future__ import annotations

import gc
from typing import NoReturn

__all__ = ["main"]

_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> NoReturn:
    """Run the command line. Importing and reading a model make objects that stay: looking for garbage is lost time.

    That holds for the two searches of all objects with which the interpreter ends, too: 50 ms of a lint.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from rkgraph.cli.app import main as run

    try:
        run()
    finally:
        gc.freeze()
