"""What became of the probed node of a case, from the facts of its build."""

from __future__ import annotations

import re
from typing import Any

from rkgraph.probe.case import Case
from rkgraph.probe.facts import Facts

__all__ = ["line_of"]

_OWN = re.compile(r"probe(?!_y)")
"""Begins the name of a layer that bears the probed node's name, not its output's (`probe_y`)."""

_NEIGHBOURS = re.compile(r"before|after|kin|\bk[01]\b")
"""Names of nodes and values of a case that are not the probed one's: see case.py."""

_FAR = re.compile(_NEIGHBOURS.pattern + r"|\bx\d")
"""The same where neighbours stand between the probed node and the inputs of the model."""

_CONVERSIONS = ("Reshape", "Transpose")
_LAYOUT = ("Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Layers that the compiler adds between layouts, and operators that become nothing else."""

_LONGEST_ERROR = 160

_WARNINGS = frozenset({"RK922"})
"""Codes of what the log says of a build that goes on: a size that a register of the NPU cannot hold."""


def line_of(case: Case, facts: Facts) -> dict[str, Any]:
    """The line of evidence of a case, without its model.

    `layers` bear the probed node's name and decide. `around` bear its output's name or nobody's: conversions at the
    edges of the model, or what the node was turned into; where the node has no layer of its own, they decide.
    Conversions between layouts decide only for a node that is one itself, or became nothing else. (In a pattern those
    with nobody's name are left out: they may be another node's.) Where nothing decides, the node was fused into a
    neighbour or folded away, and counts as npu.
    `warned` has codes of warnings that leave open what the board makes of the model.
    """
    line: dict[str, Any] = {"id": case.id, "op": case.op}
    if facts.ended != "ok":
        return {**line, "outcome": "build-fails", "error": f"{facts.stage}: {facts.error}"[:_LONGEST_ERROR]}
    own = [layer for layer in facts.layers if _OWN.match(layer[2])]
    foreign = _NEIGHBOURS if case.id.endswith(",alone") else _FAR
    around = [
        layer
        for layer in facts.layers
        if not _OWN.match(layer[2]) and ("probe" in layer[2] or not (case.is_pattern or foreign.search(layer[2])))
    ]
    layers, others = ([f"{op}@{target}" for op, target, _ in rows] for rows in (own, around))
    lost = sorted({op for name, op in facts.lost if not _NEIGHBOURS.search(name)})
    line["outcome"] = "no-kernel" if lost else _device(case.op, layers, others)
    line["layers"] = layers
    if others:
        line["around"] = others
    if lost:
        line["lost"] = lost
    if warned := sorted(_WARNINGS & set(facts.codes)):
        line["warned"] = warned
    return line


def _device(op: str, layers: list[str], around: list[str]) -> str:
    deciding = (layers or around) if op in _LAYOUT else (_work(layers) or _work(around) or layers)
    return "cpu" if any(layer.endswith("@CPU") for layer in deciding) else "npu"


def _work(layers: list[str]) -> list[str]:
    """Those that are more than a conversion between layouts."""
    return [layer for layer in layers if layer.split("@")[0] not in _CONVERSIONS]
