"""Derives the JSON that is loaded from the TOML that is written: `python -m rkgraph.tables.index`.

Run it after every edit in `op_tables/`; a test holds the committed indexes current.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rkgraph.derived import derive
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.tables.documented import FILES
from rkgraph.tables.entry import Entry, read_entry
from rkgraph.tables.statement_reading import index_document
from rkgraph.tables.wrong_numbers import FILE as WRONG_NUMBERS
from rkgraph.tables.wrong_numbers import index_wrong_numbers

__all__ = ["SCHEMA", "derive_all", "index_table"]

SCHEMA = "rkgraph.op-table/1"


def index_table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The index of a table: its header, and its entries by operator ("Gelu", "com.microsoft::Gelu").

    Raises:
        UsageError: another schema, a missing header, an entry that `read_entry` refuses, or two entries that claim
            the same opset of an operator.
    """
    if document.get("schema") != SCHEMA:
        raise UsageError(f"{name}: `schema` must be {SCHEMA!r}, here {document.get('schema')!r}")
    for key in ("toolkit", "measured"):
        if key not in document:
            raise UsageError(f"{name}: `{key}` is missing")
    for target in document["measured"]:
        if set(target) != {"platform", "precision", "cases"}:
            raise UsageError(f"{name}: an element of `measured` has platform, precision and cases, here {target!r}")
    ops: dict[str, list[Any]] = {}
    taken: dict[str, list[Entry]] = {}
    for number, data in enumerate(document.get("op", []), 1):
        place = f"{name}, entry {number} ({data.get('op', '?')})"
        entry = read_entry(data, place)
        key = f"{entry.domain}::{entry.op}" if entry.domain else entry.op
        for other in taken.setdefault(key, []):
            if _collide(entry, other):
                first, last = other.opsets
                raise UsageError(f"{place}: its opsets overlap those of another entry of {key}: {first} to {last}")
        taken[key].append(entry)
        ops.setdefault(key, []).append(data)
    header = {"schema": SCHEMA, "toolkit": document["toolkit"], "measured": document["measured"]}
    return {**header, "ops": dict(sorted(ops.items()))}


def _collide(a: Entry, b: Entry) -> bool:
    """Whether two entries of an operator claim the same opset of the same platform (none named: those left over)."""
    same_platform = (
        bool(set(a.platforms) & set(b.platforms)) if a.platforms and b.platforms else a.platforms == b.platforms
    )
    return same_platform and a.opsets[0] <= b.opsets[1] and b.opsets[0] <= a.opsets[1]


def derive_all(folder: Path) -> list[Path]:
    """Derive the index of every TOML file in the folder of op tables. Returns what was written."""
    written = [
        derive(source, lambda document, source=source: index_table(document, source.name))  # type: ignore[misc]
        for source in sorted(folder.glob("rknn-*.toml"))
    ]
    documents = [
        derive(folder / name, lambda document, name=name: index_document(document, name))  # type: ignore[misc]
        for name in FILES
    ]
    wrong = derive(folder / WRONG_NUMBERS, lambda document: index_wrong_numbers(document, WRONG_NUMBERS))
    return [*written, *documents, derive(folder / "toolkits.toml", dict), wrong]


if __name__ == "__main__":
    derive_all(data_folder("op_tables"))
