"""RK199: attention on quantised numbers, which ONNX Runtime's quantiser makes of Attention, as attention of floats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Tolerance
from rkgraph.rulebook.dynamic_quantization import measured_floats
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, unfused
from rkgraph.rulebook.projected_attention import Projected, heads_of, projected
from rkgraph.rulebook.quantized import Quantized, dequantize, element_count, real_values, static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

X, WEIGHTS, BIAS, X_SCALE, SCALES, MASK, X_ZERO, ZEROS, PAST = range(9)  # places of inputs
# A step of 8 bits is 1/255 of the range of the activation, rounded to half of it either way.
ROUNDED = Tolerance(1e-5, 1e-4, norm=0.03)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "attention of floats takes its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Projections by weights that are dequantised, scores, mask, Softmax, and what is attended to."""
    node, graph = finding.node, lint.model.main
    floats, past = (_measured(graph, node), input_of(node, PAST)) if node is not None else ("", "")
    within = {name: Between(-1.0, 1.0) for name in (floats, past) if name}
    return unfused(lint, finding, _WRITTEN, prefix="rk199", tolerance=ROUNDED, within=within)


def _measured(graph: GraphView, node: Node) -> str:
    return measured_floats(graph, (node.inputs[X], node.inputs[X_SCALE], input_of(node, X_ZERO)))


def _attention(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    shape, sizes = static_shape(graph, node.inputs[X]), static_shape(graph, node.inputs[WEIGHTS])
    if shape is None or len(shape) != 3 or sizes is None or len(sizes) != 2:
        raise NotUnfused(f"the shape of {node.inputs[X]} or of {node.inputs[WEIGHTS]} is not static")
    if node.attributes.get("do_rotary", 0) or node.attributes.get("past_present_share_buffer", 0):
        raise NotUnfused(f"{node.label} is rotary, or writes its keys and values into what they were")
    x = Quantized(node.inputs[X], node.inputs[X_SCALE], input_of(node, X_ZERO))
    if any(name and element_count(graph, name) != 1 for name in (x.scale, x.zero)):
        raise NotUnfused(f"{x.numbers} has several scales, or their number is unknown")
    weights = Quantized(node.inputs[WEIGHTS], node.inputs[SCALES], input_of(node, ZEROS), 1)
    heads = heads_of(graph, node, x.scale)
    try:
        floats = _measured(graph, node)
        if not floats:  # DequantizeLinear makes float32 of them before opset 19
            known = heads.dtype == "float32"
            floats = real_values(graph, writer, x) if known else dequantize(graph, writer, x, heads.dtype)
        matrix = dequantize(graph, writer, weights, heads.dtype)
    except ValueError as error:
        raise NotUnfused(str(error)) from error
    mask, past = input_of(node, MASK), input_of(node, PAST)
    given = Projected(floats, matrix, node.inputs[BIAS], shape[:2], (sizes[1] // 3,) * 3, mask, past)
    return projected(graph, node, writer, given, heads)


_WRITTEN: Mapping[str, Unfuse] = {"QAttention": _attention}
