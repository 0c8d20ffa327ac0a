"""Findings of what goes wrong in fp16 on the user's samples, one a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.attention import softmaxes_behind
from rkgraph.diagnostics import Confidence
from rkgraph.fp16 import FP16_MAX, FP16_NORMAL
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.analysis.fp16_trouble import Trouble
    from rkgraph.rulebook.rule import LintContext

__all__ = ["subject_of", "troubles_of"]


def subject_of(trouble: Trouble) -> tuple[str, float]:
    """What fp16 does not hold, in words, and its largest magnitude: the value, or its square where that is taken."""
    if trouble.squared:
        return f"the square of {trouble.value}", trouble.largest**2
    return trouble.value, trouble.largest


def troubles_of(lint: LintContext, kind: str, told: Callable[[Trouble], str]) -> Iterator[Finding]:
    """One finding for each node of the main graph with this kind of trouble; masks aside, which have RK203.

    Args:
        lint: its observations were looked through for troubles.
        kind: "overflow", "underflow" or "accuracy".
        told: the message.
    """
    main = lint.model.main
    for trouble in lint.observed.troubles:
        node = main.producer(trouble.value)
        if trouble.kind != kind or node is None or (node.path, node.index) in lint.folded:
            continue
        if kind == "overflow" and _is_masked(lint, trouble.value):
            continue
        yield Finding(
            told(trouble),
            node=node,
            value=trouble.value,
            observed={"largest": f"{trouble.largest:.4g}", "in fp16": f"{trouble.stored:.4g}"},
            limit={"largest": FP16_MAX, "smallest": FP16_NORMAL},
            confidence=Confidence.PROBED,
        )


def _is_masked(lint: LintContext, name: str) -> bool:
    """Whether only softmaxes read the value, and fills alone are beyond fp16: numbers that are far below zero."""
    arrival = softmaxes_behind(lint.model.main, name)
    if not arrival.softmaxes or arrival.elsewhere:
        return False
    seen = lint.observed.of((name,)).get(name)
    return seen is None or seen.high <= FP16_MAX
