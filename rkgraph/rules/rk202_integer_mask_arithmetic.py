"""RK202: a mask that is computed with whole numbers and truth values, on the CPU, where floats would do on the NPU."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.masks import BOOL, COMPARISONS, FloatMask, NotAMask, Term, emit, is_discrete
from rkgraph.analysis.origins import Origin
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

LOGIC = frozenset({"Not", "And", "Or"}) | COMPARISONS
BROADCASTING = frozenset({"Add", "Sub", "Mul", "Div"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each float mask that integer or bool arithmetic leads to, at the node that makes it float."""
    for graph in lint.model.graphs():
        done: set[int] = set()
        for node in reversed(lint.live_nodes(graph)):
            if node.index in done or node.op not in ("Cast", "Where") or node.domain not in ("", "ai.onnx"):
                continue
            chain = _chain(lint, graph, node)
            done.update(n.index for n in chain)
            discrete = [n for n in chain if _is_discrete(graph, n)]
            copies = [n for n in chain if n.op == "Expand"]
            if len(discrete) > 1 or copies:  # the first one costs no more than the Cast that would replace it
                yield _finding(graph, node, chain, (*discrete, *copies))


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same mask in float arithmetic, not expanded."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    if graph.opset < 11:
        return Refusal(f"Clip has no bounds as inputs in opset {graph.opset}")
    if graph.value(node.outputs[0]).dtype != "float32":
        return Refusal(f"the mask is {graph.value(node.outputs[0]).dtype}; only float32 is restated")
    try:
        term = _float_mask(lint, graph).term(node.outputs[0])
    except NotAMask as reason:
        return Refusal(str(reason))
    tape = Tape(f"rk202/{node.outputs[0]}")
    mask = emit(term, tape)
    # Equal for every whole number; only zeros may come out as -0.0.
    return Rewrite(_replacements(graph, node, term, mask, tape), tape, Tolerance(0.0, 1e-7), detail=_detail(finding))


def _float_mask(lint: LintContext, graph: GraphView) -> FloatMask:
    return FloatMask(graph, lambda name: lint.origin(graph, name) is Origin.FIXED)


def _chain(lint: LintContext, graph: GraphView, node: Node) -> tuple[Node, ...]:
    """The nodes that lead to `node`, where it ends a mask chain in floats; else none."""
    if is_discrete(graph.value(node.outputs[0]).dtype):
        return ()
    restated = _float_mask(lint, graph)
    try:
        restated.term(node.outputs[0])
    except NotAMask:
        return ()
    return tuple(restated.nodes[index] for index in sorted(restated.nodes))


def _is_discrete(graph: GraphView, node: Node) -> bool:
    """Whether the node computes with whole numbers or truth values."""
    if node.op == "Cast":
        return bool(node.attributes["to"] == BOOL)
    return node.op in LOGIC or (node.op in BROADCASTING and is_discrete(graph.value(node.outputs[0]).dtype))


def _finding(graph: GraphView, node: Node, chain: tuple[Node, ...], costly: tuple[Node, ...]) -> Finding:
    steps = " → ".join(n.op for n in chain)
    return Finding(
        f"a mask is made by {steps}: {len(costly)} of these work on whole numbers or truth values, which the NPU does "
        "not compute with, or copy the mask",
        graph=graph.path,
        node=node,
        observed={"chain": [n.op for n in chain], "costly": [n.label for n in costly]},
        limit={"chain": "Cast once, then float arithmetic"},
        evidence=("rewrites:mask-forms",),
        explains=frozenset((graph.path, n.index) for n in chain),
    )


def _replacements(graph: GraphView, node: Node, term: Term, mask: str, tape: Tape) -> dict[str, str]:
    """The mask itself where its shape is the same; else what reads it, where that broadcasts anyway."""
    output = node.outputs[0]
    if term.shape == graph.value(output).shape:
        return {output: mask}
    readers = graph.consumers(output)
    if output in graph.outputs or not all(_broadcasts(graph, reader, output) for reader in readers):
        sizes = [size for size in graph.value(output).shape or () if isinstance(size, int)]
        return {output: tape.op("Expand", mask, tape.constant(sizes, "int64", "shape"))}
    return {
        reader.outputs[0]: tape.op(
            reader.op, *(mask if name == output else name for name in reader.inputs), **reader.attributes
        )
        for reader in readers
    }


def _broadcasts(graph: GraphView, reader: Node, mask: str) -> bool:
    """Whether the reader's result has the shape of its other input, whatever shape the mask is broadcast from."""
    others = [name for name in reader.inputs if name != mask]
    if reader.op not in BROADCASTING or len(others) != 1 or reader.domain not in ("", "ai.onnx"):
        return False
    shape = graph.value(others[0]).shape
    return shape is not None and shape == graph.value(reader.outputs[0]).shape


def _detail(finding: Finding) -> str:
    return f"{len(finding.observed['chain'])} nodes → float arithmetic that is equal for every whole number"
