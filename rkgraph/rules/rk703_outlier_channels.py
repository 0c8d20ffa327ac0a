"""RK703: channels of an activation that are far wider than the others, which leaves no steps of 8 bits for these."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from rkgraph.errors import RkgraphError
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

WIDER = 4.0
"""The widest channel against the median one."""

GAIN = 0.8
"""What is left of the error, at most, for a fix to be offered."""

ROWS = 2048  # of an activation, for measuring
SAMPLES = 8


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each activation behind a scale by channel, which products with constants alone read."""
    main = lint.model.main
    found = {node.outputs[0]: node for node in main.nodes if _is_scaled(main, node) and _readers(main, node)}
    for name, seen in lint.observed.of(found).items():
        middle = median(seen.channels) if seen.channels else 0.0
        if middle > 0 and max(seen.channels) > WIDER * middle:
            ratio = max(seen.channels) / middle
            yield Finding(
                f"the widest channel of {name} is {ratio:.3g} times the median one; in 8 bits all share one scale",
                node=found[name],
                value=name,
                observed={"widest": f"{max(seen.channels):.4g}", "median": f"{middle:.4g}"},
                limit={"ratio": WIDER},
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The factor that makes channels alike moves from the scale before the activation into the weights behind it."""
    from rkgraph.analysis.smoothing import smoothing

    at = place_of(lint, finding)
    if isinstance(at, Refusal):
        return at
    graph, node = at
    readers = _readers(graph, node)
    weights = [_weight(lint, reader) for reader in readers]
    activation = _activation(lint, node.outputs[0])
    if activation is None or any(weight is None for weight in weights):
        return Refusal("its numbers, or those of the weights that read it, cannot be had")
    chosen = smoothing(activation, [weight for weight in weights if weight is not None])
    told = f"error of the products in 8 bits {100 * chosen.before:.2g} % → {100 * chosen.after:.2g} %"
    if chosen.after > GAIN * chosen.before:
        return Refusal(f"measured on the samples, it gains too little: {told}")
    return _write(graph, node, readers, chosen.factors, told)


def _write(graph: GraphView, node: Node, readers: tuple[Node, ...], factors: tuple[float, ...], told: str) -> Rewrite:
    w = Writer(graph, f"rk703/{node.outputs[0]}")
    dtype = graph.value(node.outputs[0]).dtype or "float32"
    shrink = w.constant([1 / factor for factor in factors], dtype, "shrink")
    if node.op == "LayerNormalization":
        scaled = [w.op("Mul", name, shrink) for name in node.inputs[1:] if name]
        smooth = w.op(node.op, node.inputs[0], *scaled, **node.attributes)
    elif node.op == "Add":
        constant = next(name for name in node.inputs if graph.is_constant(name))
        product = graph.producer(next(name for name in node.inputs if name != constant))
        assert product is not None  # noqa: S101 - `_is_scaled` saw it
        smooth = w.op("Add", _scaled(w, graph, product, shrink), w.op("Mul", constant, shrink))
    else:
        smooth = _scaled(w, graph, node, shrink)
    replaces = {}
    for reader in readers:
        across = bool(reader.attributes.get("transB", 0))
        grow = w.constant([list(factors)] if across else [[factor] for factor in factors], dtype, "grow")
        weight = w.op("Mul", reader.inputs[1], grow)
        replaces[reader.outputs[0]] = w.op(reader.op, smooth, weight, *reader.inputs[2:], **reader.attributes)
    return w.rewrite(replaces, Tolerance(1e-6, 1e-5), told)


def _scaled(w: Writer, graph: GraphView, product: Node, shrink: str) -> str:
    """A product with a constant by channel, the constant shrunk."""
    inputs = [w.op("Mul", name, shrink) if graph.is_constant(name) else name for name in product.inputs]
    return w.op("Mul", *inputs)


def _is_scaled(graph: GraphView, node: Node) -> bool:
    """Whether a node ends with a product by constants along its last axis: a norm, a product, or one plus a bias."""
    if node.domain not in ("", "ai.onnx") or not node.outputs or node.outputs[0] in graph.outputs:
        return False
    value = graph.value(node.outputs[0])
    if not value.is_static or not value.shape or value.dtype not in ("float32", "float16"):
        return False
    channels, rank = value.shape[-1], len(value.shape)
    if node.op == "LayerNormalization":
        named = [name for name in node.inputs[1:] if name]
        last = node.attributes.get("axis", -1) in (-1, rank - 1) and len([n for n in node.outputs if n]) == 1
        return last and all(_is_by_channel(graph, name, channels) for name in named)
    if node.op == "Mul":
        return sum(_is_by_channel(graph, name, channels) for name in node.inputs) == 1
    if node.op == "Add" and sum(_is_by_channel(graph, name, channels) for name in node.inputs) == 1:
        other = next(name for name in node.inputs if not _is_by_channel(graph, name, channels))
        maker = graph.producer(other)
        alone = graph.consumers(other) == (node,) and graph.value(other).shape == value.shape
        return maker is not None and maker.op == "Mul" and alone and _is_scaled(graph, maker)
    return False


def _is_by_channel(graph: GraphView, name: str, channels: int | str | None) -> bool:
    return graph.is_constant(name) and graph.value(name).shape == (channels,)


def _readers(graph: GraphView, node: Node) -> tuple[Node, ...]:
    """The products with constant matrices that read a result, where nothing else does."""
    name = node.outputs[0]
    readers = graph.consumers(name)
    return readers if all(_is_product(graph, reader, name) for reader in readers) else ()


def _is_product(graph: GraphView, node: Node, name: str) -> bool:
    plain = node.op == "MatMul" or (node.op == "Gemm" and not node.attributes.get("transA", 0))
    if not plain or node.domain not in ("", "ai.onnx") or node.inputs[0] != name or name in node.inputs[1:]:
        return False
    shape = graph.value(node.inputs[1]).shape
    return graph.is_constant(node.inputs[1]) and shape is not None and len(shape) == 2


def _activation(lint: LintContext, name: str) -> Array | None:
    """Rows of an activation from all samples, as many from each."""
    import numpy as np

    parts = []
    try:
        for (array,) in islice(lint.observed.arrays((name,)), SAMPLES):
            rows = array.reshape(-1, array.shape[-1])
            parts.append(rows[:: max(1, len(rows) * SAMPLES // ROWS)])
    except (RkgraphError, ValueError):
        return None
    return np.concatenate(parts) if parts else None


def _weight(lint: LintContext, reader: Node) -> Array | None:
    """The weights of a product as [channels, columns]."""
    import numpy as np

    try:
        (array,) = next(lint.observed.arrays((reader.inputs[1],)))
    except (RkgraphError, ValueError, StopIteration):
        return None
    return np.swapaxes(array, 0, 1) if reader.attributes.get("transB", 0) else array
