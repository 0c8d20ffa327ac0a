"""Divisions of whole numbers by what is computed and yet never zero: they build, though the table says otherwise.

The table knows whether a divisor is computed, and the toolkit dies of zeros among the numbers that it makes up. How a
divisor is made is beyond a limit on one node.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.rulebook.whole_numbers import never_zero
from rkgraph.rulebook.whole_operators import DIVISIONS

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.table import Judgement

__all__ = ["guarded_division"]

_WHOLE = ("int32", "int64")


def guarded_division(graph: GraphView, node: Node, judgement: Judgement) -> Judgement:
    """The judgement of the table, but that a division by what is never zero, by the way it is made, runs on the CPU."""
    if node.op not in DIVISIONS or judgement.outcome != "build-fails" or node.domain not in ("", "ai.onnx"):
        return judgement
    if graph.value(node.outputs[0]).dtype not in _WHOLE or not never_zero(graph, node.inputs[1]):
        return judgement
    violations = tuple(v for v in judgement.violations if v.outcome != "build-fails")
    return replace(judgement, outcome="cpu", violations=violations)
