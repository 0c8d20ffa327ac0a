"""The stamp of a managed toolkit: written last by an installation, and what it says about the environment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rkgraph.files import write_text

__all__ = ["STAMP", "BadStamp", "Stamp", "read_stamp", "write_stamp"]

STAMP = "installed.json"


class BadStamp(Exception):
    """The stamp cannot be read, or is not one."""


@dataclass(frozen=True)
class Stamp:
    """What was installed.

    Attributes:
        base: the interpreter that the environment was made with.
        python: its minor version, e.g. "3.11".
        torch: the version of the shared torch.
        torch_origin: whose it is, for people.
        torch_folder: the folder that makes it importable.
        size_mb: size of the environment on disk (MB), shared things aside.
    """

    base: str
    python: str
    torch: str
    torch_origin: str
    torch_folder: str
    size_mb: int


def read_stamp(toolkit: Path) -> Stamp:
    """The stamp in a toolkit's folder. Raises FileNotFoundError where there is none, BadStamp where it is spoilt."""
    try:
        return Stamp(**json.loads((toolkit / STAMP).read_text()))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise BadStamp(f"{toolkit / STAMP} cannot be read ({error})") from error
    except TypeError as error:
        raise BadStamp(f"{toolkit / STAMP} cannot be read (another version of rkgraph wrote it)") from error


def write_stamp(toolkit: Path, stamp: Stamp) -> None:
    """Write it whole or not at all."""
    write_text(toolkit / STAMP, json.dumps(asdict(stamp), indent=1) + "\n")
