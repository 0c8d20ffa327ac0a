"""How far the results of a fixed model may lie from those of the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rkgraph.graph.rewrite import Tolerance
from rkgraph.graph.view import GraphView
from rkgraph.proof.whole import MODEL_TOLERANCE
from rkgraph.results import Proof

__all__ = ["HALVES", "whole_model_tolerance"]

COARSE = 1e-3  # of the norm: what differs by so much no longer rounds to 8 bits or so, and not only otherwise
QUANTISED = 0.2
HALVES = 2.0**-9  # of the norm: one rounding of float32 that falls otherwise makes the next one to fp16 fall otherwise


def whole_model_tolerance(proofs: Sequence[Proof], main: GraphView) -> Tolerance:
    """What the whole model is held to: where a fix may differ by a part of the norm, so may the results, ten times.

    Models that hold numbers in fp16 may differ by two of its spacings, even where each fix is right to float32.
    """
    norm = 10 * max((proof.tolerance.get("norm", 0.0) for proof in proofs), default=0.0)
    results = (main.value(name) for node in main.nodes for name in node.outputs if name)
    halves = HALVES if any(value.dtype == "float16" for value in results) else 0.0
    return replace(MODEL_TOLERANCE, norm=QUANTISED if norm >= 10 * COARSE else max(norm, halves))
