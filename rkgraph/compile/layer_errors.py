"""What fp16 and 8 bits do to the result of each layer of a build: its layer table says what is stored, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.tensors import tensors_of
from rkgraph.compile.verify import normalise
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.compile.plan import PreparedPlan
    from rkgraph.graph.view import GraphView

__all__ = ["stored_values", "with_layer_errors"]

BITS: Mapping[str, int | None] = {"FLOAT16": None, "INT8": 8, "UINT8": 8, "INT16": 16}
"""Type of a layer in the compiler's table → bits of a stored number; None: fp16. Other types are not rounded."""

CASES = 4
"""Samples that are run: each costs twice a run of the model, and the worst of four is near the worst of more."""

LARGEST = 2 << 30
"""Bytes of a model that can be copied beside itself: ONNX takes no larger one in one piece."""


def with_layer_errors(
    prepared: PreparedPlan, record: Mapping[str, Any], tell: Callable[[str], None] = lambda _text: None
) -> dict[str, Any]:
    """The stage `record` whose layers have an `error`, ‖stored − exact‖ / ‖exact‖ of what they hand on.

    Layers without float results, and those that no node of the model leads to, have none. `layer_errors` says on how
    many inputs, and on whose.

    Raises:
        UsageError: the samples are images, or the model is too large.
        EvaluationError: ONNX Runtime cannot run the model.
    """
    from rkgraph.analysis.storage_error import storage_errors

    path = prepared.plan.model
    if path.stat().st_size > LARGEST:
        raise UsageError(f"{path}: is too large to be run beside a copy of itself", "compile without --layer-errors")
    import onnx

    cases, whose = _cases(prepared)
    layer_of = {entry["index"]: entry["layer"] for entry in record["placement"] if entry["layer"] is not None}
    types = {layer["id"]: BITS.get(layer.get("dtype", ""), 0) for layer in record["layers"]}
    stored = {value: id_ for value, id_ in stored_values(prepared.view.main, layer_of).items() if types[id_] != 0}
    seen = [normalise(case, prepared.plan.config.given()) for case in cases]
    bits = {value: types[id_] for value, id_ in stored.items()}
    errors = storage_errors(onnx.load(path), bits, seen, tell) if bits else {}
    worst: dict[int, float] = {}
    for value, error in errors.items():
        worst[stored[value]] = max(error, worst.get(stored[value], 0.0))
    layers = [{**each, "error": worst[each["id"]]} if each["id"] in worst else each for each in record["layers"]]
    return {**record, "layers": layers, "layer_errors": {"cases": len(cases), "inputs": whose}}


def stored_values(graph: GraphView, layer_of: Mapping[int, int]) -> dict[str, int]:
    """Float value that one layer hands on to another, or to the outside → the layer that makes it.

    Args:
        graph: the main graph that was compiled.
        layer_of: index of a node → its layer. What has none (folded, dropped) passes numbers on and stores nothing.
    """
    outside = set(graph.outputs)
    found = {}
    for node in graph.nodes:
        own = layer_of.get(node.index)
        if own is None:
            continue
        for name in node.outputs:
            if not name or graph.value(name).dtype != "float32":
                continue
            readers = graph.consumers(name)
            if name in outside or any(layer_of.get(reader.index) != own for reader in readers):
                found[name] = own
    return found


def _cases(prepared: PreparedPlan) -> tuple[list[dict[str, Any]], str]:
    """Inputs to run, and whose they are: samples, else those that are verified with, else generated ones."""
    import numpy as np

    if prepared.samples is not None:
        rows = prepared.samples.rows
        if any(isinstance(item, Path) for row in rows for item in row):
            raise UsageError(
                "errors of layers cannot be measured with images",
                "give the samples as arrays (.npz), see --calibration",
            )
        chosen = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(CASES, len(rows)))]
        return [dict(zip(prepared.inputs, row, strict=True)) for row in chosen], "calibration samples"
    if prepared.plan.verify is not None:
        whose = "generated inputs" if prepared.feeds is None else "given inputs"
        return prepared.cases()[:CASES], whose
    tensors, _ = tensors_of(prepared.view.main)
    return [generate_feeds(prepared.view.main, tensors, seed) for seed in range(2)], "generated inputs"
