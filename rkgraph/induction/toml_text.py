"""Writes a table as TOML, in the words that `rkgraph.tables.entry` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from rkgraph.tables.entry import Entry, Limit
from rkgraph.tables.index import SCHEMA
from rkgraph.tables.limits import LimitKind

__all__ = ["table_text"]

_HEAD = """\
# What rknn-toolkit2 {version} makes of ONNX operators. An operator that is absent is unknown.
#
# Induced from op_tables/evidence/ by `python -m rkgraph.induction`: do not edit, measure instead (rkgraph probe).
# An entry's `outcome` holds where all its limits hold; the worst outcome of those that do not hold decides otherwise.
# What the evidence ids mean: op_tables/evidence/README.md.
"""


def table_text(version: str, measured: Sequence[Mapping[str, Any]], entries: Iterable[Entry]) -> str:
    """The whole file. `measured` lists {"platform", "precision", "cases"}."""
    lines = [
        _HEAD.format(version=version),
        f"schema = {_value(SCHEMA)}",
        f"toolkit = {_value(version)}",
        "measured = [",
    ]
    lines += [f"    {_inline(target)}," for target in measured]
    lines += ["]", ""]
    for entry in entries:
        lines += _entry(entry)
    return "\n".join(lines)


def _entry(entry: Entry) -> list[str]:
    lines = ["[[op]]", f"op = {_value(entry.op)}"]
    if entry.domain:
        lines.append(f"domain = {_value(entry.domain)}")
    lines.append(f"outcome = {_value(entry.outcome)}")
    named = {"platforms": entry.platforms, "disputed": entry.disputed}
    lines += [f"{name} = {_value(value)}" for name, value in named.items() if value]
    if entry.confidence.value != "probed":
        lines.append(f"confidence = {_value(entry.confidence.value)}")
    lines += [f"cases = {entry.cases}", f"evidence = {_value(entry.evidence)}", ""]
    for limit in entry.limits:
        lines += _limit(limit)
    return lines


def _limit(limit: Limit) -> list[str]:
    lines = ["[[op.limit]]", *(f"{name} = {_value(value)}" for name, value in _kind(limit.check).items())]
    lines.append(f"outcome = {_value(limit.outcome)}")
    if limit.when:
        lines.append(f"when = [{', '.join(_inline(_kind(condition)) for condition in limit.when)}]")
    if limit.confidence.value != "probed":
        lines.append(f"confidence = {_value(limit.confidence.value)}")
    return [*lines, f"evidence = {_value(limit.evidence)}", ""]


def _kind(limit: LimitKind) -> dict[str, Any]:
    """The fields of a limit that say anything."""
    found: dict[str, Any] = {"kind": limit.kind}
    for field in fields(limit):
        value = getattr(limit, field.name)
        if field.default is MISSING or (value != field.default and value not in ((), "", None)):
            found[field.name] = value
    return found


def _inline(data: Mapping[str, Any]) -> str:
    return f"{{ {', '.join(f'{name} = {_value(value)}' for name, value in data.items())} }}"


def _value(value: Any) -> str:
    """A TOML value: JSON writes texts, numbers, truth values and arrays of them in the same way."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
