"""A page for each operator: what each toolkit makes of it on each platform, its limits, and the rules about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rkgraph.report.operators import DEVICE, grouped, name_of, sources
from rkgraph.report.site.text import cell, page, slug, table
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import Card, read_card
from rkgraph.rulebook.registry import MODULES
from rkgraph.tables.entry import Entry
from rkgraph.tables.table import OpTable, load_table
from rkgraph.targets import platforms, toolkits

__all__ = ["names", "outcome", "pages", "tables"]


@lru_cache(maxsize=1)
def tables() -> tuple[OpTable, ...]:
    """The op tables, newest toolkit first."""
    folder = data_folder("op_tables")
    return tuple(load_table(v) for v in reversed(toolkits()) if (folder / f"rknn-{v}.toml").is_file())


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """All operators of all tables, by name without their domain's case in the way."""
    return tuple(sorted({name_of(entry) for found in tables() for entry in found.entries()}, key=str.lower))


def outcome(found: OpTable, name: str, platform: str) -> str:
    """What becomes of an operator where all limits hold, in a word or two; "–" where it was not measured."""
    domain, _, op = name.rpartition("::")
    entry = found.entry(op, platform, domain)
    return DEVICE[entry.outcome] if entry is not None else "–"


@lru_cache(maxsize=1)
def _cards() -> tuple[Card, ...]:
    return tuple(read_card(data_folder("rules") / f"{stem}.md") for stem in MODULES)


def pages() -> dict[str, str]:
    """operators/index.md and operators/NAME.md."""
    made = {"operators/index.md": page("Operators", _index())}
    for name in names():
        made[f"operators/{slug(name)}.md"] = page(name, _operator(name))
    return made


def _index() -> Iterator[str]:
    yield (
        "What the compilers make of each ONNX operator, measured by building small models with them. "
        "A page an operator has its limits. An operator that is not listed was not measured."
    )
    yield "\n`rkgraph ops OPERATOR` says the same in a terminal; this table is for rk3588.\n"
    columns = ("operator", *(found.version for found in tables()))
    rows = ((f"[{name}]({slug(name)}.md)", *(outcome(found, name, "rk3588") for found in tables())) for name in names())
    yield from table(columns, rows)


def _operator(name: str) -> Iterator[str]:
    about = [card.code for card in _cards() if name in card.applies_to]
    yield "What becomes of it where all limits below hold:\n"
    every = list(dict.fromkeys(platform for found in tables() for platform in platforms(found.version)))
    rows = []
    for platform in every:
        cells = [outcome(t, name, platform) if platform in platforms(t.version) else "" for t in tables()]
        rows.append((f"[{platform}](../platforms/{slug(platform)}.md)", *cells))
    yield from table(("platform", *(found.version for found in tables())), rows)
    if about:
        yield f"Rules about it: {', '.join(f'[{code}](../rules/{code.lower()}.md)' for code in about)}.\n"
    for found in tables():
        domain, _, op = name.rpartition("::")
        entries = [entry for entry in found.entries() if (entry.op, entry.domain) == (op, domain)]
        if entries:
            yield f"## rknn-toolkit2 {found.version}\n"
            for entry in sorted(entries, key=lambda e: (e.platforms, e.opsets)):
                yield from _entry(entry, alone=len(entries) == 1)


def _entry(entry: Entry, *, alone: bool) -> Iterator[str]:
    where = ", ".join(entry.platforms) or ("everywhere" if alone else "elsewhere")
    yield f"**{where}: {DEVICE[entry.outcome]}** ({entry.cases} models built)\n"
    for result, limits in grouped(entry):
        yield f"- {DEVICE[result]}, unless"
        yield from (f"    - {cell(limit.describe())}" for limit in limits)
    yield from sources(entry)
