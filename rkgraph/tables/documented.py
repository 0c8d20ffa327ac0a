"""What the vendor's documents and users' reports say of operators: facts with a citation, never their text.

`op_tables/documented.toml` holds what `benchmarks/read_vendor_documents.py` reads out of the vendor's two lists of
operators (Markdown without devices; a PDF with a section for each platform), `op_tables/reported.toml` what users saw
at size or on boards. Neither is an op table: they are one source of its entries, and often contradict what was
measured (`rkgraph.tables.disputes`). Lint never loads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from rkgraph.derived import read_toml
from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Limit, Outcome, read_kind, read_text, read_texts, refuse_unknown
from rkgraph.tables.limits import LimitKind

__all__ = [
    "FILES",
    "SCHEMA",
    "Claim",
    "DocumentedLimit",
    "Source",
    "Statement",
    "documented_versions",
    "limits_of",
    "read_document",
    "resolves",
    "sources",
    "statements",
]

SCHEMA = "rkgraph.documented/1"
FILES = ("documented.toml", "reported.toml")

Claim = Literal["npu", "cpu", "supported", "restricted", "unsupported"]
"""What is said of an operator. "supported": no device is named; "restricted": likewise, and not in every form."""

_PRECISION_TYPE = {"fp16": "float16", "w8a8": "int8", "w8a16": "int16", "w16a16i": "int16", "w4a16": "float16"}
"""The element type that activations have in a model compiled with a precision, as the documents name it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document or a report, as it was when it was read.

    `name` is what ids cite (`doc:NAME/PLACE`, `field:NAME`). Of a document: `repository`, `commit`, `file` and its git
    `blob`, the `toolkit` that it describes, `sections`: how many numbered sections each part has ("3.2": 79), and
    `platforms`: those that a part is about; a list without sections is cited by operator. Of a report: its `url`.
    """

    name: str
    repository: str = ""
    commit: str = ""
    file: str = ""
    blob: str = ""
    toolkit: str = ""
    url: str = ""
    sections: tuple[tuple[str, int], ...] = ()
    platforms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def speaks_of(self, place: str, version: str, platform: str) -> bool:
        """Whether what stands at `place` was said of a toolkit version and a platform; of a report it always was."""
        if self.url:
            return True
        about = dict(self.platforms).get(place.rpartition(".")[0])
        return self.toolkit == version and (about is None or platform in about)


@dataclass(frozen=True, slots=True)
class DocumentedLimit:
    """`check` must hold wherever all of `when` do, in models compiled to one of the element `types` (empty: all)."""

    check: LimitKind
    when: tuple[LimitKind, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that is said of an operator.

    Attributes:
        op: the ONNX operator, or where `internal` a layer of the compiler that is none ("exSwish").
        toolkits, platforms: what it is said of; no platforms means all.
        claim: see `Claim`.
        sources: ids, `doc:NAME/PLACE` or `field:NAME`.
        when: the claim is about nodes where all of these hold.
        limits: what must hold for the claim, as far as the closed set of kinds can say it.
        types: element types of the compiled operator ("float16", "int8"); empty where nothing is said.
        layer: the compiler's own name of the operator, where the source uses that.
        fuses: operators that may follow and be fused into this one; "Add+Relu" is two.
        note: what the kinds of limits cannot say, in our words.
    """

    op: str
    toolkits: tuple[str, ...]
    claim: Claim
    sources: tuple[str, ...]
    platforms: tuple[str, ...] = ()
    when: tuple[LimitKind, ...] = ()
    limits: tuple[DocumentedLimit, ...] = ()
    types: tuple[str, ...] = ()
    fuses: tuple[str, ...] = ()
    layer: str = ""
    note: str = ""
    internal: bool = False

    @property
    def confidence(self) -> Confidence:
        """What the statement rests on: a document, or a user's report."""
        documented = any(s.startswith("doc:") for s in self.sources)
        return Confidence.DOCUMENTED if documented else Confidence.FIELD_REPORT

    @property
    def unconditional(self) -> bool:
        """Whether nothing is said against any form of the operator."""
        return not (self.limits or self.note or self.when)

    def covers(self, platform: str, precision: str | None = None) -> bool:
        """Whether it speaks of a platform, and (unless None) of a precision: the element type that this gives."""
        if self.platforms and platform not in self.platforms:
            return False
        return precision is None or not self.types or _PRECISION_TYPE.get(precision) in self.types

    def cited(self, version: str, platform: str) -> tuple[str, ...]:
        """Those of the sources that speak of just this toolkit version and platform."""
        return tuple(i for i in self.sources if _speaks_of(i, version, platform))


_STATEMENT_FIELDS = set(Statement.__slots__)
_SOURCE_FIELDS = set(Source.__slots__)


def statements(
    version: str, op: str | None = None, platform: str | None = None, precision: str | None = None
) -> tuple[Statement, ...]:
    """What is said with a toolkit version of an operator on a platform in a precision; None is any.

    There are none of a version that no document describes (`documented_versions`).
    """
    return tuple(
        s
        for s in _everything()[1]
        if version in s.toolkits
        and (op is None or s.op in (op, "*"))
        and (platform is None or s.covers(platform, precision))
    )


def sources() -> Mapping[str, Source]:
    """All documents and reports by name."""
    return _everything()[0]


def documented_versions() -> tuple[str, ...]:
    """The toolkit versions that a document describes, oldest first."""
    versions = {s.toolkit for s in sources().values() if s.toolkit}
    return tuple(sorted(versions, key=lambda v: tuple(int(n) for n in v.split("."))))


def resolves(identifier: str) -> bool:
    """Whether an id cites a place that exists: a known source, and in a document a section or row of it."""
    kind, _, rest = identifier.partition(":")
    if kind == "field":
        return rest in sources() and bool(sources()[rest].url)
    name, _, place = rest.rpartition("/")
    source = sources().get(name)
    if kind != "doc" or source is None or not source.file:
        return False
    if source.sections:
        return all(_is_section(source, number) for number in place.split("-"))
    return any(identifier in s.sources for s in statements(source.toolkit, place))


def limits_of(version: str, op: str, platform: str, precision: str) -> tuple[Limit, ...]:
    """What is said to bound an operator on the NPU, as limits of an op table with the statement's confidence.

    Outside them the CPU takes over where it is said to have the operator too; else nobody says ("unknown"). Conditions
    of the whole statement (a depthwise Conv) become conditions of each limit.
    """
    said = statements(version, op, platform, precision)
    outcome: Outcome = "cpu" if any(s.claim == "cpu" for s in said) else "unknown"
    element = _PRECISION_TYPE.get(precision)
    return tuple(
        Limit(
            check=limit.check,
            outcome=outcome,
            evidence=s.cited(version, platform),
            confidence=s.confidence,
            when=(*s.when, *limit.when),
            platforms=(platform,),
        )
        for s in said
        if s.claim == "npu"
        for limit in s.limits
        if not limit.types or element in limit.types
    )


def read_document(data: Mapping[str, Any], name: str) -> tuple[dict[str, Source], tuple[Statement, ...]]:
    """Sources and statements of a parsed TOML file called `name`.

    Raises:
        UsageError: another schema; an unknown field, kind or claim; a field of a wrong type; nothing cited.
    """
    refuse_unknown(data, {"schema", "source", "statement"}, name)
    if data.get("schema") != SCHEMA:
        raise UsageError(f"{name}: `schema` must be {SCHEMA!r}, here {data.get('schema')!r}")
    found: dict[str, Source] = {}
    for number, item in enumerate(data.get("source", []), 1):
        source = _read_source(item, f"{name}, source {number} ({item.get('name', '?')})")
        if source.name in found:
            raise UsageError(f"{name}: source {source.name!r} is given twice")
        found[source.name] = source
    said = data.get("statement", [])
    return found, tuple(
        _read_statement(item, f"{name}, statement {number} ({item.get('op', '?')})")
        for number, item in enumerate(said, 1)
    )


def _read_source(data: Mapping[str, Any], place: str) -> Source:
    refuse_unknown(data, _SOURCE_FIELDS, place)
    sections = data.get("sections", {})
    if not (isinstance(sections, Mapping) and all(isinstance(n, int) and n >= 0 for n in sections.values())):
        raise UsageError(f"{place}: `sections` must be numbers by part, here {sections!r}")
    texts = {key: read_text(data, key, place, "") for key in _SOURCE_FIELDS - {"sections", "platforms"}}
    if not texts["name"]:
        raise UsageError(f"{place}: `name` is missing")
    document = ("repository", "commit", "file", "blob", "toolkit")
    if bool(texts["url"]) == all(texts[key] for key in document):
        raise UsageError(f"{place}: either `url` must be given, or all of {', '.join(document)}")
    platforms = data.get("platforms", {})
    if not isinstance(platforms, Mapping):
        raise UsageError(f"{place}: `platforms` must be lists by part, here {platforms!r}")
    about = tuple((part, read_texts(platforms, part, f"{place}, platforms")) for part in platforms)
    return Source(sections=tuple(sections.items()), platforms=about, **texts)


def _read_statement(data: Mapping[str, Any], place: str) -> Statement:
    refuse_unknown(data, _STATEMENT_FIELDS, place)
    claim = data.get("claim")
    if claim not in get_args(Claim):
        raise UsageError(f"{place}: `claim` must be one of {', '.join(get_args(Claim))}, here {claim!r}")
    internal = data.get("internal", False)
    if not isinstance(internal, bool):
        raise UsageError(f"{place}: `internal` must be true or false, here {internal!r}")
    for must in ("toolkits", "sources"):
        if not read_texts(data, must, place):
            raise UsageError(f"{place}: `{must}` is missing or empty; nothing is stated without a source and a version")
    for identifier in data["sources"]:
        if identifier.partition(":")[0] not in ("doc", "field") or not identifier.partition(":")[2]:
            raise UsageError(f"{place}: source {identifier!r} must be doc:… or field:…")
    return Statement(
        op=read_text(data, "op", place),
        claim=cast("Claim", claim),
        when=_read_kinds(data, place),
        limits=tuple(_read_limit(v, f"{place}, limit {n}") for n, v in enumerate(data.get("limits", []), 1)),
        layer=read_text(data, "layer", place, ""),
        note=read_text(data, "note", place, ""),
        internal=internal,
        **{key: read_texts(data, key, place) for key in ("toolkits", "platforms", "sources", "types", "fuses")},
    )


def _read_limit(data: Mapping[str, Any], place: str) -> DocumentedLimit:
    own = {key: value for key, value in data.items() if key not in ("when", "types")}
    return DocumentedLimit(read_kind(own, place), _read_kinds(data, place), read_texts(data, "types", place))


def _read_kinds(data: Mapping[str, Any], place: str) -> tuple[LimitKind, ...]:
    return tuple(read_kind(c, f"{place}, condition {n}") for n, c in enumerate(data.get("when", []), 1))


def _speaks_of(identifier: str, version: str, platform: str) -> bool:
    kind, _, rest = identifier.partition(":")
    name, _, place = rest.rpartition("/") if kind == "doc" else (rest, "", "")
    source = sources().get(name)
    return source is not None and source.speaks_of(place.partition("-")[0], version, platform)


def _is_section(source: Source, number: str) -> bool:
    part, _, last = number.rpartition(".")
    return last.isdecimal() and 1 <= int(last) <= dict(source.sections).get(part, 0)


@lru_cache(maxsize=1)
def _everything() -> tuple[dict[str, Source], tuple[Statement, ...]]:
    found: dict[str, Source] = {}
    said: list[Statement] = []
    for name in FILES:
        more, others = read_document(read_toml(data_folder("op_tables") / name), name)
        found |= more
        said += others
    return found, tuple(said)
