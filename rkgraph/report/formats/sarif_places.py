"""The logical locations of a SARIF run: graphs, and the nodes and values in them, each once, children after parents."""

from __future__ import annotations

from typing import Any

from rkgraph.diagnostics import Location
from rkgraph.report.visible import one_line

__all__ = ["Places"]

Json = dict[str, Any]


class Places:
    """Collects places while results are written; `table` is what the run lists then."""

    def __init__(self) -> None:
        self.table: list[Json] = []
        self._known: dict[tuple[str, ...], int] = {}

    def logical(self, model: str, at: Location) -> Json:
        """The key `logicalLocations` of a location, with one entry for a finding's place in the model at a path."""
        graph = self._index(None, one_line(model), "graph", one_line(at.graph) or "main")
        name = at.node if at.node is not None else at.value
        if name is None and at.op is None:
            index = graph
        else:
            kind = "value" if at.op is None and at.node is None else "node"
            label = one_line(name or "") or f"(unnamed {one_line(at.op or '') or kind})"
            index = self._index(graph, self.table[graph]["fullyQualifiedName"], kind, label, one_line(at.op or ""))
        entry = self.table[index]
        return {"logicalLocations": [{"index": index, **{key: entry[key] for key in _SHOWN}}]}

    def _index(self, parent: int | None, above: str, kind: str, name: str, op: str = "") -> int:
        key = (above, kind, name, op)
        if key not in self._known:
            self._known[key] = len(self.table)
            entry: Json = {"name": name, "fullyQualifiedName": f"{above}::{name}", "kind": kind}
            if op:
                entry["properties"] = {"op": op}
            if parent is not None:
                entry["parentIndex"] = parent
            self.table.append(entry)
        return self._known[key]


_SHOWN = ("name", "fullyQualifiedName", "kind")
