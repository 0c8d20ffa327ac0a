"""RK193: attention and rotary embeddings that ONNX Runtime's optimiser fused, as standard operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between
from rkgraph.rulebook.attention_heads import attend, merge_heads, rotated, split_heads
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, unfused
from rkgraph.rulebook.projected_attention import Projected, heads_of, length_of, projected, score_biases
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

USUAL = Between(-8.0, 8.0)
_MASKS = {"Attention": 3, "MultiHeadAttention": 4}  # the places of the mask
_ADDED = 5  # … and of what is added to the scores as it is


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


def _attention(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x, weights, bias, mask, past, attention bias."""
    x, weights, bias, _, past = (input_of(node, place) for place in range(5))
    shape, sizes = static_shape(graph, x), static_shape(graph, weights)
    if shape is None or len(shape) != 3 or sizes is None or node.attributes.get("do_rotary", 0):
        raise NotUnfused(f"{node.label} is rotary, or the shape of {x} is not static")
    if not bias:
        raise NotUnfused(f"{node.label} has no bias, and ONNX Runtime dies of that, so that nothing can be proved")
    widths = node.attributes.get("qkv_hidden_sizes") or (sizes[1] // 3,) * 3
    mask, added = input_of(node, _MASKS[node.op]), input_of(node, _ADDED)
    given = Projected(x, weights, bias, shape[:2], widths, mask, past, added)
    return projected(graph, node, writer, given, heads_of(graph, node, weights, x))


def _multi_head(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: query, key, value, bias, key padding mask, attention bias, past key, past value."""
    query, key, value, bias, _, _, past_key, past_value = (input_of(node, place) for place in range(8))
    shapes = [static_shape(graph, name) for name in (query, key, value) if name]
    if len(shapes) != 3 or any(shape is None or len(shape) not in (3, 4) for shape in shapes) or len(node.inputs) > 8:
        raise NotUnfused(f"query, key and value of {node.label} are packed, or their shapes are not static")
    sizes = [shape for shape in shapes if shape is not None]
    heads = heads_of(graph, node, query)
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
    keys = (sizes[1][1] if len(sizes[1]) == 3 else sizes[1][2]) + (length_of(graph, past_key, 2) if past_key else 0)
    whole = (sizes[0][0], sizes[0][1], keys)
    mask, added = input_of(node, _MASKS[node.op]), input_of(node, _ADDED)
    biases = score_biases(graph, node, writer, heads, sizes=whole, mask=mask, added=added)
    attended = attend(writer, heads, qkv, widths[0] // heads.count, biases)
    made = {node.outputs[0]: merge_heads(writer, attended, widths[2])}
    return made | {name: part for name, part in zip(node.outputs[1:3], qkv[1:], strict=False) if name}


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
