"""The keys that a configuration may have: how each is spelt, what it means, and how its value is read.

Values come out as the engine wants them: paths absolute, rules as codes, sizes as tuples.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rkgraph.config.selectors import Selector, code_of, selector
from rkgraph.config.suppressions import Suppression
from rkgraph.diagnostics import Safety, Severity
from rkgraph.errors import UsageError
from rkgraph.rulebook.card import CardOption, read_card
from rkgraph.rulebook.registry import card_path

__all__ = ["KEYS", "MODELS", "Key", "Place", "nearest"]

MODELS = "model"
"""The table of sections for some models: glob → section."""

FORMATS = ("text", "json", "sarif", "junit", "github", "gitlab", "markdown", "html")
_SIZES = re.compile(r"\d+(?:[x,]\d+)*")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}(#([1-9][0-9]*|\*))?")
_NEEDED: Mapping[str, str] = {
    "code": "the rule, e.g. RK605",
    "fingerprint": "`rkgraph lint --verbose` has it in brackets",
    "reason": "a year from now somebody will ask why",
}
_SUPPRESSION = ("code", "fingerprint", "reason", "expires")


@dataclass(frozen=True)
class Place:
    """Where a value stands, for messages and for what is relative to the file."""

    folder: Path
    source: Callable[..., str]
    """Of further steps down: file and line, "rkgraph.toml:7"."""

    def wrong(self, *steps: str | int, what: str, hint: str = "") -> UsageError:
        """The error to raise."""
        return UsageError(f"{self.source(*steps)}: {what}", hint)


Read = Callable[[Any, Place], Any]


@dataclass(frozen=True)
class Key:
    """A key: its spelling, what reads its value, what it means; `sections`: whether it may differ between models."""

    name: str
    read: Read
    meaning: str
    sections: bool = True


def nearest(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """A hint: the name that was meant, or all that there are."""
    from difflib import get_close_matches

    meant = get_close_matches(word.replace("_", "-"), known, n=1)
    return f"did you mean {meant[0]}?" if meant else f"known are: {', '.join(known)}"


def _text(value: Any, place: Place) -> str:
    if not isinstance(value, str) or not value:
        raise place.wrong(what=f"{value!r} must be text")
    return value


def _choice(words: tuple[str, ...]) -> Read:
    def read(value: Any, place: Place) -> str:
        if value not in words:
            raise place.wrong(what=f"{value!r} is none of its values", hint=f"choose from {', '.join(words)}")
        return str(value)

    return read


def _member(kind: type[Enum]) -> Read:
    def read(value: Any, place: Place) -> Enum:
        return kind(_choice(tuple(str(member.value) for member in kind))(value, place))

    return read


def _path(value: Any, place: Place) -> Path:
    return (place.folder / _text(value, place)).resolve()


def _list(value: Any, place: Place) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise place.wrong(what=f"{value!r} must be a list of texts", hint='write e.g. ["RK4", "RK605"]')
    return value


def _table(value: Any, place: Place) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise place.wrong(what=f"{value!r} must be a table")
    return value


def _selectors(value: Any, place: Place) -> tuple[Selector, ...]:
    found = []
    for word in _list(value, place):
        try:
            found.append(selector(word))
        except UsageError as error:
            raise place.wrong(what=error.message, hint=error.hint) from error
    return tuple(found)


def _code(word: Any, place: Place, *steps: str | int) -> str:
    try:
        return code_of(str(word))
    except UsageError as error:
        raise place.wrong(*steps, what=error.message, hint=error.hint) from error


def _classes(value: Any, place: Place) -> frozenset[Safety]:
    known = tuple(s.value for s in Safety if s not in (Safety.SAFE, Safety.MANUAL))
    return frozenset(Safety(_choice(known)(word, place)) for word in _list(value, place))


def _shapes(value: Any, place: Place) -> Mapping[str, tuple[int, ...]]:
    return {name: _sizes(name, given, place) for name, given in _table(value, place).items()}


def _sizes(name: str, given: Any, place: Place) -> tuple[int, ...]:
    sizes = given
    if isinstance(given, str) and _SIZES.fullmatch(given):
        sizes = [int(size) for size in re.split("[x,]", given)]
    if not isinstance(sizes, list) or not sizes or not all(type(size) is int and size > 0 for size in sizes):
        raise place.wrong(name, what=f"{given!r} is no shape", hint='write e.g. [1, 256], or "1x256"')
    return tuple(sizes)


def _dims(value: Any, place: Place) -> Mapping[str, int]:
    for name, size in _table(value, place).items():
        if type(size) is not int or size < 1:
            raise place.wrong(name, what=f"{size!r} is no size", hint="write a whole number from 1")
    return dict(value)


def _severities(value: Any, place: Place) -> Mapping[str, Severity]:
    """By code; the more exact word counts."""
    said: list[tuple[Selector, Severity]] = []
    words = tuple(severity.value for severity in Severity)
    for word, level in _table(value, place).items():
        if level not in words:
            hint = f"choose from {', '.join(words)}; `ignore` leaves a rule out"
            raise place.wrong(word, what=f"{level!r} is no severity", hint=hint)
        try:
            said.append((selector(word), Severity(level)))
        except UsageError as error:
            raise place.wrong(word, what=error.message, hint=error.hint) from error
    said.sort(key=lambda one: one[0].weight)
    return {code: level for chosen, level in said for code in sorted(chosen.codes)}


def _rules(value: Any, place: Place) -> Mapping[str, Mapping[str, Any]]:
    """Code → option → value, held against what the cards declare."""
    found: dict[str, Mapping[str, Any]] = {}
    for word, given in _table(value, place).items():
        code = _code(word, place, word)
        if not isinstance(given, dict):
            raise place.wrong(
                word, what=f"{given!r} must be a table of options", hint=f"`rkgraph rule {code}` has them"
            )
        declared = {option.name: option for option in _declared(code)}
        for name, setting in given.items():
            if name not in declared:
                hint = nearest(name, tuple(declared)) if declared else f"`rkgraph rule {code}` shows what a rule has"
                raise place.wrong(word, name, what=f"{code} has no option {name!r}", hint=hint)
            objection = declared[name].objection(setting)
            if objection is not None:
                raise place.wrong(word, name, what=f"{name} = {setting!r} {objection}", hint=declared[name].meaning)
        found[code] = {**found.get(code, {}), **given}
    return found


def _declared(code: str) -> tuple[CardOption, ...]:
    try:
        return read_card(card_path(code)).options
    except UsageError:  # a notice, which has no card and no options
        return ()


def _suppressions(value: Any, place: Place) -> tuple[Suppression, ...]:
    if not isinstance(value, list):
        raise place.wrong(what="must be a list of tables", hint="write each as [[tool.rkgraph.suppress]]")
    return tuple(entry for index, given in enumerate(value) for entry in _suppression(given, index, place))


def _suppression(given: Any, index: int, place: Place) -> list[Suppression]:
    if not isinstance(given, dict):
        raise place.wrong(index, what=f"{given!r} must be a table")
    for key in given:
        if key not in _SUPPRESSION:
            raise place.wrong(index, key, what=f"unknown key {key!r}", hint=nearest(key, _SUPPRESSION))
    for key in _NEEDED:
        if not given.get(key) or (isinstance(given[key], str) and not given[key].strip()):
            raise place.wrong(index, key, what=f"a suppression needs its {key}", hint=_NEEDED[key])
    words = given["fingerprint"] if isinstance(given["fingerprint"], list) else [given["fingerprint"]]
    for word in words:
        if not isinstance(word, str) or not _FINGERPRINT.fullmatch(word):
            hint = 'take it from `rkgraph lint -v`: "0123456789abcdef#2"; "0123456789abcdef#*" is all that look alike'
            raise place.wrong(index, "fingerprint", what=f"{word!r} is no fingerprint", hint=hint)
    expires = given.get("expires")
    if expires is not None and (not isinstance(expires, datetime.date) or isinstance(expires, datetime.datetime)):
        raise place.wrong(index, "expires", what=f"{expires!r} is no date", hint="write e.g. expires = 2027-01-31")
    code, reason = _code(given["code"], place, index, "code"), _text(given["reason"], place)
    return [Suppression(code, word, reason, expires, place.source(index)) for word in words]


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("target", _text, "Platform, e.g. rk3588."),
        Key("rules", _text, "Rule set; it names its toolkit version."),
        Key("toolkit", _text, "Version of rknn-toolkit2."),
        Key("precision", _text, "fp16, w8a8, w8a16, w16a16i or w4a16."),
        Key("shape", _shapes, "Inputs to pin: name → shape."),
        Key("dim", _dims, "Symbolic dimensions to pin: name → size."),
        Key("calibration", _path, "Samples: a .npz, a folder, or a text list."),
        Key("allow", _classes, "Classes of fixes beyond safe."),
        Key("select", _selectors, "Rules to list: codes, beginnings of codes, names, or ALL."),
        Key("extend-select", _selectors, "Rules to list as well."),
        Key("ignore", _selectors, "Rules to leave out."),
        Key("severity", _severities, "Rule → error, warning or note."),
        Key("rule", _rules, "Rule → its options, as `rkgraph rule CODE` shows them."),
        Key("suppress", _suppressions, "Findings that do not count, each with its reason."),
        Key("fail-on", _member(Severity), "Lowest severity that makes the exit code 1."),
        Key("format", _choice(FORMATS), "How lint prints.", sections=False),
        Key("baseline", _path, "File of findings that were there before.", sections=False),
    )
}
