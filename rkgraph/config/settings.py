"""The settings that hold for one model: defaults, under the file, under its sections, under the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.config.section import Section
from rkgraph.diagnostics import Safety, Severity
from rkgraph.records import Record
from rkgraph.targets import Target

if TYPE_CHECKING:
    from rkgraph.config.suppressions import Suppression
    from rkgraph.rulebook.ruleset import RuleSet

__all__ = ["COMMAND_LINE", "DEFAULT", "Settings", "effective"]

COMMAND_LINE, DEFAULT = "command line", "default"

_TABLES = ("shape", "dim", "severity")
_SELECTION = ("select", "extend-select", "ignore")


class Settings(Record):
    """What holds for one model, whoever said it. `sources` says who: key → file and line, or the command line.

    `shapes` input → shape, `dims` symbolic name → size, `listed` the codes that are told (None: all), `severities` and
    `rule_options` by code. `choices` are the words that made `listed`, by key.
    """

    target: str = Target.platform
    rules: str | None = None
    toolkit: str | None = None
    precision: str = Target.precision
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    calibration: Path | None = None
    allow: frozenset[Safety] = frozenset()
    fail_on: Severity = Severity.ERROR
    format: str = "text"
    baseline: Path | None = None
    listed: frozenset[str] | None = None
    severities: Mapping[str, Severity] = field(default_factory=dict)
    rule_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    suppressions: tuple[Suppression, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def ruleset(self, base: RuleSet) -> RuleSet:
        """The rule set, with what the user selected and how bad the user finds it."""
        return replace(base, listed=self.listed, severities={**base.severities, **self.severities})

    def told(self, keys: Iterable[str]) -> str:
        """Who said these, of those that were said: "target, precision: rkgraph.toml:3, rkgraph.toml:4"; else ""."""
        said = {key: self.sources[key] for key in keys if key in self.sources}
        return f"{', '.join(said)}: {', '.join(dict.fromkeys(said.values()))}" if said else ""


def effective(sections: Sequence[Section]) -> Settings:
    """The settings that sections make, the strongest last.

    A value replaces that of weaker sections; tables are joined, suppressions gathered; of rules see `selected`.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for section in sections:
        if section.values.keys() & {"rules", "toolkit"}:  # both say which toolkit: the stronger one wins
            _forget(values, sources, ("rules", "toolkit"))
        for key, value in section.values.items():
            values[key] = _joined(key, values.get(key), value)
            sources[key] = section.sources[key]
    names = {"shape": "shapes", "dim": "dims", "severity": "severities", "rule": "rule_options"}
    names |= {"suppress": "suppressions", "fail-on": "fail_on"}
    plain = {names.get(key, key): value for key, value in values.items() if key not in _SELECTION}
    words = {key: tuple(one.word for one in values[key]) for key in _SELECTION if key in values}
    return Settings(**plain, listed=_listed(sections) if words else None, choices=words, sources=sources)


def _listed(sections: Sequence[Section]) -> frozenset[str] | None:
    from rkgraph.config.selectors import Choice, selected

    return selected(Choice(*(section.values.get(key, default) for key, default in _CHOICE)) for section in sections)


_CHOICE: tuple[tuple[str, Any], ...] = (("select", None), ("extend-select", ()), ("ignore", ()))


def _joined(key: str, weaker: Any, stronger: Any) -> Any:
    if weaker is None:
        return stronger
    if key in _TABLES:
        return {**weaker, **stronger}
    if key == "rule":
        return {code: {**weaker.get(code, {}), **stronger.get(code, {})} for code in {**weaker, **stronger}}
    return (*weaker, *stronger) if key in ("suppress", "extend-select", "ignore") else stronger


def _forget(values: dict[str, Any], sources: dict[str, str], keys: Collection[str]) -> None:
    for key in keys:
        values.pop(key, None)
        sources.pop(key, None)
