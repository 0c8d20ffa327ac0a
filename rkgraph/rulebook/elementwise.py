"""What lowerings of elementwise operators of floats share: operands, dtype, and what the proof holds them to.

What is not exact of double is computed in float32, for which there are kernels everywhere (the board computes in fp16
anyway); float16 stays float16, and its proof allows for the rounding of each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Tolerance
from rkgraph.rulebook.known import FLOATS, NUMPY_BROADCASTING
from rkgraph.rulebook.lowering import raised
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import Node

__all__ = ["Record", "lowered"]

Record = Callable[[Writer, "Node", tuple[str, ...], str], "str | Refusal"]
"""Records the operator on a tape: the writer, the node, its inputs as values of the dtype, the dtype → the result."""

_HALF = Tolerance(2e-3, 8e-3)  # a dozen roundings of 2^-11; numbers near 1 may cancel


def lowered(
    lint: LintContext,
    finding: Finding,
    record: Record,
    *,
    prefix: str,
    tolerance: Tolerance,
    detail: str,
    opset: int = NUMPY_BROADCASTING,
) -> Edit | Refusal:
    """The rewrite of the finding's node, of which all inputs and the output are floats of one dtype.

    A model of an older opset than `opset` is declared to be of that one first, where all of its operators are the same.
    Refused: subgraphs, other dtypes, operators that changed in between, and what `record` refuses.

    Args:
        lint: the context of the finding.
        finding: one that names a node.
        record: see there.
        prefix: of new names: the rule's code in small letters.
        tolerance: for float32.
        detail: a few words for the table of fixes.
        opset: the first that has what `record` writes.
    """
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    out = node.outputs[0]
    dtype = graph.value(out).dtype
    if dtype is None or any(graph.value(name).dtype != dtype for name in node.inputs if name):
        return Refusal(f"{node.label} mixes dtypes, or they are unknown")
    if dtype not in FLOATS:
        return Refusal(f"{node.label} computes {dtype}; only floats are written in this way")
    first = raised(lint, opset)
    if first is not None:
        return first
    write = Writer(graph, f"{prefix}/{out}")
    wide = dtype == "float64" and tolerance != EXACT
    inputs = tuple(write.cast(name, "float32") if wide and name else name for name in node.inputs)
    new = record(write, node, inputs, "float32" if wide else dtype)
    if isinstance(new, Refusal):
        return new
    held = tolerance if dtype != "float16" or tolerance == EXACT else _HALF
    return write.rewrite({out: write.cast(new, dtype) if wide else new}, held, detail)
