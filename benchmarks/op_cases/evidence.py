"""Reads evidence back: every line with the view of its model, as lint would see it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from op_cases.model import parse
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Outcome

__all__ = ["Seen", "read_evidence"]


@dataclass(frozen=True)
class Seen:
    """A line of evidence: the probed node in its graph, and what became of it."""

    id: str
    node: Node
    graph: GraphView
    outcome: Outcome


def read_evidence(version: str, only: Collection[str] = ()) -> dict[str, list[Seen]]:
    """The evidence of a toolkit version by operator; `only` names operators, empty means all."""
    found: dict[str, list[Seen]] = {}
    for line in _lines(version):
        if only and line["op"] not in only:
            continue
        graph = view_of(parse(line["model"], line["id"]), Path("case"), "", {}, {}).main
        node = next(n for n in graph.nodes if n.name == "probe")
        found.setdefault(line["op"], []).append(Seen(line["id"], node, graph, line["outcome"]))
    return found


@lru_cache(maxsize=1)
def _lines(version: str) -> list[dict[str, Any]]:
    path = data_folder("op_tables") / "evidence" / f"rknn-{version}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
