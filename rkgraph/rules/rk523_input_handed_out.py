"""RK523: an input that reaches an output as it is, [1, n]: in some processes the toolkit dies of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, dtype_of, lower
from rkgraph.rulebook.lowering import raised
from rkgraph.rulebook.no_ops import handed_on
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "input-handed-out"
FREE, STEP = 32, 8
"""Rows of up to 32, and of what is no multiple of 8, were not seen to end a build."""
REAL = frozenset({"float32", "float16"})
WHOLE = frozenset({"int32", "int64"})
MAX_OF_INTEGERS = 12  # the first opset whose Max takes them


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each output that is an input behind nothing but nodes that change nothing."""
    known, main = defect(NAME), lint.model.main
    if lint.table.version not in known.fails:
        return
    for output in main.outputs:
        node, source = main.producer(output), _source(main, output)
        if node is not None and source is not None and _dies(main.value(source).shape):
            yield Finding(
                f"the input '{source}' is handed out as '{output}' with nothing between them; in some processes the "
                "toolkit dies of that (SIGFPE)",
                node=node,
                observed={"input": source, "output": output},
                evidence=known.evidence,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The output as a node that computes what it is given: Max of it and itself, or a LeakyRelu that leaks all."""
    if finding.node is not None and lint.model.main.value(finding.node.outputs[0]).dtype in WHOLE:
        first = raised(lint, MAX_OF_INTEGERS)
        if first is not None:
            return first
    return lower(lint, finding, "rk523", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    output = node.outputs[0]
    source, dtype = _source(graph, output), dtype_of(graph, output)
    if source is None:
        raise NotKnown(f"'{output}' is no input any more")
    if dtype in WHOLE:
        return w.rewrite({output: w.op("Max", source, source)}, EXACT, "Max of the input and itself")
    if dtype in REAL:
        return w.rewrite({output: w.op("LeakyRelu", source, alpha=1.0)}, EXACT, "LeakyRelu with a slope of 1")
    raise NotKnown(f"'{output}' is {dtype}; only floats, int32 and int64 are written in this way")


def _source(graph: GraphView, name: str) -> str | None:
    """The input that the value equals, followed through nodes that hand it on; None where something computes it."""
    while (node := graph.producer(name)) is not None:
        before = handed_on(graph, node)
        if before is None:
            return None
        name = before
    return name if name in graph.inputs else None


def _dies(shape: tuple[int | str | None, ...] | None) -> bool:
    if shape is None or len(shape) != 2 or shape[0] != 1 or not isinstance(shape[1], int):
        return False
    return shape[1] > FREE and shape[1] % STEP == 0
