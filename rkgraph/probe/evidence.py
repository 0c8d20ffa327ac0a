"""Evidence files: the models once, and what became of each on a target.

`cases.jsonl` holds {"id", "op", "model"}, `rknn-VERSION/PLATFORM-PRECISION.jsonl` holds {"id", "outcome", …} by id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rkgraph.files import write_text
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.probe.case import Case, parse
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Outcome
from rkgraph.targets import Target

__all__ = ["Seen", "evidence_folder", "lines_of", "measured_targets", "probed_node", "target_file", "write_evidence"]


@dataclass(frozen=True)
class Seen:
    """A case as lint sees it, and what became of its probed node."""

    id: str
    op: str
    node: Node
    graph: GraphView
    outcome: Outcome


def evidence_folder() -> Path:
    """Where the repository keeps its evidence."""
    return data_folder("op_tables") / "evidence"


def target_file(target: Target, folder: Path | None = None) -> Path:
    """The file of a target's lines."""
    return (folder or evidence_folder()) / f"rknn-{target.toolkit}" / f"{target.platform}-{target.precision}.jsonl"


def measured_targets(version: str, folder: Path | None = None) -> tuple[Target, ...]:
    """The targets of a toolkit version that there is evidence for, by name."""
    files = sorted(((folder or evidence_folder()) / f"rknn-{version}").glob("*-*.jsonl"))
    names = [path.name.removesuffix(".jsonl") for path in files if ".device." not in path.name]
    return tuple(Target(platform, version, precision) for platform, precision in (n.split("-", 1) for n in names))


def lines_of(target: Target, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The lines of a target by case id. Raises OSError where there is no such file, ValueError for one that is no JSON."""
    text = target_file(target, folder).read_text(encoding="utf-8")
    return {line["id"]: line for line in map(json.loads, text.splitlines())}


def models_of(folder: Path | None = None) -> dict[str, Case]:
    """All models that evidence is about, by case id."""
    text = ((folder or evidence_folder()) / "cases.jsonl").read_text(encoding="utf-8")
    return {line["id"]: Case(line["id"], line["op"], line["model"]) for line in map(json.loads, text.splitlines())}


@lru_cache(maxsize=50_000)
def probed_node(text: str) -> tuple[Node, GraphView]:
    """The probed node of a model in ONNX text, and its graph, as lint sees them."""
    graph = view_of(parse(text), Path("case"), "", {}, {}).main
    return next(node for node in graph.nodes if node.name == "probe"), graph


def write_evidence(
    cases: Mapping[str, Case], lines: Mapping[Target, Iterable[Mapping[str, Any]]], folder: Path | None = None
) -> None:
    """Write the models and every target's lines, sorted by id. Raises UsageError where that cannot be written."""
    place = folder or evidence_folder()
    used: set[str] = set()
    for target, of_target in lines.items():
        ordered = sorted(of_target, key=lambda line: str(line["id"]))
        used |= {line["id"] for line in ordered}
        path = target_file(target, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, _jsonl(ordered, drop={"op"}))
    models = [{"id": c.id, "op": c.op, "model": c.text} for name, c in sorted(cases.items()) if name in used]
    write_text(place / "cases.jsonl", _jsonl(models))


def _jsonl(lines: Iterable[Mapping[str, Any]], drop: Collection[str] = ()) -> str:
    kept = ({key: value for key, value in line.items() if key not in drop} for line in lines)
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in kept)
