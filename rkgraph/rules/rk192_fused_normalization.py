"""RK192: normalisations that ONNX Runtime's optimiser fused, as standard operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.channels_last import group_norm, skip_group_norm
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, real_dtype, unfused
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

LAYER_NORMALIZATION = 17  # the opset from which it is a standard operator


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each; ONNX Runtime has the simplified one, and LayerNormalization early, as standard ones."""
    ops = _WRITTEN.keys() - ({"LayerNormalization"} if lint.model.opset >= LAYER_NORMALIZATION else set())
    yield from found_fused(lint, ops, "it was fused out of standard operators, which take its place", standard=True)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The sum, and the normalisation of it."""
    return unfused(lint, finding, _WRITTEN, prefix="rk192")


@dataclass(frozen=True)
class _Affine:
    """What is done to the normalised: `scale`, then `bias` ("": none); `epsilon` keeps the root from being 0."""

    scale: str
    bias: str
    epsilon: float
    dtype: str


def _layer_normalization(writer: Writer, x: str, affine: _Affine) -> str:
    """Over the last axis; before opset 17 in the operators that exporters write."""
    scale, bias, epsilon, dtype = affine.scale, affine.bias, affine.epsilon, affine.dtype
    if writer.opset >= LAYER_NORMALIZATION:
        return writer.op("LayerNormalization", x, scale, *([bias] if bias else []), axis=-1, epsilon=epsilon)
    centred = writer.op("Sub", x, writer.reduce("ReduceMean", x, (-1,)))
    square = writer.op("Pow", centred, writer.constant(2.0, dtype, "two"))
    variance = writer.op("Add", writer.reduce("ReduceMean", square, (-1,)), writer.constant(epsilon, dtype, "epsilon"))
    scaled = writer.op("Mul", writer.op("Div", centred, writer.op("Sqrt", variance)), scale)
    return writer.op("Add", scaled, bias) if bias else scaled


def _rms_normalization(writer: Writer, x: str, affine: _Affine) -> str:
    """RMSNorm: x · (1 / √(mean(x^2) + epsilon)) · scale, as the compiler makes one layer of it."""
    dtype, epsilon = affine.dtype, affine.epsilon
    square = writer.op("Pow", x, writer.constant(2.0, dtype, "two"))
    mean = writer.op("Add", writer.reduce("ReduceMean", square, (-1,)), writer.constant(epsilon, dtype, "epsilon"))
    root = writer.op("Div", writer.constant(1.0, dtype, "one"), writer.op("Sqrt", mean))
    return writer.op("Mul", writer.op("Mul", x, root), affine.scale)


def _simplified(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    if node.attributes.get("axis", -1) not in (-1, len(graph.value(node.inputs[0]).shape or ()) - 1):
        raise NotUnfused(f"{node.label} is over axis {node.attributes['axis']}, and only the last one is written")
    epsilon, dtype = float(node.attributes.get("epsilon", 1e-5)), real_dtype(graph, *node.inputs)
    return {node.outputs[0]: _rms_normalization(writer, node.inputs[0], _Affine(node.inputs[1], "", epsilon, dtype))}


def _early(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """LayerNormalization before opset 17, by ONNX Runtime's own definition."""
    if node.attributes.get("axis", -1) not in (-1, len(graph.value(node.inputs[0]).shape or ()) - 1):
        raise NotUnfused(f"{node.label} is over axis {node.attributes['axis']}, and only the last one is written")
    epsilon, dtype = float(node.attributes.get("epsilon", 1e-5)), real_dtype(graph, *node.inputs)
    affine = _Affine(node.inputs[1], input_of(node, 2), epsilon, dtype)
    return {node.outputs[0]: _layer_normalization(writer, node.inputs[0], affine)}


def _skip(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x, skip, gamma, beta, bias."""
    total = writer.op("Add", *node.inputs[:2])
    if input_of(node, 4):
        total = writer.op("Add", total, node.inputs[4])
    epsilon, dtype = float(node.attributes.get("epsilon", 1e-12)), real_dtype(graph, *node.inputs[2:], *node.inputs[:2])
    normed = _layer_normalization(writer, total, _Affine(node.inputs[2], input_of(node, 3), epsilon, dtype))
    return _with_sum(node, normed, total)


def _skip_simplified(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x, skip, gamma, bias."""
    total = writer.op("Add", *node.inputs[:2])
    if input_of(node, 3):
        total = writer.op("Add", total, node.inputs[3])
    epsilon, dtype = float(node.attributes.get("epsilon", 1e-12)), real_dtype(graph, *node.inputs[2:], *node.inputs[:2])
    return _with_sum(node, _rms_normalization(writer, total, _Affine(node.inputs[2], "", epsilon, dtype)), total)


def _with_sum(node: Node, normed: str, total: str) -> Mapping[str, str]:
    """Output 0, and output 3, which is what was normalised."""
    return {node.outputs[0]: normed, **({node.outputs[3]: total} if len(node.outputs) > 3 else {})}


def _embed(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: ids, segments, words, positions, their words, gamma, beta, mask, position ids. No mask index is made."""
    ids, segments, words, positions = node.inputs[:4]
    total = writer.op("Gather", words, ids)
    length = (graph.value(ids).shape or (None,))[-1]
    if input_of(node, 8):
        total = writer.op("Add", total, writer.op("Gather", positions, node.inputs[8]))
    elif isinstance(length, int):
        total = writer.op("Add", total, writer.slice(positions, (0,), (0,), (length,)))
    else:
        raise NotUnfused(f"how many tokens {ids} has is unknown")
    if segments and node.inputs[4]:
        total = writer.op("Add", total, writer.op("Gather", node.inputs[4], segments))
    epsilon, dtype = float(node.attributes.get("epsilon", 1e-12)), real_dtype(graph, words)
    normed = _layer_normalization(writer, total, _Affine(node.inputs[5], node.inputs[6], epsilon, dtype))
    return {node.outputs[0]: normed, **({node.outputs[2]: total} if len(node.outputs) > 2 else {})}


_WRITTEN: Mapping[str, Unfuse] = {
    "EmbedLayerNormalization": _embed,
    "GroupNorm": group_norm,
    "LayerNormalization": _early,
    "SimplifiedLayerNormalization": _simplified,
    "SkipGroupNorm": skip_group_norm,
    "SkipLayerNormalization": _skip,
    "SkipSimplifiedLayerNormalization": _skip_simplified,
}
