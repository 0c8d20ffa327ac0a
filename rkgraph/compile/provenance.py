"""Which original nodes a node of the optimised graph stands for, from what the toolkit's optimiser logs.

The optimiser prints each rewrite as `RULE: remove node = [names], add node = [names]`. Following them in order says
more than names can: a fused node stands for all that it replaced. The compiler's own fusions (Conv with Relu or Add)
come later and are not logged; `mapping` finds those.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Provenance", "read_provenance", "stands_for"]

_REWRITE = re.compile(r"^D\s+(?P<rule>\w+): remove node = (?P<removed>\[.*?\])(?:, add node = (?P<added>\[.*\]))?\s*$")
_INTO = re.compile(r"fuse_\w+_into_\w+")
"""Rules whose removed node is computed by its neighbour from then on; all others that add nothing just drop nodes."""

_FOLDED = re.compile(r"^D fold_constant remove nodes = (?P<names>\[.*\])\s*$")
_CARRIES = re.compile(r"(?:#\d+|_2[a-z]+\d*|_Conv\w+)*")
"""Suffixes of nodes that compute what the original did: `MatMul#1`, `Mul_1_2gelu`, `MatMul#2_ConvAdd`.

All else (`_rs`, `-rs`, `_tp`, `_mm_tp`, `_sw`) names helpers that only move data, after the tensor they move.
"""


@dataclass(frozen=True)
class Provenance:
    """What became of the original nodes.

    Attributes:
        origins: name of an optimised node → names of the original nodes it stands for; helpers stand for none.
        folded: original nodes that constant folding removed.
        dropped: original nodes that the optimiser removed without putting anything in their place: operators that do
            nothing, and pairs that cancel out (`remove_invalid_cast`, `bypass_two_transpose`, `fuse_two_reshape`).
    """

    origins: Mapping[str, frozenset[str]]
    folded: frozenset[str]
    dropped: frozenset[str] = frozenset()


def read_provenance(log: str, names: Iterable[str]) -> Provenance:
    """Follow the rewrites of a log. `names` are the original nodes as the toolkit names them."""
    origins = {name: frozenset({name}) for name in names}
    folded: set[str] = set()
    dropped: set[str] = set()
    for line in log.splitlines():
        rewrite = _REWRITE.match(line)
        if rewrite:
            lost = _follow(origins, _names(rewrite["removed"]), _names(rewrite["added"]))
            if not _INTO.fullmatch(rewrite["rule"]):
                dropped |= lost
        elif gone := _FOLDED.match(line):
            folded.update(_names(gone["names"]))
    for name in folded:
        origins.pop(name, None)
    living = frozenset().union(*origins.values())
    return Provenance(origins, frozenset(folded), frozenset(dropped - living - folded))


def stands_for(name: str, original: str) -> bool:
    """Whether a node called `name` computes what `original` did, by its suffixes alone."""
    return name.startswith(original) and bool(_CARRIES.fullmatch(name, len(original)))


def _follow(origins: dict[str, frozenset[str]], removed: list[str], added: list[str]) -> frozenset[str]:
    """One rewrite: those that carry on inherit what the removed stood for; what nobody inherits is returned."""
    kept = [name for name in added if name in removed]
    lost = [name for name in removed if name not in kept]
    inherited = frozenset().union(*(origins.pop(name, frozenset()) for name in lost))
    new = [name for name in added if name not in kept]
    heirs = [name for name in new if any(stands_for(name, old) for old in lost)]
    if not heirs:
        heirs = [name for name in kept if origins.get(name)] or (new if inherited else [])
    for name in new:
        origins.setdefault(name, frozenset())
    for name in heirs:
        origins[name] = origins.get(name, frozenset()) | inherited
    return frozenset() if heirs else inherited


def _names(text: str | None) -> list[str]:
    """The names in a printed list; none where it is no list (a name may hold anything)."""
    try:
        names = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)]
