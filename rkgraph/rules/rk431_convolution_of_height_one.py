"""RK431: a convolution in the middle of a model on a plane that is one line high."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext

SAFE_HEIGHT = 4
"""To which a user padded the plane."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Conv on a computed plane of height 1 and a width of more."""
    main = lint.model.main
    for node in main.nodes_of("Conv"):
        if (node.path, node.index) in lint.folded or main.producer(node.inputs[0]) is None:
            continue
        shape = main.value(node.inputs[0]).shape
        if shape is not None and len(shape) == 4 and shape[2] == 1 and shape[3] != 1:
            yield Finding(
                f"{node.label} reads a plane of one line: a user saw the board fail to submit such a layer; if yours "
                f"does, pad the height to {SAFE_HEIGHT} and slice the result",
                node=node,
                observed={"height": 1},
                limit={"height": SAFE_HEIGHT},
                confidence=Confidence.FIELD_REPORT,
            )
