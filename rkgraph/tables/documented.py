"""What the vendor's documents and users' reports say of operators: facts with a citation, never their text.

`op_tables/documented.toml` holds what `benchmarks/read_vendor_documents.py` reads out of the vendor's two lists of
operators (Markdown without devices; a PDF with a section for each platform), `op_tables/reported.toml` what users saw
at size or on boards. Neither is an op table: they are one source of its entries, and often contradict what was
measured (`rkgraph.tables.disputes`). What is loaded is derived from the TOML (`rkgraph.tables.index`), and only
statements that are asked for become objects; lint loads none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from rkgraph.derived import read_derived
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Limit, Outcome
from rkgraph.tables.statement import PRECISION_TYPE, Source, Statement
from rkgraph.tables.statement_reading import read_source, read_statement

__all__ = ["FILES", "cited", "documented_versions", "limits_of", "resolves", "sources", "statements"]

FILES = ("documented.toml", "reported.toml")


def statements(
    version: str, op: str | None = None, platform: str | None = None, precision: str | None = None
) -> tuple[Statement, ...]:
    """What is said with a toolkit version of an operator on a platform in a precision; None is any.

    Statements on any operator ("*") come with each. Of a version that no document describes (`documented_versions`)
    there are reports only.
    """
    ops = [name for name in _raw() if op in (None, name) or name == "*"]
    return tuple(
        s
        for name in ops
        for s in _of(name)
        if version in s.toolkits and (platform is None or s.covers(platform, precision))
    )


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Source]:
    """All documents and reports by name."""
    return {item["name"]: read_source(item, name) for name, document in _files() for item in document["source"]}


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
    element = PRECISION_TYPE.get(precision)
    return tuple(
        Limit(
            check=limit.check,
            outcome=outcome,
            evidence=cited(s, version, platform),
            confidence=s.confidence,
            when=(*s.when, *limit.when),
            platforms=(platform,),
        )
        for s in said
        if s.claim == "npu"
        for limit in s.limits
        if not limit.types or element in limit.types
    )


def cited(statement: Statement, version: str, platform: str) -> tuple[str, ...]:
    """Those of a statement's sources that speak of just this toolkit version and platform."""
    return tuple(i for i in statement.sources if _speaks_of(i, version, platform))


def _speaks_of(identifier: str, version: str, platform: str) -> bool:
    kind, _, rest = identifier.partition(":")
    name, _, place = rest.rpartition("/") if kind == "doc" else (rest, "", "")
    source = sources().get(name)
    return source is not None and source.speaks_of(place.partition("-")[0], version, platform)


def _is_section(source: Source, number: str) -> bool:
    part, _, last = number.rpartition(".")
    return last.isdecimal() and 1 <= int(last) <= dict(source.sections).get(part, 0)


@lru_cache(maxsize=1)
def _files() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple((name, read_derived(data_folder("op_tables") / name)) for name in FILES)


@lru_cache(maxsize=1)
def _raw() -> dict[str, list[tuple[str, Any]]]:
    """Statements as they stand by operator, each with the file that it is from."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for name, document in _files():
        for op, listed in document["ops"].items():
            found.setdefault(op, []).extend((name, item) for item in listed)
    return found


@cache
def _of(op: str) -> tuple[Statement, ...]:
    return tuple(read_statement(item, f"{name}, {op}") for name, item in _raw().get(op, ()))
