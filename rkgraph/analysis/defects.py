"""Known defects of the toolkit's own optimiser (`op_tables/defects.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rkgraph.derived import read_toml
from rkgraph.records import Record
from rkgraph.resources import data_folder

__all__ = ["Defect", "defect", "defects"]


class Defect(Record):
    """One defect; the file says what each field means.

    `trigger` and `disable` are empty where no rule of the toolkit is to be switched off, and `mended_by` is the code of
    the rule of ours that writes the model otherwise, if there is one.
    """

    name: str
    what: str
    fails: tuple[str, ...]
    evidence: tuple[str, ...]
    wastes: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    trigger: str = ""
    mended_by: str = ""


@lru_cache(maxsize=1)
def defects() -> Mapping[str, Defect]:
    """All defects by name, in the order of the file."""
    data = read_toml(data_folder("op_tables") / "defects.toml")
    return {name: _defect(name, facts) for name, facts in data.items()}


def defect(name: str) -> Defect:
    """The defect called `name`. Raises KeyError."""
    return defects()[name]


def _defect(name: str, facts: Mapping[str, Any]) -> Defect:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return Defect(name, **values)
