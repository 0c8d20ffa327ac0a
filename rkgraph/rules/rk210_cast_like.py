"""RK210: CastLike, for which the board has no kernel: its dtype is known, so that a Cast does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT
from rkgraph.graph.tensors import dtype_code
from rkgraph.rulebook.known import dtype_of, lower
from rkgraph.rulebook.lowering import needing, not_as_it_is

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live CastLike that cannot run."""
    for graph, node in needing(lint, ("CastLike",)):
        yield not_as_it_is(lint, graph, node, "a Cast to the dtype of its second input is the same")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The Cast."""
    return lower(lint, finding, "rk210", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    source, like = node.inputs
    dtype = dtype_of(graph, like)
    was = graph.value(source).dtype
    result = source if was == dtype else w.op("Cast", source, to=dtype_code(dtype), saturate=_saturates(graph, node))
    return w.rewrite({node.outputs[0]: result}, EXACT, f"casts to {dtype}")


def _saturates(graph: GraphView, node: Node) -> int | None:
    """The attribute for Cast, None where it is the default: it says how 8-bit floats round, since opset 19."""
    return 0 if graph.opset >= 19 and node.attributes.get("saturate", 1) == 0 else None
