"""What a compile adds to a result, as plain data: `Result.cost` and the stages of `Result.compile`.

Their keys are those of the report's schema (`schema/rkgraph.report-1.json`, "compiledStage").
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.diagnostics import Device, Severity

if TYPE_CHECKING:
    from rkgraph.compile.mapping import Placed
    from rkgraph.graph.view import GraphView, ModelView
    from rkgraph.results import PlacedNode
    from rkgraph.toolkit.logs import Layer, LogFacts

__all__ = ["cost_of", "frozen", "placement_record", "stage_record"]


def cost_of(layers: Iterable[Layer], memory: Mapping[str, float]) -> dict[str, Any]:
    """Totals of a layer table.

    `layers` counts all rows as the toolkit does; `npu` and `cpu` leave out the operators that are input and output, and
    so do `crossings`: how often the work changes its place, in the order of the schedule.
    Cycles are estimates of the compiler, for layers like convolutions only; `rw_kb` is all traffic.
    """
    rows = list(layers)
    work = [layer for layer in rows if not layer.is_boundary]
    targets = Counter(layer.target.lower() for layer in work)
    return {
        "layers": len(rows),
        "npu": targets["npu"],
        "cpu": targets["cpu"],
        "crossings": sum(first.target != second.target for first, second in pairwise(work)),
        "ddr_cycles": sum(layer.ddr_cycles for layer in rows),
        "npu_cycles": sum(layer.npu_cycles for layer in rows),
        "rw_kb": sum(layer.rw_kb for layer in rows),
        **memory,
    }


def stage_record(
    view: ModelView, facts: LogFacts, predicted: Sequence[PlacedNode], placed: Sequence[Placed], rknn: Path
) -> dict[str, Any]:
    """One built model: the file, and what `placement_record` has."""
    found = placement_record(view, facts, predicted, placed)
    return {"name": "model", "size_bytes": rknn.stat().st_size, "sha256": digest_of(rknn), **found}


def placement_record(
    view: ModelView, facts: LogFacts, predicted: Sequence[PlacedNode], placed: Sequence[Placed]
) -> dict[str, Any]:
    """What the log of a build says: the layer table, and real against predicted placement of every node.

    `agreement` counts nodes: `agree`, `differ`, `folded` (gone before lowering, and predicted so or on the NPU; no
    proof of skill), `unpredicted` (no ground to predict), `unmapped` (no layer found).
    In `placement`, `how` says what the real device rests on, see `mapping`; `unmapped` has the labels of the others.
    """
    graph = view.main
    guesses = {node.index: node.device for node in predicted if node.graph == "main"}
    pairs = [(each, guesses.get(each.index, Device.UNKNOWN)) for each in placed]
    counts = Counter(_judge(guess, each) for each, guess in pairs)
    return {
        "layers": _layers(facts.layers, placed, graph),
        "memory": dict(facts.memory),
        "no_lowering": [asdict(each) for each in facts.no_lowering],
        "messages": [
            {"code": m.code, "severity": m.severity.value, "text": m.text, "count": m.count, "known": m.known}
            for m in facts.messages
            if m.severity is not Severity.NOTE
        ],
        "agreement": {key: counts[key] for key in ("agree", "differ", "folded", "unpredicted", "unmapped")},
        "unmapped": [graph.nodes[each.index].label for each in placed if each.device is Device.UNKNOWN],
        "placement": [
            {
                "index": each.index,
                "node": graph.nodes[each.index].label,
                "op": graph.nodes[each.index].op,
                "predicted": guess.value,
                "real": each.device.value,
                "how": each.how,
                "layer": each.layer,
            }
            for each, guess in pairs
            if each.device is not Device.UNKNOWN
        ],
    }


def frozen(data: Any) -> Any:
    """The same data with tuples for lists, as a report that was read has it."""
    if isinstance(data, Mapping):
        return {key: frozen(value) for key, value in data.items()}
    return tuple(frozen(value) for value in data) if isinstance(data, (list, tuple)) else data


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _layers(layers: Iterable[Layer], placed: Iterable[Placed], graph: GraphView) -> list[dict[str, Any]]:
    """The layer table with the labels of the original nodes of each layer."""
    nodes: dict[int, list[str]] = {}
    for each in placed:
        if each.layer is not None:
            nodes.setdefault(each.layer, []).append(graph.nodes[each.index].label)
    records = []
    for layer in layers:
        record = {key: value for key, value in asdict(layer).items() if value is not None}
        records.append({**record, "nodes": nodes.get(layer.id, [])})
    return records


def _judge(predicted: Device, placed: Placed) -> str:
    if placed.device is Device.UNKNOWN:
        return "unmapped"
    if predicted is Device.UNKNOWN:
        return "unpredicted"
    if placed.device is Device.FOLDED and predicted in (Device.FOLDED, Device.NPU):
        return "folded"
    return "agree" if predicted is placed.device else "differ"
