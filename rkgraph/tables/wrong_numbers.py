"""What builds and computes wrong numbers, as data: `op_tables/wrong_numbers.toml` says what each field means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any

from rkgraph.derived import read_derived
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder

__all__ = ["FILE", "WrongNumbers", "index_wrong_numbers", "wrong_numbers", "wrong_numbers_of"]

FILE = "wrong_numbers.toml"


@dataclass(frozen=True, slots=True)
class WrongNumbers:
    """One law: forms of operators that a toolkit builds, and of which it computes something else."""

    name: str
    ops: tuple[str, ...]
    where: str
    what: str
    wrong: tuple[str, ...]
    told_by: str
    evidence: tuple[str, ...]
    right: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    right_platforms: tuple[str, ...] = ()
    trigger: str = ""
    depends: str = ""

    def holds(self, version: str, platform: str) -> bool:
        """Whether it was measured in a toolkit version, and nothing else was on the platform."""
        return version in self.wrong and platform not in self.right_platforms

    def describe(self) -> str:
        """The law in a sentence without a full stop."""
        condition = f", and {self.depends}" if self.depends else ""
        return f"where {self.where}{condition}: {self.what}"


def index_wrong_numbers(document: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The index of the file: its laws by name. Raises UsageError for a field that is missing, unknown or of no use."""
    for name, facts in document.items():
        _read(name, facts, file)
    return {"laws": dict(document)}


@lru_cache(maxsize=1)
def wrong_numbers() -> Mapping[str, WrongNumbers]:
    """All laws by name, in the order of the file. Raises UsageError where the derived index is not current."""
    document = read_derived(data_folder("op_tables") / FILE)
    return {name: _read(name, facts, FILE) for name, facts in document["laws"].items()}


def wrong_numbers_of(op: str, version: str, platform: str) -> tuple[WrongNumbers, ...]:
    """The laws of an operator of the standard domain that hold in a version, on a platform."""
    return tuple(law for law in wrong_numbers().values() if op in law.ops and law.holds(version, platform))


def _read(name: str, facts: Mapping[str, Any], file: str) -> WrongNumbers:
    place, known = f"{file}, {name}", {each.name: each for each in fields(WrongNumbers)}
    for key, value in facts.items():
        if key not in known or key == "name":
            raise UsageError(f"{place}: unknown field {key!r}; there are {', '.join(sorted(set(known) - {'name'}))}")
        words = value if isinstance(value, list) else [value]
        if not all(isinstance(word, str) and word for word in words) or isinstance(value, list) != (
            str(known[key].type) == "tuple[str, ...]"
        ):
            raise UsageError(f"{place}: `{key}` must be {known[key].type}, here {value!r}")
    for key, each in known.items():
        if key != "name" and each.default is MISSING and not facts.get(key):
            raise UsageError(f"{place}: `{key}` is missing or empty")
    values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in facts.items()}
    return WrongNumbers(name, **values)
