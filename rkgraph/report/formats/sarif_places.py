"""The logical locations of a SARIF run: graphs, and the nodes and values in them, each once, children after parents."""

from __future__ import annotations

from typing import Any

from rkgraph.diagnostics import Location
from rkgraph.report.visible import one_line

__all__ = ["Places"]

Json = dict[str, Any]
_GRAPH = "graph"


class Places:
    """Collects places while results are written; `table` is what the run lists then."""

    def __init__(self) -> None:
        self.table: list[Json] = []
        self._known: dict[tuple[str, ...], int] = {}

    def logical(self, model: str, at: Location) -> Json:
        """The key `logicalLocations` of a location, with one entry for a finding's place in the model at a path."""
        graph = self._index((model, at.graph), _GRAPH, one_line(at.graph) or "main", None)
        name = at.node if at.node is not None else at.value
        if name is None and at.op is None:
            index = graph
        else:
            kind = "value" if at.op is None and at.node is None else "node"
            label = one_line(name or "") or f"(unnamed {one_line(at.op or kind)})"
            index = self._index((model, at.graph, kind, label, at.op or ""), kind, label, graph, at.op)
        entry = self.table[index]
        return {"logicalLocations": [{"index": index, **{key: entry[key] for key in _SHOWN if key in entry}}]}

    def _index(self, key: tuple[str, ...], kind: str, name: str, parent: int | None, op: str | None = None) -> int:
        if key not in self._known:
            self._known[key] = len(self.table)
            above = [one_line(key[0])] if parent is None else [self.table[parent]["fullyQualifiedName"]]
            entry: Json = {"name": name, "fullyQualifiedName": "::".join([*above, name]), "kind": kind}
            if op is not None:
                entry["properties"] = {"op": one_line(op)}
            if parent is not None:
                entry["parentIndex"] = parent
            self.table.append(entry)
        return self._known[key]


_SHOWN = ("name", "fullyQualifiedName", "kind")
