"""RK305: an input without elements, without dimensions, or with more elements than can be counted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, WidenScalars
from rkgraph.graph.view import GraphView, Node, Value
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import ModelFacts, model_facts

MOST_ELEMENTS = 2**32 - 1  # the runtime counts them in 32 bits: `uint32_t n_elems` of rknn_tensor_attr, rknn_api.h

# Readers that take a scalar as it is; everywhere else it is made a vector of one element (toolkit 2.3.2).
TAKE_SCALARS = frozenset({"Clip", "Gather", "Shape"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that a node reads and that is empty, a refused scalar, or beyond `MOST_ELEMENTS`."""
    main = lint.model.main
    facts = model_facts(lint.target.toolkit)
    for name in main.inputs:
        value = main.value(name)
        trouble = _trouble(lint, value, facts) if lint.is_read(name) else None
        if trouble is not None:
            what, limit = trouble
            yield Finding(
                f"the input '{name}' {what}; the compiler refuses it",
                value=name,
                observed={"shape": list(value.shape or ()), "dtype": value.dtype},
                limit=limit,
                verdict=Verdict.BUILD_FAILS,
                fixable=value.shape == (),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The scalar as a vector of one number, of which a Reshape makes the scalar."""
    name = finding.value or ""
    if name in lint.model.main.outputs:
        return Refusal(f"'{name}' is an output as well")
    return WidenScalars({name: f"rk305/{name}/scalar"})


def _trouble(lint: LintContext, value: Value, facts: ModelFacts) -> tuple[str, dict[str, int | str]] | None:
    """What is wrong with the shape, and the limit that it breaks; dynamic dimensions count as one element."""
    shape = value.shape
    if shape is None:
        return None
    if not shape:
        return _trouble_of_scalar(lint, value, facts)
    if 0 in shape:
        return "has a dimension of size 0", {"dimensions": "at least 1"}
    count = math.prod(size for size in shape if isinstance(size, int))
    if count > MOST_ELEMENTS:
        what = f"has {count} elements, more than the runtime can count ({MOST_ELEMENTS})"
        return what, {"elements": MOST_ELEMENTS}
    return None


def _trouble_of_scalar(lint: LintContext, value: Value, facts: ModelFacts) -> tuple[str, dict[str, int | str]] | None:
    limit: dict[str, int | str] = {"rank": "at least 1"}
    if value.dtype in facts.refused_scalars:
        return f"is a scalar (rank 0) of {value.dtype}", limit
    if facts.stale_scalars and _becomes_stale(lint, value.name):
        return "is a scalar (rank 0), which the optimiser changes and then feeds as it was", limit
    return None


def _becomes_stale(lint: LintContext, name: str) -> bool:
    """Whether a reader has the scalar as a vector when all nodes are run again, which any rewritten node leads to.

    Nearly every rule of the optimiser is about tensors that are not of rank 4; what has no kernel it leaves alone.
    """
    main = lint.model.main
    readers = [node for node in main.consumers(name) if node.op not in TAKE_SCALARS]
    return bool(readers) and any(_is_rewritten(lint, main, node) for node in lint.live_nodes(main))


def _is_rewritten(lint: LintContext, graph: GraphView, node: Node) -> bool:
    if node.op in TAKE_SCALARS or lint.judgement(node).outcome not in ("npu", "cpu"):
        return False
    shapes = [graph.value(name).shape for name in (*node.inputs, *node.outputs) if name and not graph.is_constant(name)]
    return any(shape is not None and len(shape) != 4 for shape in shapes)
