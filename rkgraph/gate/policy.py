"""`gate.toml`: what is allowed. A key that is not known is an error with its line and the name that was probably meant.

[budget]
verdict = "deployable"
no-kernel = 0
traffic = "80 MB"
cycles = { most = 2_000_000, measured = true }      # the compiler's number, no estimate
cosine = { least = 0.999, optional = true }         # no number is no failure
findings = { error = 0, RK104 = 3, RK2 = 0 }

[ratchet]                                           # with --against
tolerance = 0.02
numbers = ["cpu-nodes", "crossings", "cycles"]

[[model]]
match = "models/encoder*.onnx"
target = "rk3588*"
budget = { cpu-nodes = 4 }
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from rkgraph.config.keys import Place, nearest
from rkgraph.config.lines import line_of
from rkgraph.derived import parse_toml
from rkgraph.diagnostics import Severity
from rkgraph.errors import UsageError
from rkgraph.gate.measures import MEASURES, VERDICTS, Kind
from rkgraph.gate.subjects import Subject

__all__ = ["Budget", "Policy", "Ratchet", "Section", "parse_policy", "read_policy"]

_LARGEST = 4 << 20
_UNITS = {"B": 1, "kB": 1 << 10, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_SIZE = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})")
_CODE = re.compile(r"[A-Z]{2,8}[0-9]{0,4}")
_TOP = ("budget", "ratchet", "model")
_MODEL = ("match", "target", "budget")
_DETAILS = ("most", "least", "optional", "measured")

FINDINGS = "findings"


@dataclass(frozen=True)
class Budget:
    """A bound of one number: `limit` is the most, of a likeness the least.

    `optional`: no number is no failure. `measured`: only the compiler's number counts.
    """

    name: str
    limit: float
    optional: bool = False
    measured: bool = False


@dataclass(frozen=True)
class Ratchet:
    """What must not get worse: `numbers`, by more than `tolerance`, in parts of the old one."""

    tolerance: float = 0.0
    numbers: tuple[str, ...] = tuple(name for name in MEASURES if name != "macs")


@dataclass(frozen=True)
class Section:
    """Budgets of some models: a glob of the path and one of the target ("rk3588/2.3.2/fp16")."""

    match: str
    target: str = "*"
    budgets: Mapping[str, Budget] = field(default_factory=dict)

    def covers(self, subject: Subject) -> bool:
        """Whether it is about the subject: its whole path, or an end of it, matches."""
        path = PurePosixPath(subject.path)
        ends = ("/".join(path.parts[start:]) for start in range(len(path.parts)))
        fits = fnmatchcase(subject.path, self.match) or any(fnmatchcase(end, self.match) for end in ends)
        return fits and (fnmatchcase(subject.place, self.target) or fnmatchcase(subject.target.platform, self.target))


@dataclass(frozen=True)
class Policy:
    """What holds for all models, and for some; later sections count more."""

    budgets: Mapping[str, Budget] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    ratchet: Ratchet = Ratchet()

    def of(self, subject: Subject) -> Mapping[str, Budget]:
        """The budgets of a subject, by name."""
        found = dict(self.budgets)
        for section in self.sections:
            if section.covers(subject):
                found |= section.budgets
        return found


def read_policy(path: Path) -> Policy:
    """The policy of a file. Raises UsageError where it cannot be read, with file and line of what is wrong in it."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: larger than {_LARGEST >> 20} MB", "is it a policy?")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        hint = f"write one from your reports: rkgraph gate REPORT.json --init {path}"
        raise UsageError(f"{path}: cannot be read ({error.strerror})", hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 (byte {error.start})", "a policy is TOML") from error
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str) -> Policy:
    """The policy in a text that is called `name` in messages. Raises UsageError with the line of what is wrong."""
    data = parse_toml(text, name)

    def place(*above: str | int) -> Place:
        return Place(Path(), lambda *steps: f"{name}:{line_of(text, (*above, *steps))}")

    _known(data, _TOP, place())
    budgets = _budgets(_table(data.get("budget", {}), place("budget")), place("budget"))
    ratchet = _ratchet(_table(data.get("ratchet", {}), place("ratchet")), place("ratchet"))
    sections = data.get("model", [])
    if not isinstance(sections, list):
        raise place("model").wrong(what="must be a list of tables", hint="write each as [[model]]")
    found = tuple(_section(each, place, index) for index, each in enumerate(sections))
    if not budgets and not found and "ratchet" not in data:
        raise UsageError(f"{name}: bounds nothing", "write [budget] with e.g. no-kernel = 0, or --init a policy")
    return Policy(budgets, found, ratchet)


def _section(data: Any, place: Callable[..., Place], index: int) -> Section:
    own = place("model", index)
    _known(_table(data, own), _MODEL, own)
    for key in ("match", "target"):
        if not isinstance(data.get(key, "*"), str) or not data.get(key, "*"):
            raise own.wrong(key, what=f"{data[key]!r} must be a glob", hint=f'write e.g. {key} = "models/*.onnx"')
    if "match" not in data:
        raise own.wrong(what="a [[model]] needs its match", hint='write e.g. match = "models/*.onnx"')
    inner = place("model", index, "budget")
    return Section(data["match"], data.get("target", "*"), _budgets(_table(data.get("budget", {}), inner), inner))


def _ratchet(data: Mapping[str, Any], place: Place) -> Ratchet:
    _known(data, ("tolerance", "numbers"), place)
    tolerance, numbers = data.get("tolerance", 0.0), data.get("numbers")
    if type(tolerance) not in (int, float) or not 0 <= tolerance < math.inf:
        hint = "parts of the old number, e.g. 0.02 for 2 %"
        raise place.wrong("tolerance", what=f"{tolerance!r} is no tolerance", hint=hint)
    if numbers is None:
        return Ratchet(float(tolerance))
    if not isinstance(numbers, list) or not all(isinstance(word, str) for word in numbers):
        raise place.wrong("numbers", what=f"{numbers!r} must be a list of texts", hint='write e.g. ["cpu-nodes"]')
    for word in numbers:
        if _name(word) not in MEASURES:
            raise place.wrong("numbers", what=f"there is no number {word!r}", hint=nearest(word, tuple(MEASURES)))
    return Ratchet(float(tolerance), tuple(map(_name, numbers)))


def _budgets(data: Mapping[str, Any], place: Place) -> dict[str, Budget]:
    found: dict[str, Budget] = {}
    for key, given in data.items():
        name = _name(key)
        if name == FINDINGS:
            found |= _findings(_table(given, place), key, place)
        elif name in MEASURES:
            found[name] = _budget(name, given, key, place)
        else:
            raise place.wrong(key, what=f"unknown key {key!r}", hint=nearest(key, (*MEASURES, FINDINGS)))
    return found


def _findings(data: Mapping[str, Any], above: str, place: Place) -> dict[str, Budget]:
    """Bounds of findings by severity, code or the beginning of a code: "findings.RK2"."""
    severities = tuple(severity.value for severity in Severity)
    for key, most in data.items():
        if key not in severities and not _CODE.fullmatch(key):
            hint = nearest(key, severities) if key.islower() else "write a severity, a code, or how codes begin"
            raise place.wrong(above, key, what=f"{key!r} is no severity and no code", hint=hint)
        if type(most) is not int or most < 0:
            raise place.wrong(above, key, what=f"{most!r} is no number of findings", hint="write e.g. 0")
    return {f"{FINDINGS}.{key}": Budget(f"{FINDINGS}.{key}", float(most)) for key, most in data.items()}


def _budget(name: str, given: Any, key: str, place: Place) -> Budget:
    if not isinstance(given, dict):
        return Budget(name, _limit(name, given, place, key))
    for word in given:
        if word not in _DETAILS:
            raise place.wrong(key, word, what=f"unknown key {word!r}", hint=nearest(word, _DETAILS))
    end = "least" if MEASURES[name].kind is Kind.LIKENESS else "most"
    if set(given) & {"most", "least"} != {end}:
        raise place.wrong(
            key, what=f"needs `{end}`, and nothing else of most and least", hint=f"{key} = {{ {end} = … }}"
        )
    for word in ("optional", "measured"):
        if not isinstance(given.get(word, False), bool):
            raise place.wrong(key, word, what=f"{given[word]!r} must be true or false")
    if given.get("measured") and MEASURES[name].compiled is None:
        raise place.wrong(key, "measured", what=f"compilers do not tell {name}", hint="leave `measured` out")
    limit = _limit(name, given[end], place, key, end)
    return Budget(name, limit, given.get("optional", False), given.get("measured", False))


def _limit(name: str, given: Any, place: Place, *steps: str) -> float:
    kind = MEASURES[name].kind
    if kind is Kind.VERDICT:
        if given not in VERDICTS:
            raise place.wrong(*steps, what=f"{given!r} is no verdict", hint=f"choose from {', '.join(VERDICTS)}")
        return float(VERDICTS.index(given))
    size = _SIZE.fullmatch(given) if isinstance(given, str) and kind is Kind.BYTES else None
    if size is not None:
        return float(size[1]) * _UNITS[size[2]]
    if type(given) not in (int, float) or not 0 <= given < math.inf:
        hint = 'write bytes, or e.g. "80 MB"' if kind is Kind.BYTES else "write a number from 0"
        raise place.wrong(*steps, what=f"{given!r} is no budget for {name}", hint=hint)
    if kind in (Kind.SHARE, Kind.LIKENESS) and given > 1:
        raise place.wrong(*steps, what=f"{given!r} is more than {name} can be", hint="write a number from 0 to 1")
    return float(given)


def _known(data: Mapping[str, Any], known: Sequence[str], place: Place) -> None:
    for key in data:
        if key not in known:
            if _name(key) in (*MEASURES, FINDINGS) and "budget" in known:
                raise place.wrong(key, what=f"{key!r} is a budget", hint="write it below [budget]")
            raise place.wrong(key, what=f"unknown key {key!r}", hint=nearest(key, tuple(known)))


def _table(value: Any, place: Place) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise place.wrong(what=f"{value!r} must be a table")
    return value


def _name(key: str) -> str:
    return key.replace("_", "-")
