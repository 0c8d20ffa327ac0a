"""A rule card: contract, documentation and test of one rule in one Markdown page of `rules/`.

    +++
    code = "RK301"
    name = "dynamic-input-shape"            # of the bad pattern
    severity = "error"
    applies_to = "model"                    # or "*" (every node), or a list of operators
    after = ["RK110"]                       # optional: rules that run, and are fixed, before this one
    needs = ["samples"]                     # optional: asked only where all is there; "samples", "quantized" (a build)
    evidence = ["probe:Abs/float,r1,alone"]    # optional: ids of evidence that the rule rests on
    [options.least_bytes]                   # optional: what the user may set, `lint.settings` to the rule
    type = "int"                            # int, float, bool or text
    default = 1048576
    least = 0                               # optional, as `most`: of a number
    meaning = "Smaller tables are not told."
    [fix]                                   # where the rule has a fix
    title = "Pin the input to a fixed shape"
    safety = "shape"
    equivalence = "restricted"              # "exact" bit for bit · "tolerance" · "restricted" to fewer inputs
    candidate = true                        # optional: may or may not pay; `rkgraph fix --tune` asks the compiler
    +++
    ## What it does
    …

The body has the headings of `HEADINGS`, each once, in that order. Models in it are fenced blocks of ONNX text:
"```onnx", optionally followed by a TOML inline table of what lint is told (`Block`).

The front matter is parsed at once, or looked up (`fronts.py`); the body is split only when somebody reads it, because
lint never does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

from rkgraph.diagnostics import FixOffer, Safety, Severity
from rkgraph.records import Record
from rkgraph.rulebook.fronts import parsed_front

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["HEADINGS", "Block", "Card", "CardError", "CardOption", "front_of", "parse_card", "read_card"]

HEADINGS = (
    "What it does",
    "Why it matters on RKNN",
    "Example",
    "Fixed",
    "Not an error",
    "Fix safety",
    "References",
)

KINDS: Mapping[str, type] = {"int": int, "float": float, "bool": bool, "text": str}
"""Types of options, as a card spells them."""

NEEDS = ("samples", "quantized")
"""What a rule may need to find anything: the user's samples; a target whose precision is not a float's."""

EQUIVALENCES = ("exact", "tolerance", "restricted")
SEVERITIES = tuple(severity.value for severity in Severity)
SAFETIES = tuple(safety.value for safety in Safety)

_FENCE = "+++"
_CODE = re.compile(r"RK[1-9][0-9]{2}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_BLOCK = re.compile(r"^```onnx[ \t]*(?P<options>\{[^\n]*\})?[ \t]*\n(?P<text>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_BLOCK_OPTIONS = frozenset(
    {"shape", "dim", "platform", "precision", "toolkit", "allow", "finds", "cpu", "samples", "with"}
)


class CardError(ValueError):
    """A card that does not keep the contract of this module: our own data is broken."""


class Block(Record):
    """A model of a card, as ONNX text for `onnx.parser`, and what lint is told about it.

    `line` counts in the card from 1. Options (all optional): `shape` and `dim`: as on the command line, a string or a
    list of strings; `platform`, `precision`, `toolkit`: of the target; `allow`: list of safety classes for the fix;
    `finds`: how many findings of the card's code an Example has (default: at least one); `cpu`: how many layers of a
    Fixed model the compiler puts on the CPU, conversions of inputs and outputs aside (default: none);
    `samples`: calibration samples of this standard deviation are observed (default: none);
    `with`: codes of rules that run with the card's own, where what it makes alone is no model that builds yet.
    """

    text: str
    line: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The `--shape` options, e.g. ("x=1x4",)."""
        return _strings(self.options.get("shape", ()))

    @property
    def dims(self) -> tuple[str, ...]:
        """The `--dim` options, e.g. ("batch=1",)."""
        return _strings(self.options.get("dim", ()))


class CardOption(Record):
    """What the user may set of a rule: `type` is a key of KINDS; `least` and `most` bound a number."""

    name: str
    type: str
    default: Any
    meaning: str
    least: float | None = None
    most: float | None = None

    def objection(self, value: object) -> str | None:
        """What is wrong with a value; None where it can be used. A whole number may stand for a float."""
        kind = KINDS[self.type]
        fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if not fits or (isinstance(value, bool) and kind is not bool):
            return f"must be of type {self.type}"
        if isinstance(value, (int, float)) and self.least is not None and value < self.least:
            return f"must be at least {self.least:g}"
        if isinstance(value, (int, float)) and self.most is not None and value > self.most:
            return f"must be at most {self.most:g}"
        return None


class Card(Record):
    """One rule's card. `applies_to` is ("*",), ("model",) or operators; `stem` the file name without ".md"."""

    stem: str
    code: str
    name: str
    severity: Severity
    applies_to: tuple[str, ...]
    body: str = field(repr=False)
    body_line: int = 1
    after: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    fix: FixOffer | None = None
    equivalence: str | None = None
    candidate: bool = False
    options: tuple[CardOption, ...] = ()
    needs: tuple[str, ...] = ()

    @cached_property
    def sections(self) -> Mapping[str, str]:
        """Heading → Markdown below it, in the order of `HEADINGS`.

        Raises:
            CardError: a heading is missing, unknown, repeated or out of order.
        """
        parts = re.split(r"^## +(.+?)[ \t]*$", self.body, flags=re.MULTILINE)
        found = tuple(parts[1::2])
        if found != HEADINGS:
            raise CardError(f"{self.stem}.md: the headings are {list(found)}, they must be {list(HEADINGS)}")
        return {heading: text.strip("\n") for heading, text in zip(found, parts[2::2], strict=True)}

    def blocks(self, heading: str) -> tuple[Block, ...]:
        """The models below `heading`, in order.

        Raises:
            CardError: an unknown heading, or options of a block that cannot be understood.
        """
        if heading not in self.sections:
            raise CardError(f"{self.stem}.md: there is no heading {heading!r}")
        start = self.body.index(f"## {heading}")
        end = self.body.find("\n## ", start)
        region = self.body[start : end if end >= 0 else len(self.body)]
        offset = self.body_line + self.body.count("\n", 0, start)
        return tuple(
            Block(
                match["text"],
                line := offset + region.count("\n", 0, match.start()),
                self._options(match["options"], line),
            )
            for match in _BLOCK.finditer(region)
        )

    def _options(self, text: str | None, line: int) -> Mapping[str, Any]:
        if text is None:
            return {}
        try:
            options: dict[str, Any] = tomllib.loads(f"options = {text}")["options"]
        except tomllib.TOMLDecodeError as error:
            raise CardError(f"{self.stem}.md:{line}: the options of the block are not TOML ({error})") from error
        unknown = sorted(set(options) - _BLOCK_OPTIONS)
        if unknown:
            raise CardError(
                f"{self.stem}.md:{line}: unknown options {unknown}; a block may have {sorted(_BLOCK_OPTIONS)}"
            )
        return options


def read_card(path: Path) -> Card:
    """Read the card at `path`. Raises CardError; OSError where there is no such file."""
    return parse_card(path.read_text(encoding="utf-8"), path.stem)


def parse_card(text: str, stem: str) -> Card:
    """Parse a card's text; `stem` is its file name without ".md".

    Raises:
        CardError: no front matter, a key missing, unknown or of a wrong kind, or a code or name that is not the stem's.
    """
    header, body, body_line = _split(text, stem)
    reader = _FrontMatter(_toml(header, stem), f"{stem}.md")
    code = reader.text("code", _CODE)
    name = reader.text("name", _NAME)
    if stem != f"{code}_{name}".lower().replace("-", "_"):
        raise CardError(f"{stem}.md: the file must be called {f'{code}_{name}'.lower().replace('-', '_')}.md")
    severity = Severity(reader.choice("severity", SEVERITIES))
    applies_to = reader.texts("applies_to", single=True)
    after = reader.texts("after", optional=True)
    evidence = reader.texts("evidence", optional=True)
    fix, equivalence, candidate = _fix(reader.table("fix"))
    options = tuple(_option(table, name) for name, table in reader.tables("options"))
    needs = reader.texts("needs", optional=True)
    if not set(needs) <= set(NEEDS):
        raise CardError(f"{stem}.md: needs = {list(needs)} must be some of {', '.join(NEEDS)}")
    reader.close()
    return Card(
        *(
            stem,
            code,
            name,
            severity,
            applies_to,
            body,
            body_line,
            after,
            evidence,
            fix,
            equivalence,
            candidate,
            options,
            needs,
        )
    )


def front_of(text: str, stem: str) -> str:
    """The text of a card's front matter. Raises CardError where it has none."""
    return _split(text, stem)[0]


def _fix(reader: _FrontMatter | None) -> tuple[FixOffer | None, str | None, bool]:
    if reader is None:
        return None, None, False
    safety = Safety(reader.choice("safety", SAFETIES))
    offer = FixOffer(reader.text("title"), safety)
    equivalence = reader.choice("equivalence", EQUIVALENCES)
    candidate = reader.flag("candidate")
    reader.close()
    return offer, equivalence, candidate


def _option(reader: _FrontMatter, name: str) -> CardOption:
    kind = reader.choice("type", tuple(KINDS))
    default, meaning = reader.value("default"), reader.text("meaning")
    option = CardOption(name, kind, default, meaning, reader.number("least"), reader.number("most"))
    reader.close()
    objection = option.objection(default)
    if objection is not None:
        raise CardError(f"{reader.where}: default = {default!r} {objection}")
    return option


def _split(text: str, stem: str) -> tuple[str, str, int]:
    """Front matter, body, and the line of the card at which the body begins."""
    if not text.startswith(f"{_FENCE}\n"):
        raise CardError(f"{stem}.md: the first line must be {_FENCE}")
    end = text.find(f"\n{_FENCE}\n", len(_FENCE))
    if end < 0:
        raise CardError(f"{stem}.md: the front matter is not closed by a line {_FENCE}")
    body_start = end + len(_FENCE) + 2
    return text[len(_FENCE) + 1 : end + 1], text[body_start:], text.count("\n", 0, body_start) + 1


def _toml(header: str, stem: str) -> Mapping[str, Any]:
    try:
        return parsed_front(header, stem)
    except tomllib.TOMLDecodeError as error:
        raise CardError(f"{stem}.md: the front matter is not TOML ({error})") from error


def _strings(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


class _FrontMatter:
    """Takes keys out of a table one after the other; what is left at the end is unknown."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table = dict(table)
        self._where = where

    @property
    def where(self) -> str:
        """The file, and the table in it."""
        return self._where

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value or (pattern and not pattern.fullmatch(value)):
            raise CardError(f"{self._where}: {key} = {value!r} must be {self._described(pattern)}")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise CardError(f"{self._where}: {key} = {value!r} must be one of {', '.join(choices)}")
        return value

    def texts(self, key: str, *, single: bool = False, optional: bool = False) -> tuple[str, ...]:
        if optional and key not in self._table:
            return ()
        value = self._take(key)
        if single and isinstance(value, str) and value in ("*", "model"):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise CardError(f"{self._where}: {key} = {value!r} must be a list of strings")
        if (single and not value) or len(set(value)) != len(value):
            raise CardError(f"{self._where}: {key} = {value!r} must be neither empty nor have doubles")
        return tuple(value)

    def flag(self, key: str) -> bool:
        value = self._table.pop(key, False)
        if not isinstance(value, bool):
            raise CardError(f"{self._where}: {key} = {value!r} must be true or false")
        return value

    def value(self, key: str) -> Any:
        return self._take(key)

    def number(self, key: str) -> float | None:
        value = self._table.pop(key, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise CardError(f"{self._where}: {key} = {value!r} must be a number")
        return value

    def tables(self, key: str) -> list[tuple[str, _FrontMatter]]:
        """The tables in a table, by name; none where there is no such table."""
        outer = self.table(key)
        if outer is None:
            return []
        found = [(name, outer.table(name)) for name in list(outer._table)]
        return [(name, table) for name, table in found if table is not None]

    def table(self, key: str) -> _FrontMatter | None:
        value = self._table.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise CardError(f"{self._where}: {key} must be a table")
        return _FrontMatter(value, f"{self._where}: {key}")

    def close(self) -> None:
        if self._table:
            raise CardError(f"{self._where}: unknown keys {sorted(self._table)}")

    def _take(self, key: str) -> Any:
        if key not in self._table:
            raise CardError(f"{self._where}: {key} is missing")
        return self._table.pop(key)

    @staticmethod
    def _described(pattern: re.Pattern[str] | None) -> str:
        return f"text like {pattern.pattern}" if pattern else "text"
