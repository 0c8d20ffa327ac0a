"""What is around a node, out of the graph of a report: its inputs and outputs, who makes and who reads them.

A report may come from anywhere: rows that are not as the schema describes them are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rkgraph.diagnostics import Location
from rkgraph.report.explain.sections import Line, item, text
from rkgraph.report.visible import one_line
from rkgraph.results import Report, Result

__all__ = ["neighbourhood"]

READERS_SHOWN = 4
VALUES_SHOWN = 12


def neighbourhood(report: Report, result: Result, at: Location) -> tuple[Line, ...]:
    """Lines about the node or value; none where the report has no graph, or another one than the place is in."""
    record = graph_of(report, result)
    if record is None or at.graph != "main":
        return ()
    graph = _Graph(record)
    if at.node is not None:
        return tuple(graph.around_node(at.node, at.op))
    return tuple(graph.around_value(at.value)) if at.value is not None else ()


def graph_of(report: Report, result: Result) -> Mapping[str, Any] | None:
    """The graph of the result; of several results about the same file one may have it for all."""
    same = (other for other in report.results if other.model.sha256 == result.model.sha256)
    return result.graph or next((other.graph for other in same if other.graph and other.model.sha256), None)


class _Graph:
    def __init__(self, record: Mapping[str, Any]) -> None:
        rows = _rows(record.get("values"))
        self.values = [row if len(row) >= 4 and isinstance(row[0], str) else None for row in rows]
        nodes = (row for row in _rows(record.get("nodes")) if len(row) >= 4)
        self.nodes = [row for row in nodes if isinstance(row[0], str) and isinstance(row[1], str)]
        self.inputs = {row for row in _rows_of(record.get("inputs")) if self._known(row)}
        self.outputs = {row for row in _rows_of(record.get("outputs")) if self._known(row)}
        self.makers = {row: node for node in self.nodes for row in _rows_of(node[3])}
        self.readers: dict[int, list[Sequence[Any]]] = {}
        for node in self.nodes:
            for row in dict.fromkeys(_rows_of(node[2])):
                self.readers.setdefault(row, []).append(node)

    def around_node(self, name: str, op: str | None) -> Iterator[Line]:
        found = next((node for node in self.nodes if node[0] == name and op in (None, node[1])), None)
        if found is None:
            return
        if len(found) > 4 and isinstance(found[4], Mapping) and found[4]:
            pairs = (f"{one_line(str(key))} = {one_line(str(value))}" for key, value in found[4].items())
            yield text(f"attributes: {', '.join(pairs)}")
        yield from self._side("input", found[2])
        yield from self._side("output", found[3])

    def around_value(self, name: str) -> Iterator[Line]:
        row = next((row for row, value in enumerate(self.values) if value is not None and value[0] == name), None)
        if row is not None:
            yield item(self._told(row) + self._origin(row))
            yield from self._readers(row)

    def _side(self, side: str, rows: Any) -> Iterator[Line]:
        listed = [row for row in _rows_of(rows) if row == -1 or self._known(row)]
        for number, row in enumerate(listed[:VALUES_SHOWN]):
            if row == -1:
                yield item(f"{side} {number}: left out")
                continue
            yield item(f"{side} {number}: {self._told(row)}{self._origin(row) if side == 'input' else ''}")
            if side == "output":
                yield from self._readers(row)
        if len(listed) > VALUES_SHOWN:
            yield item(f"and {len(listed) - VALUES_SHOWN} more {side}s")

    def _told(self, row: int) -> str:
        """Name, dtype and shape of a value."""
        value = self.values[row] or ("?", None, None, False)
        listed = value[2] if isinstance(value[2], list | tuple) else ("…",)
        sizes = ",".join("?" if size is None else str(size) for size in listed)
        return f"{one_line(value[0])} {one_line(str(value[1] or '?'))}[{one_line(sizes)}]"

    def _origin(self, row: int) -> str:
        value, maker = self.values[row], self.makers.get(row)
        if maker is not None:
            return f", made by {_node(maker)}"
        if row in self.inputs:
            return ", an input of the model"
        return ", a constant" if value is not None and value[3] else ""

    def _readers(self, row: int) -> Iterator[Line]:
        readers = self.readers.get(row, [])
        names = [_node(node) for node in readers[:READERS_SHOWN]]
        names += [f"{len(readers) - READERS_SHOWN} more"] if len(readers) > READERS_SHOWN else []
        names += ["the outside: it is an output of the model"] if row in self.outputs else []
        yield text(f"    read by {', '.join(names)}" if names else "    read by nobody")

    def _known(self, row: int) -> bool:
        return 0 <= row < len(self.values) and self.values[row] is not None


def _node(row: Sequence[Any]) -> str:
    return f"{one_line(row[0])} ({one_line(row[1])})"


def _rows(data: Any) -> Iterator[Sequence[Any]]:
    return (row if isinstance(row, list | tuple) else () for row in (data if isinstance(data, list | tuple) else ()))


def _rows_of(data: Any) -> list[int]:
    return [row for row in data if type(row) is int] if isinstance(data, list | tuple) else []
