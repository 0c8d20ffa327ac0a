"""Reads documented statements strictly: what is unknown, of a wrong type or without a source is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from rkgraph.errors import UsageError
from rkgraph.tables.entry import read_kind, read_text, read_texts, refuse_unknown
from rkgraph.tables.limits import LimitKind
from rkgraph.tables.statement import Claim, DocumentedLimit, Source, Statement

__all__ = ["SCHEMA", "index_document", "read_document", "read_source", "read_statement"]

SCHEMA = "rkgraph.documented/1"

_STATEMENT_FIELDS = set(Statement.__slots__)
_SOURCE_FIELDS = set(Source.__slots__)


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
        source = read_source(item, f"{name}, source {number} ({item.get('name', '?')})")
        if source.name in found:
            raise UsageError(f"{name}: source {source.name!r} is given twice")
        found[source.name] = source
    said = data.get("statement", [])
    return found, tuple(
        read_statement(item, f"{name}, statement {number} ({item.get('op', '?')})")
        for number, item in enumerate(said, 1)
    )


def read_source(data: Mapping[str, Any], place: str) -> Source:
    """A document or report; `place` is for messages. Raises UsageError as `read_document` does."""
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


def read_statement(data: Mapping[str, Any], place: str) -> Statement:
    """A statement; `place` is for messages. Raises UsageError as `read_document` does."""
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


def index_document(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What is loaded of a file called `name`: its sources, and its statements by operator.

    Raises:
        UsageError: whatever `read_document` refuses.
    """
    read_document(data, name)
    ops: dict[str, list[Any]] = {}
    for statement in data.get("statement", []):
        ops.setdefault(statement["op"], []).append(statement)
    return {"source": data.get("source", []), "ops": dict(sorted(ops.items()))}
