"""Intervals in the text of the operator list, and the layout that its tensors have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["LAYOUT", "RANK_4", "Limit", "bounds", "intervals"]

Limit = dict[str, Any]
"""A limit or a condition, as it stands in op_tables/documented.toml."""

LAYOUT = ["batch", "channel", "height", "width"]
RANK_4: Limit = {"kind": "rank", "index": 0, "allowed": [4]}
_INTERVAL = re.compile(r"(?<![\w∗])(?<!∗ )([a-z][\w ]*?) *∈ *([\[(])\s*(\S+?) *, *(\S+?) *([\])])")


def intervals(text: str) -> Iterator[tuple[str, str, str]]:
    """(name, lowest, highest) of every interval: "width ∈ (0, 8192]" is ("width", "1", "8192")."""
    for name, opens, low, high, closes in _INTERVAL.findall(text):
        if not (low.isdecimal() and high.isdecimal()):
            continue
        first = int(low) + (opens == "(")
        last = int(high) - (closes == ")")
        yield re.sub(r"[_ ]", "", name.strip()), str(first), str(last)


def bounds(low: str, high: str, least: int = 1) -> Limit:
    """`low` and `high` of a limit; a `low` that nothing is below is left out."""
    return {**({"low": int(low)} if int(low) > least or least == 0 else {}), "high": int(high)}
