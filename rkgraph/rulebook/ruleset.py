"""A rule set (`rules/rknn-2.3.2.toml`): which rules are run for which toolkit, and which fixes it allows by default.

toolkit = "2.3.2"
codes = ["RK"]                 # codes, or prefixes of codes
allow = ["fp16-range"]         # safety classes of fixes beyond "safe"
[severities]                   # optional
RK103 = "note"
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from rkgraph.diagnostics import Safety, Severity
from rkgraph.errors import UsageError
from rkgraph.records import Record
from rkgraph.resources import data_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DEFAULT_RULESET", "RuleSet", "load_ruleset", "ruleset_names"]

DEFAULT_RULESET = "rknn-2.3.2"

_PREFIX = re.compile(r"RK([1-9][0-9]{0,2})?")
_KEYS = frozenset({"toolkit", "codes", "allow", "severities"})


class RuleSet(Record):
    """`codes` are whole codes or prefixes ("RK3" has RK301 in it); `severities` override those of the cards.

    `listed` are the codes that the user selected, None for all: what other rules find is not told, and not fixed, but
    still decides verdict and placement.
    """

    name: str
    toolkit: str
    codes: tuple[str, ...] = ("RK",)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    allow: frozenset[Safety] = frozenset()
    listed: frozenset[str] | None = None

    def includes(self, code: str) -> bool:
        """Whether the rule `code` belongs to the set."""
        return code.startswith(self.codes)

    def lists(self, code: str) -> bool:
        """Whether what the rule `code` finds is told."""
        return self.listed is None or code in self.listed


def ruleset_names() -> tuple[str, ...]:
    """The rule sets that ship with rkgraph, by version."""
    return tuple(sorted(path.stem for path in data_folder("rules").glob("rknn-*.toml")))


def load_ruleset(name: str) -> RuleSet:
    """The rule set called `name`, e.g. "rknn-2.3.2".

    Raises:
        UsageError: there is none of that name (the message names those that exist), or its file is not valid.
    """
    names = ruleset_names()
    if name not in names:
        raise UsageError(f"there is no rule set {name!r}", f"--rules takes one of: {', '.join(names)}")
    path = data_folder("rules") / f"{name}.toml"
    return parse_ruleset(path.read_text(encoding="utf-8"), path)


def parse_ruleset(text: str, path: Path) -> RuleSet:
    """Parse a rule set; its name is the stem of `path`. Raises UsageError, naming the file and the key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name}: is not TOML ({error})") from error
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise UsageError(f"{path.name}: unknown keys {unknown}", f"a rule set has {', '.join(sorted(_KEYS))}")
    toolkit = table.get("toolkit")
    if not isinstance(toolkit, str):
        raise UsageError(f"{path.name}: toolkit = {toolkit!r} must name a toolkit version, e.g. '2.3.2'")
    return RuleSet(
        name=path.stem,
        toolkit=toolkit,
        codes=_codes(table.get("codes", ["RK"]), path),
        severities={
            code: _member(Severity, value, f"severities.{code}", path)
            for code, value in table.get("severities", {}).items()
        },
        allow=frozenset(_member(Safety, value, "allow", path) for value in table.get("allow", [])),
    )


def _codes(value: Any, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) and _PREFIX.fullmatch(code) for code in value):
        raise UsageError(f"{path.name}: codes = {value!r} must be a list of codes or prefixes, e.g. ['RK1', 'RK301']")
    return tuple(value)


def _member(kind: Any, value: Any, key: str, path: Path) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(member.value for member in kind)
        raise UsageError(f"{path.name}: {key}: {value!r} is not one of {choices}") from error
