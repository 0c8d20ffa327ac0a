"""Entries of an op table: what becomes of an operator, within its limits and outside them.

An entry says what happens to an operator when all its limits hold; each limit says what happens when it does not.
Reading is strict: unknown fields, kinds and outcomes, and anything without evidence, are refused with the place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.tables.limits import KINDS, IsConstant, LimitKind, Scalar

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = [
    "Entry",
    "Limit",
    "Outcome",
    "read_entry",
    "read_kind",
    "read_text",
    "read_texts",
    "refuse_unknown",
    "worst",
]

Outcome = Literal["npu", "cpu", "unknown", "no-kernel", "build-fails"]
"""What becomes of a node, from best to worst. "unknown": nobody has measured it."""

_SEVERITY: dict[str, int] = {outcome: rank for rank, outcome in enumerate(get_args(Outcome))}


def worst(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The worst of some outcomes."""
    return max(outcomes, key=_SEVERITY.__getitem__)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of an entry: `check` must hold wherever all of `when` do, else `outcome` is what happens.

    `platforms` empty means all. `reason` is a sentence on why, for the reference page.
    """

    check: LimitKind
    outcome: Outcome
    evidence: tuple[str, ...]
    confidence: Confidence
    when: tuple[LimitKind, ...] = ()
    platforms: tuple[str, ...] = ()
    reason: str = ""

    def violated(self, node: Node, graph: GraphView, platform: str, is_constant: IsConstant) -> Scalar | None:
        """What was observed outside the limit, None where it holds, does not apply or cannot be known."""
        if self.platforms and platform not in self.platforms:
            return None
        observed = self.check.check(node, graph, is_constant)
        if observed is None or not all(c.holds(node, graph, is_constant) for c in self.when):
            return None
        return observed

    def describe(self) -> str:
        """The limit in words: "where `data` is int64, `indices` must be a constant"."""
        conditions = " and ".join(c.condition for c in self.when)
        return f"where {conditions}, {self.check.describe()}" if conditions else self.check.describe()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the compiler makes of one operator for a range of opsets (inclusive; of its own domain).

    `platforms` empty means all that no other entry of the operator names. `disputed` names documents that say
    otherwise; `cases` is how many models were built for it.
    """

    op: str
    domain: str
    opsets: tuple[int, int]
    outcome: Outcome
    evidence: tuple[str, ...]
    confidence: Confidence
    limits: tuple[Limit, ...] = ()
    platforms: tuple[str, ...] = ()
    note: str = ""
    disputed: tuple[str, ...] = ()
    cases: int = 0

    def covers(self, platform: str, opset: int | None) -> bool:
        """Whether the entry speaks of a platform and an opset (None: any)."""
        return (not self.platforms or platform in self.platforms) and (
            opset is None or self.opsets[0] <= opset <= self.opsets[1]
        )


_ENTRY_FIELDS = {f.name for f in fields(Entry)} - {"limits"} | {"limit"}
_LIMIT_FIELDS = {"kind", "outcome", "evidence", "confidence", "when", "platforms", "reason"}


def read_entry(data: Mapping[str, Any], place: str) -> Entry:
    """Make an entry of its table in the TOML source (or of the same as JSON).

    `place` is the file and what identifies the entry, for messages.

    Raises:
        UsageError: an unknown field, kind, outcome or confidence; a field of a wrong type; no evidence.
    """
    refuse_unknown(data, _ENTRY_FIELDS, place)
    opsets = data.get("opsets", [1, 10**6])
    if not (isinstance(opsets, list) and len(opsets) == 2 and all(isinstance(n, int) for n in opsets)):
        raise UsageError(f"{place}: `opsets` must be [first, last], here {opsets!r}")
    if opsets[0] > opsets[1]:
        raise UsageError(f"{place}: `opsets` is empty: {opsets!r}")
    limits = data.get("limit", [])
    return Entry(
        op=read_text(data, "op", place),
        domain=read_text(data, "domain", place, ""),
        opsets=(opsets[0], opsets[1]),
        outcome=_outcome(data, place),
        evidence=_evidence(data, place),
        confidence=_confidence(data, place),
        limits=tuple(_read_limit(limit, f"{place}, limit {number}") for number, limit in enumerate(limits, 1)),
        platforms=read_texts(data, "platforms", place),
        note=read_text(data, "note", place, ""),
        disputed=read_texts(data, "disputed", place),
        cases=_count(data, place),
    )


def _read_limit(data: Mapping[str, Any], place: str) -> Limit:
    own = {key: value for key, value in data.items() if key not in _LIMIT_FIELDS or key == "kind"}
    conditions = data.get("when", [])
    return Limit(
        check=read_kind(own, place),
        outcome=_outcome(data, place),
        evidence=_evidence(data, place),
        confidence=_confidence(data, place),
        when=tuple(read_kind(c, f"{place}, condition {n}") for n, c in enumerate(conditions, 1)),
        platforms=read_texts(data, "platforms", place),
        reason=read_text(data, "reason", place, ""),
    )


def read_kind(data: Mapping[str, Any], place: str) -> LimitKind:
    """A limit of the closed set from `kind` and its fields; raises UsageError naming `place` for anything else."""
    name = data.get("kind")
    if name not in KINDS:
        raise UsageError(f"{place}: unknown kind {name!r}; there are {', '.join(KINDS)}")
    kind = KINDS[name]
    known = _fields_of(kind)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "kind"}
    refuse_unknown(given, known.keys(), f"{place} ({name})")
    for field, (annotation, optional) in known.items():
        if field not in given and not optional:
            raise UsageError(f"{place} ({name}): `{field}` is missing")
        if field in given and not _fits(given[field], annotation):
            raise UsageError(f"{place} ({name}): `{field}` must be {annotation}, here {given[field]!r}")
    if "allowed" in known and bool(given.get("allowed")) == bool(given.get("refused")):
        raise UsageError(f"{place} ({name}): one of `allowed` and `refused` must be given")
    for must in ("chain", "axes"):
        if must in known and not given.get(must):
            raise UsageError(f"{place} ({name}): `{must}` is missing or empty")
    if "low" in known and given.get("low") is None and given.get("high") is None:
        raise UsageError(f"{place} ({name}): `low` or `high` must be given")
    return kind(**given)


@cache
def _fields_of(kind: type[LimitKind]) -> Mapping[str, tuple[str, bool]]:
    """By the name of a field: its annotation as text, and whether it may be left out."""
    return {field.name: (str(field.type), field.default is not MISSING) for field in fields(kind)}


_SIMPLE: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "Scalar": (int, float, str),
}


def _fits(value: object, annotation: str) -> bool:
    """Whether a value from TOML is what the (textual) annotation of a field says. A bool is never a number."""
    if annotation in _SIMPLE:
        return isinstance(value, _SIMPLE[annotation]) and not isinstance(value, bool)
    if annotation == "bool":
        return isinstance(value, bool)
    if annotation.startswith("tuple["):
        element = annotation[len("tuple[") :].split(",", maxsplit=1)[0]
        return isinstance(value, tuple) and all(_fits(v, element) for v in value)
    if annotation.startswith("Literal["):
        return value in [word.strip("\"' ") for word in annotation[len("Literal[") : -1].split(",")]
    return " | " in annotation and any(_fits(value, part) for part in annotation.split(" | "))


def refuse_unknown(data: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """Raise UsageError for a field that is not `known`, naming it and `place`."""
    for key in data:
        if key not in known:
            raise UsageError(f"{place}: unknown field {key!r}; there are {', '.join(sorted(known))}")


def read_text(data: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
    """The text under `key`; raises UsageError where it is none, or is missing and there is no `default`."""
    value = data.get(key, default)
    if not isinstance(value, str):
        raise UsageError(f"{place}: `{key}` must be a text, here {value!r}")
    return value


def read_texts(data: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """The list of texts under `key`, empty where it is missing; raises UsageError for anything else."""
    value = data.get(key, [])
    if not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        raise UsageError(f"{place}: `{key}` must be a list of texts, here {value!r}")
    return tuple(value)


def _outcome(data: Mapping[str, Any], place: str) -> Outcome:
    value = data.get("outcome")
    if value not in _SEVERITY:
        raise UsageError(f"{place}: `outcome` must be one of {', '.join(_SEVERITY)}, here {value!r}")
    return cast("Outcome", value)


def _count(data: Mapping[str, Any], place: str) -> int:
    value = data.get("cases", 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{place}: `cases` must be a number of models, here {value!r}")
    return value


def _evidence(data: Mapping[str, Any], place: str) -> tuple[str, ...]:
    evidence = read_texts(data, "evidence", place)
    if not evidence:
        raise UsageError(f"{place}: `evidence` is missing or empty; nothing is stated without evidence")
    for name in evidence:
        if name.partition(":")[0] not in ("probe", "facts", "doc", "field") or not name.partition(":")[2]:
            raise UsageError(f"{place}: evidence {name!r} must be probe:…, facts:…, doc:… or field:…")
    return evidence


def _confidence(data: Mapping[str, Any], place: str) -> Confidence:
    value = data.get("confidence", "probed")
    try:
        return Confidence(value)
    except ValueError as error:
        words = ", ".join(c.value for c in Confidence)
        raise UsageError(f"{place}: `confidence` must be one of {words}, here {value!r}") from error
