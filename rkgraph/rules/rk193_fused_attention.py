"""RK193: attention and rotary embeddings that ONNX Runtime's optimiser fused, as standard operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between
from rkgraph.rulebook.attention_heads import Heads, attend, causal, key_mask, merge_heads, rotated, split_heads
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, real_dtype, unfused
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

USUAL = Between(-8.0, 8.0)
_MASKS = {"Attention": 3, "MultiHeadAttention": 4}  # the places of the mask
_ADDED = {"Attention": 5, "MultiHeadAttention": 5}  # … and of what is added to the scores as it is
FILLED = -10000.0  # what masked scores get unless mask_filter_value says otherwise


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "it was fused out of standard operators, which take its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Projections, scores, mask, Softmax, and what is attended to."""
    node, graph = finding.node, lint.model.main
    hides = node is not None and (node.attributes.get("unidirectional", 0) or input_of(node, _MASKS.get(node.op, 99)))
    inputs = (
        [name for name in node.inputs if name and not graph.is_constant(name)] if node is not None and hides else []
    )
    # What is masked gets -10000, which hides scores that are numbers of a network, and not those of hostile inputs.
    within = {name: USUAL for name in inputs if str(graph.value(name).dtype).startswith("float")}
    return unfused(lint, finding, _WRITTEN, prefix="rk193", within=within)


def _heads(graph: GraphView, node: Node, *names: str) -> Heads:
    attributes = node.attributes
    filled = float(attributes.get("mask_filter_value", FILLED))
    scale = float(attributes.get("scale", 0.0))
    return Heads(int(attributes["num_heads"]), scale, filled, real_dtype(graph, *names))


def _attention(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x, weights, bias, mask, past, attention bias."""
    x, weights, bias, _, past = (input_of(node, place) for place in range(5))
    shape, sizes = static_shape(graph, x), static_shape(graph, weights)
    if shape is None or len(shape) != 3 or sizes is None or node.attributes.get("do_rotary", 0):
        raise NotUnfused(f"{node.label} is rotary, or the shape of {x} is not static")
    if not bias:
        raise NotUnfused(f"{node.label} has no bias, and ONNX Runtime dies of that, so that nothing can be proved")
    heads = _heads(graph, node, weights, x)
    widths = node.attributes.get("qkv_hidden_sizes") or (sizes[1] // 3,) * 3
    # Projections apart: a rule of rknn-toolkit2 2.3.2 breaks on one that is split behind.
    own = zip(writer.split(weights, 1, widths), writer.split(bias, 0, widths), strict=True)
    parts = [writer.op("Add", writer.op("MatMul", x, weight), offset) for weight, offset in own]
    qkv = [
        split_heads(writer, part, heads.count, size // heads.count) for part, size in zip(parts, widths, strict=True)
    ]
    if past:
        before = writer.split(past, 0, (1, 1))
        qkv[1:] = [writer.concat((writer.squeeze(old, (0,)), new), 2) for old, new in zip(before, qkv[1:], strict=True)]
    keys = shape[1] + (_length(graph, past, 3) if past else 0)
    biases = _biases(graph, node, writer, heads, (shape[0], shape[1], keys))
    attended = attend(writer, heads, qkv, widths[0] // heads.count, biases)
    made = {node.outputs[0]: merge_heads(writer, attended, widths[2])}
    if len(node.outputs) > 1 and node.outputs[1]:
        made[node.outputs[1]] = writer.concat([writer.unsqueeze(part, (0,)) for part in qkv[1:]], 0)
    return made


def _multi_head(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: query, key, value, bias, key padding mask, attention bias, past key, past value."""
    query, key, value, bias, _, _, past_key, past_value = (input_of(node, place) for place in range(8))
    shapes = [static_shape(graph, name) for name in (query, key, value) if name]
    if len(shapes) != 3 or any(shape is None or len(shape) not in (3, 4) for shape in shapes) or len(node.inputs) > 8:
        raise NotUnfused(f"query, key and value of {node.label} are packed, or their shapes are not static")
    sizes = [shape for shape in shapes if shape is not None]
    heads = _heads(graph, node, query)
    widths = [size[2] if len(size) == 3 else size[1] * size[3] for size in sizes]
    names = [query, key, value]
    if bias:
        offsets = writer.split(bias, 0, widths)
        names = [
            writer.op("Add", name, offset) if len(size) == 3 else name
            for name, offset, size in zip(names, offsets, sizes, strict=True)
        ]
    qkv = [
        split_heads(writer, name, heads.count, width // heads.count) if len(size) == 3 else name
        for name, width, size in zip(names, widths, sizes, strict=True)
    ]
    for place, old in ((1, past_key), (2, past_value)):
        if old:
            qkv[place] = writer.concat((old, qkv[place]), 2)
    keys = (sizes[1][1] if len(sizes[1]) == 3 else sizes[1][2]) + (_length(graph, past_key, 2) if past_key else 0)
    biases = _biases(graph, node, writer, heads, (sizes[0][0], sizes[0][1], keys))
    attended = attend(writer, heads, qkv, widths[0] // heads.count, biases)
    made = {node.outputs[0]: merge_heads(writer, attended, widths[2])}
    return made | {name: part for name, part in zip(node.outputs[1:3], qkv[1:], strict=False) if name}


def _biases(
    graph: GraphView,
    node: Node,
    writer: Writer,
    heads: Heads,
    sizes: tuple[int, int, int],
) -> Sequence[str]:
    """What is added to the scores: the attention bias, the mask, and what hides later keys."""
    mask, extra = input_of(node, _MASKS[node.op]), input_of(node, _ADDED[node.op])
    biases = [extra] if extra else []
    if mask:
        biases.append(key_mask(graph, writer, heads, mask, sizes))
    if node.attributes.get("unidirectional", 0):
        biases.append(causal(writer, heads, sizes[1], sizes[2]))
    return biases


def _length(graph: GraphView, name: str, axis: int) -> int:
    shape = static_shape(graph, name)
    if shape is None:
        raise NotUnfused(f"the shape of {name} is not static")
    return shape[axis]


def _rotary(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x (B, S, N·d) or (B, N, S, d), positions (B, S) or (1), cosines and sines (longest, d/2)."""
    x, positions, cosines, sines = node.inputs[:4]
    shape, table = static_shape(graph, x), static_shape(graph, cosines)
    count, part = (int(node.attributes.get(name, 0)) for name in ("num_heads", "rotary_embedding_dim"))
    if shape is None or table is None or (len(shape) == 3 and part and not count):
        raise NotUnfused(f"the shape of {x} or {cosines}, or the number of heads of {node.label} is unknown")
    turned = table[1] * 2
    width = shape[-1] // count if len(shape) == 3 and count else turned if len(shape) == 3 else shape[-1]
    places = _places(graph, writer, positions, shape[1] if len(shape) == 3 else shape[2])
    waves = [
        writer.unsqueeze(writer.op("Gather", wave, places), (2 if len(shape) == 3 else 1,)) for wave in (cosines, sines)
    ]
    apart = writer.reshape(x, (0, 0, shape[-1] // width, width)) if len(shape) == 3 else x
    rest: tuple[str, ...] = ()
    if turned < width:
        apart, *others = writer.split(apart, 3, (turned, width - turned))
        rest = tuple(others)
    interleaved = bool(node.attributes.get("interleaved", 0))
    whole = writer.concat((rotated(writer, apart, (waves[0], waves[1]), turned, interleaved=interleaved), *rest), 3)
    return {node.outputs[0]: writer.reshape(whole, (0, 0, shape[-1])) if len(shape) == 3 else whole}


def _places(graph: GraphView, writer: Writer, positions: str, steps: int) -> str:
    """The positions (B, S); where one number is given, it is that of the first step."""
    shape = static_shape(graph, positions)
    if shape != (1,):
        return positions
    return writer.op("Add", writer.reshape(positions, (1, 1)), writer.integers(range(steps), "steps"))


_WRITTEN: Mapping[str, Unfuse] = {
    "Attention": _attention,
    "MultiHeadAttention": _multi_head,
    "RotaryEmbedding": _rotary,
}
