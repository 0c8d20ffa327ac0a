"""Builds that fail for a reason of the whole model: they say nothing of the operator that was asked about."""

from __future__ import annotations

from functools import lru_cache

from rkgraph.engine.model_laws import broken_laws
from rkgraph.probe.place import Place
from rkgraph.tables.index import SCHEMA
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target

__all__ = ["fails_by_law"]


@lru_cache(maxsize=200_000)
def fails_by_law(place: Place, toolkit: str) -> bool:
    """Whether a law of whole models ends the build of a case with a toolkit, whatever its operators are."""
    return bool(broken_laws(place.view, Target(toolkit=toolkit), _empty_table(toolkit)))


@lru_cache(maxsize=8)
def _empty_table(toolkit: str) -> OpTable:
    return OpTable({"schema": SCHEMA, "toolkit": toolkit, "digest": "", "measured": [], "ops": {}}, "no table")
