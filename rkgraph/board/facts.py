"""Where things are on a board, and what is known to go wrong there: data (`op_tables/board.toml`) with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rkgraph.derived import read_toml
from rkgraph.resources import data_folder

__all__ = ["Advice", "BoardFacts", "board_facts"]


@dataclass(frozen=True)
class Advice:
    """A trouble that users had: what is said then, and where they told it."""

    says: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class BoardFacts:
    """Paths are relative to the root of the file system; see the comments in the data."""

    drm: str
    mainline: str
    misc: str
    accel: str
    versions: tuple[str, ...]
    loads: tuple[str, ...]
    folders: tuple[str, ...]
    names: tuple[str, ...]
    small: frozenset[str]
    runtime_source: str
    advice: dict[str, Advice]


@lru_cache(maxsize=1)
def board_facts() -> BoardFacts:
    """The facts, as shipped."""
    data: dict[str, Any] = read_toml(data_folder("op_tables") / "board.toml")
    driver, runtime = data["driver"], data["runtime"]
    return BoardFacts(
        driver["drm"],
        driver["mainline"],
        driver["misc"],
        driver["accel"],
        tuple(driver["versions"]),
        tuple(driver["loads"]),
        tuple(runtime["folders"]),
        tuple(runtime["names"]),
        frozenset(runtime["small"]),
        runtime["sources"][0],
        {name: Advice(each["says"], tuple(each["sources"])) for name, each in data["advice"].items()},
    )
