"""RK215: where the largest or the smallest int64 lies: no ONNX Runtime has a kernel for that, so the build ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.host_kernels import load_host_kernels
from rkgraph.graph.rewrite import EXACT, Between
from rkgraph.rulebook.known import NotKnown, lower
from rkgraph.rulebook.rule import Finding
from rkgraph.targets import model_facts

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

OPERATORS = frozenset({"ArgMax", "ArgMin"})
WIDE, NARROWER = "int64", "int32"
WITHIN = Between(-(2.0**31), 2.0**31 - 1, integer=True)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live node on int64 that the toolkit's ONNX Runtime cannot run."""
    kernels = load_host_kernels(model_facts(lint.target.toolkit).onnxruntime)
    main = lint.model.main
    for node in lint.live_nodes(main):
        refused = kernels.refusal(node, main) if node.op in OPERATORS else None
        if refused is not None and main.value(node.inputs[0]).dtype == WIDE:
            yield Finding(
                f"{node.op} of {WIDE} ends the build ({refused.reason}); of {NARROWER} it runs, on the CPU",
                node=node,
                observed={"dtype": WIDE},
                limit={"dtype": NARROWER},
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same node on the numbers as int32."""
    return lower(lint, finding, "rk215", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    x = node.inputs[0]
    if graph.value(x).dtype != WIDE:
        raise NotKnown(f"{x} is not {WIDE} any more")
    new = w.op(node.op, w.cast(x, NARROWER), **node.attributes)
    within = {} if graph.constant(x) is not None else {x: WITHIN}
    return w.rewrite({node.outputs[0]: new}, EXACT, f"{node.op} of {NARROWER}", within=within)
