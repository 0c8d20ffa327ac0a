"""The rows of `Result.graph`, checked: what was read from a file may hold anything, and a schema takes seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rkgraph.errors import UsageError
from rkgraph.results import Report

__all__ = ["check_graphs"]


def check_graphs(report: Report) -> None:
    """Raises UsageError, with the place, where a row of a graph is not what the schema describes."""
    for number, result in enumerate(report.results):
        if result.graph is not None:
            _check(result.graph, f"$.results[{number}].graph")


def _check(graph: Mapping[str, Any], place: str) -> None:
    count = len(graph["values"])
    for number, row in enumerate(graph["values"]):
        if not _is_value(row):
            raise UsageError(f"the report is not valid at {place}.values[{number}]: not [name, dtype, shape, constant]")
    for number, row in enumerate(graph["nodes"]):
        if not _is_node(row, count):
            raise UsageError(
                f"the report is not valid at {place}.nodes[{number}]: not [label, operator, inputs, outputs]"
            )
    for key in ("inputs", "outputs"):
        if not _are_rows(graph[key], count):
            raise UsageError(f"the report is not valid at {place}.{key}: not rows of values")


def _is_value(row: Sequence[Any]) -> bool:
    # A name may be one of the words that stand for numbers; it is read as a number then (see `codec`).
    name, dtype, shape, constant = row
    return (
        isinstance(name, (str, float))
        and (dtype is None or isinstance(dtype, str))
        and (shape is None or isinstance(shape, tuple))
        and isinstance(constant, bool)
    )


def _is_node(row: Sequence[Any], count: int) -> bool:
    label, op, inputs, outputs, *attributes = row
    return (
        isinstance(label, (str, float))
        and isinstance(op, (str, float))
        and _are_rows(inputs, count)
        and _are_rows(outputs, count)
        and all(isinstance(each, Mapping) for each in attributes)
    )


def _are_rows(found: Any, count: int) -> bool:
    return isinstance(found, tuple) and all(type(row) is int and -1 <= row < count for row in found)
