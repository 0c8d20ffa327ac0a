"""Statements that say the same of several platforms and versions become one; statements as TOML."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Said", "merge", "to_toml"]

_ORDER = ("op", "internal", "layer", "toolkits", "platforms", "claim", "types", "when", "limits", "fuses", "note")
_KEYS = ("kind", "index", "side", "label", "axis", "axes", "attribute", "low", "high", "allowed", "refused", "default")


@dataclass(frozen=True)
class Said:
    """What one place of one document says: `content` without versions and platforms, "" is every platform."""

    content: Mapping[str, Any]
    toolkit: str
    platforms: tuple[str, ...]
    source: str


def merge(said: Iterable[Said]) -> list[dict[str, Any]]:
    """Statements in order of operator, claim and platforms, each with all places that say it."""
    places: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for one in said:
        content = json.dumps({k: v for k, v in one.content.items() if v}, sort_keys=True)
        for platform in one.platforms:
            places[content][platform][one.toolkit].append(one.source)
    found = [statement for content, where in places.items() for statement in _statements(json.loads(content), where)]
    return sorted(found, key=lambda s: (s["op"], s["claim"], s.get("platforms", []), json.dumps(s, sort_keys=True)))


def _statements(content: dict[str, Any], where: dict[str, dict[str, list[str]]]) -> Iterator[dict[str, Any]]:
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for platform, versions in where.items():
        together[tuple(sorted(versions))].append(platform)
    for versions, platforms in together.items():
        ids = {i for p in platforms for v in versions for i in where[p][v]}
        named = {"platforms": sorted(p for p in platforms if p)}
        statement = {**content, **named, "toolkits": list(versions), "sources": sorted(ids)}
        yield {k: v for k, v in statement.items() if v}


def to_toml(header: str, sources: list[dict[str, Any]], statements: list[dict[str, Any]]) -> str:
    """The file: `header` (comments and top-level keys), then sources and statements."""
    blocks = [header.rstrip()]
    blocks += ["\n".join(["[[source]]", *(f"{k} = {_value(v)}" for k, v in s.items())]) for s in sources]
    for statement in statements:
        keys = [k for k in (*_ORDER, "sources") if k in statement]
        blocks.append("\n".join(["[[statement]]", *(f"{k} = {_field(k, statement[k])}" for k in keys)]))
    return "\n\n".join(blocks) + "\n"


def _field(key: str, value: Any) -> str:
    if key in ("limits", "when"):
        return "[\n" + "".join(f"    {_value(v)},\n" for v in value) + "]"
    if key == "sources" and len(value) > 3:
        return "[\n" + "".join(f"    {_value(v)},\n" for v in value) + "]"
    return _value(value)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        place = {key: n for n, key in enumerate(_KEYS)}
        ordered = sorted(value.items(), key=lambda item: (place.get(item[0], len(place)), item[0]))
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in ordered) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)
