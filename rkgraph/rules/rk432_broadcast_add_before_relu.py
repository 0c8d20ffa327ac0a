"""RK432: an Add with an operand that is repeated along height or width, and a Relu that is fused with it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext

_RANK = 4


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Add of computed values of which one is one line high or one column wide, before a Relu."""
    main = lint.model.main
    for node in main.nodes_of("Add"):
        readers = main.consumers(node.outputs[0])
        if [reader.op for reader in readers] != ["Relu"] or node.outputs[0] in main.outputs:
            continue
        whole = main.value(node.outputs[0])
        for name in node.inputs:
            shape = main.value(name).shape
            if lint.is_constant(main, name) or not whole.is_static or shape is None or whole.shape is None:
                continue
            if len(shape) == len(whole.shape) == _RANK and _is_repeated_line(shape, whole.shape):
                yield Finding(
                    f"{node.label} repeats '{name}' along height or width, and a Relu follows: a user saw the fused "
                    "layer give zeros on a board; if yours does, repeat the operand by an Expand",
                    node=node,
                    observed={"operand": list(shape), "result": list(whole.shape)},
                    confidence=Confidence.FIELD_REPORT,
                )


def _is_repeated_line(shape: tuple[object, ...], whole: tuple[object, ...]) -> bool:
    """One of height and width is 1 and repeated, the other is not 1: a bias of channels is another thing."""
    repeated = [small == 1 and large != 1 for small, large in zip(shape[2:], whole[2:], strict=True)]
    return shape[1] == whole[1] and any(repeated) and not all(size == 1 for size in shape[2:])
