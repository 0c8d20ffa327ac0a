"""RK149: an output that is the mean of a flattened value, reshaped: the compiler loses it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each output of the model that is such a mean, which somebody else reads, too."""
    main = lint.model.main
    for name in main.outputs:
        node = main.producer(name)
        if node is None or node.op != "Reshape" or node.domain not in ("", "ai.onnx"):
            continue
        mean = main.producer(node.inputs[0])
        if mean is None or len(main.consumers(mean.outputs[0])) < 2 or _unflattened(main, node) is None:
            continue
        yield Finding(
            f"{name} is the mean of a flattened value, reshaped; the compiler drops this output without a word",
            node=node,
            observed={"mean": mean.label},
            verdict=Verdict.BUILD_FAILS,
            explains=frozenset({(main.path, node.index)}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Take the mean of the value as it was before, over the axes that were flattened."""
    return lower(lint, finding, "rk149", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = _unflattened(graph, node)
    if found is None:
        raise NotKnown(f"{node.label} does not reshape the mean of a flattened value")
    x, axes, keepdims = found
    shape = shape_of(graph, x)
    new = write.reduce("ReduceMean", x, axes, keepdims=keepdims)
    tolerance = rounding(float_of(graph, x), math.prod(shape[axis] for axis in axes))
    return write.rewrite({node.outputs[0]: new}, tolerance, f"a mean over {list(axes)} of {list(shape)}")


def _unflattened(graph: GraphView, node: Node) -> tuple[str, tuple[int, ...], bool] | None:
    """The value before it was flattened, the axes of its mean, and whether they stay as ones; None for all else."""
    mean = graph.producer(node.inputs[0])
    flat = None if mean is None or mean.op != "ReduceMean" else graph.producer(mean.inputs[0])
    if mean is None or flat is None or flat.op not in ("Flatten", "Reshape"):
        return None
    try:
        shape, rows = shape_of(graph, flat.inputs[0]), shape_of(graph, flat.outputs[0])
        result, reduced = shape_of(graph, node.outputs[0]), reduced_axes(graph, mean, len(rows))
    except NotKnown:
        return None
    kept = len(rows) - len(reduced)
    if not 0 < kept < len(rows) or reduced != tuple(range(kept, len(rows))):
        return None
    fitting = (n for n in range(1, len(shape)) if math.prod(shape[:n]) == math.prod(rows[:kept]))
    forms = ((n, keepdims) for n in fitting for keepdims in (True, False))
    for first, keepdims in forms:
        if result == shape[:first] + ((1,) * (len(shape) - first) if keepdims else ()):
            return flat.inputs[0], tuple(range(first, len(shape))), keepdims
    return None
