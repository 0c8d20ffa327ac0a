"""What rules share that write ONNX Runtime's fused operators as the standard ones that they were made of.

Source of all formulas: ONNX Runtime, docs/ContribOperators.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Tolerance
from rkgraph.rulebook.lowering import needing, not_as_it_is, raised
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["MICROSOFT", "NotUnfused", "Unfuse", "found_fused", "gelu", "gelu_tanh", "input_of", "real_dtype", "unfused"]

MICROSOFT = "com.microsoft"
ROUNDED = Tolerance(1e-5, 1e-4, norm=2e-6)
"""The same sums and products, in another order or of another kernel."""


class NotUnfused(ValueError):
    """Why an operator cannot be written with standard ones here."""


Unfuse = Callable[["GraphView", "Node", Writer], Mapping[str, str]]
"""Records what a node is; output → the value that replaces it. Raises NotUnfused."""


def found_fused(lint: LintContext, ops: Collection[str], instead: str, *, standard: bool = False) -> Iterator[Finding]:
    """One finding for each live node of ONNX Runtime's own operators `ops`; `standard`: in the standard domain, too."""
    for domain in (MICROSOFT, *(("",) if standard else ())):
        for graph, node in needing(lint, ops, domain=domain):
            yield not_as_it_is(lint, graph, node, instead)


def unfused(
    lint: LintContext,
    finding: Finding,
    writers: Mapping[str, Unfuse],
    *,
    prefix: str,
    opset: int = 7,
    tolerance: Tolerance = ROUNDED,
    within: Mapping[str, Between] | None = None,
) -> Edit | Refusal:
    """The node of `finding` as its entry in `writers` records it; outputs that nobody reads are left out.

    Args:
        lint: the context.
        finding: made by `found_fused`.
        writers: by operator.
        prefix: of new names.
        opset: what the recorded operators need.
        tolerance: how far results may lie apart.
        within: what the claim is limited to.
    """
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    first = raised(lint, opset)
    if first is not None:
        return first
    graph, node = place
    writer = Writer(graph, f"{prefix}/{next(name for name in node.outputs if name)}")
    try:
        made = writers[node.op](graph, node, writer)
    except NotUnfused as reason:
        return Refusal(str(reason))
    read = {name for name in node.outputs if name and (name in graph.outputs or lint.is_read(name))}
    missing = sorted(read - made.keys())
    if missing:
        return Refusal(f"{node.label}: its output {missing[0]} is read, and not written with standard operators")
    replaces = {old: new for old, new in made.items() if old in read}
    return writer.rewrite(replaces, tolerance, f"{node.op} as standard operators", within=within)


def input_of(node: Node, place: int) -> str:
    """The name of an input, "" where it is absent."""
    return node.inputs[place] if place < len(node.inputs) else ""


def real_dtype(graph: GraphView, *names: str) -> str:
    """The dtype of the first of the values whose dtype is known; "float32" if none is."""
    return next((dtype for name in names if name and (dtype := graph.value(name).dtype)), "float32")


def gelu(writer: Writer, x: str, dtype: str) -> str:
    """GELU: x · ½ · (1 + erf(x / √2)), in the form that the compiler makes one layer of."""
    inner = writer.op("Erf", writer.op("Div", x, writer.constant(math.sqrt(2), dtype, "root")))
    whole = writer.op("Mul", x, writer.op("Add", inner, writer.constant(1.0, dtype, "one")))
    return writer.op("Mul", whole, writer.constant(0.5, dtype, "half"))


def gelu_tanh(writer: Writer, x: str, dtype: str) -> str:
    """GELU by tanh: ½x · (1 + tanh(√(2/π) · (x + 0.044715·x³))), as torch writes it."""

    def number(value: float) -> str:
        return writer.constant(value, dtype, "number")

    cube = writer.op("Mul", number(0.044715), writer.op("Pow", x, number(3.0)))
    inner = writer.op("Mul", number(math.sqrt(2 / math.pi)), writer.op("Add", x, cube))
    half = writer.op("Mul", number(0.5), x)
    return writer.op("Mul", half, writer.op("Add", number(1.0), writer.op("Tanh", inner)))
