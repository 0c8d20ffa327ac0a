"""RK197: a convolution of a signal with long kernels, which the compiler cuts into many layers, as one product."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.framing import Framing, frames
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

LONGEST = 16  # the longest kernel that the compiler does not cut
ALIGNED = 8  # blocks of other sizes are put together on the CPU
MOST_BLOCKS = 40


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each convolution of a one-channel signal with kernels of more than 16 samples and a stride."""
    for graph in lint.model.graphs():
        if "Conv" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            framing = _framing(graph, node)
            if framing is not None:
                yield Finding(
                    f"kernels of {framing.length} samples are cut into pieces of 16, each a layer and a sum of its own",
                    graph=graph.path,
                    node=node,
                    observed={"kernel": framing.length, "stride": framing.step},
                    limit={"kernel": LONGEST},
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Frames put together from blocks of one stride, times the kernels as a matrix."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    framing, weights = _framing(graph, node), static_shape(graph, node.inputs[1])
    if framing is None or weights is None:
        return Refusal("it is no convolution of a signal any more")
    writer = Writer(graph, f"rk197/{node.outputs[0]}")
    dtype, (begin, end) = graph.value(node.inputs[0]).dtype or "float32", _pads(node)
    signal = writer.reshape(node.inputs[0], (framing.batch, framing.samples - begin - end))
    if begin or end:
        signal = writer.pad(signal, dtype, (0, begin, 0, end))
    kernels = writer.transpose(writer.reshape(node.inputs[1], (weights[0], framing.length)), (1, 0))
    product = writer.op("MatMul", frames(writer, framing, signal, dtype), kernels)
    if len(node.inputs) > 2 and node.inputs[2]:
        product = writer.op("Add", product, node.inputs[2])
    # The same products, summed up in another order.
    result = {node.outputs[0]: writer.transpose(product, (0, 2, 1))}
    return writer.rewrite(result, Tolerance(1e-5, 1e-4, norm=1e-6), f"{framing.count} frames in one product")


def _pads(node: Node) -> tuple[int, int]:
    begin, end = node.attributes.get("pads") or (0, 0)
    return int(begin), int(end)


def _framing(graph: GraphView, node: Node) -> Framing | None:
    """The frames that `node` multiplies; None where it is no such convolution, or gains nothing."""
    if node.op != "Conv" or node.domain not in ("", "ai.onnx"):
        return None
    shape, weights = static_shape(graph, node.inputs[0]), static_shape(graph, node.inputs[1])
    attributes = node.attributes
    if shape is None or weights is None or len(shape) != 3 or shape[1] != 1 or weights[1] != 1:
        return None
    plain = attributes.get("auto_pad", "NOTSET") in ("NOTSET", "VALID") and attributes.get("group", 1) == 1
    if not plain or tuple(attributes.get("dilations") or (1,)) != (1,) or not graph.is_constant(node.inputs[1]):
        return None
    step = int((attributes.get("strides") or (1,))[0])
    framing = Framing(shape[0], shape[2] + sum(_pads(node)), step, weights[2])
    long = framing.length > LONGEST and step % ALIGNED == 0 and framing.samples >= framing.length
    return framing if long and framing.blocks <= MOST_BLOCKS else None
