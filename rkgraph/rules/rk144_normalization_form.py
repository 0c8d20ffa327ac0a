"""RK144: normalisations that the board has no kernel for, or that do not build in this form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, axis_of, float_of, input_of, is_live, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.normalising import moments, normalised, per_channel
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

PER_CHANNEL = 21  # GroupNormalization has a scale for each channel since this opset; before, for each group
MVN_EPSILON = 0.0  # ONNX Runtime adds none; the standard adds 1e-9 to the deviation, which no fp16 holds


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live normalisation that cannot run as it is."""
    for graph, node in needing(lint, _WRITE):
        yield not_as_it_is(lint, graph, node, "it can be one of the norms that the NPU has")
    for graph, node in needing(lint, ("LayerNormalization",), frozenset({"npu"})):
        trouble = _trouble_of_layer(graph, node)
        if trouble:
            yield Finding(
                f"LayerNormalization {trouble}",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "outputs": len(node.outputs)},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the normalisation as InstanceNormalization, LayerNormalization or plain arithmetic."""
    return lower(lint, finding, "rk144", _write)


def _trouble_of_layer(graph: GraphView, node: Node) -> str:
    """What ends the build of a LayerNormalization of constant scale, although the op table has no word on it."""
    if "axis" not in node.attributes:
        return "leaves out axis, which the toolkit looks for without a default: KeyError: 'LayerNormalization'"
    if any(is_live(graph, name) for name in node.outputs[1:]):
        return "hands out mean or deviation, which the compiler drops without a word"
    return ""


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    replaces = _WRITE[node.op](graph, node, write)
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    return write.rewrite(replaces, rounding(dtype, math.prod(shape)), f"{node.op} as the compiler takes it")


def _group(graph: GraphView, node: Node, write: Writer) -> dict[str, str]:
    x, scale, bias = node.inputs[:3]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    groups = int(node.attributes.get("num_groups", 0))
    if len(shape) < 3 or groups < 1 or shape[1] % groups:
        raise NotKnown(f"{node.label} makes {groups} groups of {shape[1:2]} channels")
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    grouped = (shape[0], groups, math.prod(shape[1:]) // groups)
    rows = write.reshape(x, grouped)
    if graph.opset < PER_CHANNEL:
        normed = normalised(write, rows, dtype, grouped, kept=(0, 1), epsilon=epsilon)
        return {node.outputs[0]: write.reshape(per_channel(write, normed, 3, scale, bias), shape)}
    normed = write.reshape(normalised(write, rows, dtype, grouped, kept=(0, 1), epsilon=epsilon), shape)
    return {node.outputs[0]: per_channel(write, normed, len(shape), scale, bias)}


def _mean_variance(graph: GraphView, node: Node, write: Writer) -> dict[str, str]:
    x = node.inputs[0]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    named = node.attributes.get("axes", (0, 2, 3))
    if any(not -len(shape) <= axis < len(shape) for axis in named):
        raise NotKnown(f"{node.label} names the axes {list(named)} of a value of rank {len(shape)}")
    kept = [axis for axis in range(len(shape)) if axis not in {a % len(shape) for a in named}]
    return {node.outputs[0]: normalised(write, x, dtype, shape, kept=kept, epsilon=MVN_EPSILON)}


def _batch(graph: GraphView, node: Node, write: Writer) -> dict[str, str]:
    x, scale, bias, mean, variance = node.inputs[:5]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    if len(shape) < 2:
        raise NotKnown(f"{x} has the shape {shape}: there is no axis of channels")
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    if node.attributes.get("training_mode", 0):
        return _batch_in_training(graph, node, write, epsilon)
    if any(is_live(graph, name) for name in node.outputs[1:]):
        raise NotKnown(f"{node.label} of opset {graph.opset} has statistics as outputs: it works as in training")
    if not node.attributes.get("spatial", 1):
        raise NotKnown(f"{node.label} has statistics for each place (spatial = 0)")
    root = write.op("Sqrt", write.op("Add", variance, write.constant(epsilon, dtype, "epsilon")))
    factor = write.op("Div", scale, root)
    offset = write.op("Sub", bias, write.op("Mul", mean, factor))
    return {node.outputs[0]: per_channel(write, x, len(shape), factor, offset)}


def _batch_in_training(graph: GraphView, node: Node, write: Writer, epsilon: float) -> dict[str, str]:
    """The batch's own statistics; running ones are momentum · old + (1 − momentum) · the batch's."""
    x, scale, bias, *running = node.inputs[:5]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    normed = normalised(write, x, dtype, shape, kept=(1,), epsilon=epsilon)
    replaces = {node.outputs[0]: per_channel(write, normed, len(shape), scale, bias)}
    live = [name for name in node.outputs[1:] if is_live(graph, name)]
    if len(node.outputs) > 3 and any(is_live(graph, name) for name in node.outputs[3:]):
        raise NotKnown(f"{node.label} hands out saved statistics")
    if live:
        momentum = float(node.attributes.get("momentum", 0.9))
        flat = write.reshape(x, (shape[0], shape[1], math.prod(shape[2:])))
        batch = moments(write, flat, dtype, (0, 2), epsilon)
        old, new = (write.constant(share, dtype, "momentum") for share in (momentum, 1.0 - momentum))
        for output, before, now in zip(node.outputs[1:3], running, (batch.mean, batch.variance), strict=False):
            if output in live:
                share = write.op("Mul", write.reshape(now, (shape[1],)), new)
                replaces[output] = write.op("Add", write.op("Mul", before, old), share)
    return replaces


def _layer(graph: GraphView, node: Node, write: Writer) -> dict[str, str]:
    x, scale, bias = node.inputs[0], node.inputs[1], input_of(node, 2)
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    axis = axis_of(node, len(shape), -1)
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    outer, width = math.prod(shape[:axis]), math.prod(shape[axis:])
    flat = x if shape == (outer, width) else write.reshape(x, (outer, width))
    last = len(shape) - 1
    if axis == last and {"axis", "epsilon"} <= set(node.attributes) and not any(node.outputs[1:]):
        raise NotKnown(f"{node.label} is in the form that the compiler takes")
    if any(shape_of(graph, name) != shape[axis:] for name in (scale, bias) if name):
        raise NotKnown(f"scale or bias of {node.label} is not of the shape {shape[axis:]}")
    factors = [write.reshape(name, (width,)) if axis < last else name for name in (scale, bias) if name]
    normed = write.op("LayerNormalization", flat, *factors, axis=-1, epsilon=epsilon)
    replaces = {node.outputs[0]: normed if shape == (outer, width) else write.reshape(normed, shape)}
    if any(is_live(graph, name) for name in node.outputs[1:]):
        # of the value as it is: where a Reshape follows the mean of a flat one, the toolkit drops that output
        found = moments(write, x, dtype, range(axis, len(shape)), epsilon)
        pairs = zip(node.outputs[1:], (found.mean, found.inverse), strict=False)
        replaces |= {output: value for output, value in pairs if is_live(graph, output)}
    return replaces


_WRITE: Mapping[str, Callable[[GraphView, Node, Writer], dict[str, str]]] = {
    "BatchNormalization": _batch,
    "GroupNormalization": _group,
    "LayerNormalization": _layer,
    "MeanVarianceNormalization": _mean_variance,
}
