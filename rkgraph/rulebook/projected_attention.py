"""Attention of one input to itself, its projections included: what ONNX Runtime's Attention and QAttention share.

Source: ONNX Runtime, docs/ContribOperators.md. Weights hold the columns of queries, keys and values one after the
other; past and present hold keys and values of earlier steps, (2, B, N, T, d).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rkgraph.rulebook.attention_heads import Heads, attend, causal, key_mask, merge_heads, split_heads
from rkgraph.rulebook.fused import NotUnfused, real_dtype
from rkgraph.rulebook.quantized import static_shape

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["Projected", "heads_of", "length_of", "projected", "score_biases"]

FILLED = -10000.0  # what masked scores get unless mask_filter_value says otherwise
LATER = -50000.0  # what later keys get where others are masked: both together are within fp16
LOWEST = -1.7e38  # twice that is within float32


@dataclass(frozen=True)
class Projected:
    """Names of what goes in, floats: x, weights, bias and past; of the mask, and of what is added to scores as it is.

    `sizes` are the first two of x, batch and steps; `widths` are those of queries, keys and values.
    """

    x: str
    weights: str
    bias: str
    sizes: tuple[int, int]
    widths: Sequence[int]
    mask: str = ""
    past: str = ""
    added: str = ""


def heads_of(graph: GraphView, node: Node, *names: str) -> Heads:
    """The heads that the attributes of `node` speak of, in the dtype of the values `names`."""
    filled = float(node.attributes.get("mask_filter_value", FILLED))
    scale = float(node.attributes.get("scale", 0.0))
    return Heads(int(node.attributes["num_heads"]), scale, filled, real_dtype(graph, *names))


def projected(graph: GraphView, node: Node, writer: Writer, given: Projected, heads: Heads) -> Mapping[str, str]:
    """Record projections, scores, mask, Softmax, and what is attended to.

    Returns:
        The outputs of `node`, what is attended to and the keys and values, and what replaces them.

    Raises:
        NotUnfused: the shape of mask or past is none that is known.
    """
    past, widths = given.past, given.widths
    # Projections apart: a rule of rknn-toolkit2 2.3.2 breaks on one that is split behind.
    own = zip(writer.split(given.weights, 1, widths), writer.split(given.bias, 0, widths), strict=True)
    parts = [writer.op("Add", writer.op("MatMul", given.x, weight), offset) for weight, offset in own]
    qkv = [
        split_heads(writer, part, heads.count, size // heads.count) for part, size in zip(parts, widths, strict=True)
    ]
    if past:
        before = writer.split(past, 0, (1, 1))
        qkv[1:] = [writer.concat((writer.squeeze(old, (0,)), new), 2) for old, new in zip(before, qkv[1:], strict=True)]
    batch, steps = given.sizes
    keys = steps + (length_of(graph, past, 3) if past else 0)
    biases = score_biases(graph, node, writer, heads, sizes=(batch, steps, keys), mask=given.mask, added=given.added)
    attended = attend(writer, heads, qkv, widths[0] // heads.count, biases)
    made = {node.outputs[0]: merge_heads(writer, attended, widths[2])}
    if len(node.outputs) > 1 and node.outputs[1]:
        made[node.outputs[1]] = writer.concat([writer.unsqueeze(part, (0,)) for part in qkv[1:]], 0)
    return made


def score_biases(
    graph: GraphView,
    node: Node,
    writer: Writer,
    heads: Heads,
    *,
    sizes: tuple[int, int, int],
    mask: str,
    added: str,
) -> Sequence[str]:
    """What is added to the scores of `sizes` (batch, queries, keys): `added`, the mask, and what hides later keys."""
    biases = [added] if added else []
    if mask:
        biases.append(key_mask(graph, writer, heads, mask, sizes))
    if node.attributes.get("unidirectional", 0):
        biases.append(causal(writer, _below(heads) if mask else heads, sizes[1], sizes[2]))
    return biases


def _below(heads: Heads) -> Heads:
    """Later keys far below masked ones: a query that sees masked keys only attends to them, and to no later one."""
    return replace(heads, filled=max(min(LATER, 2.0 * heads.filled), LOWEST))


def length_of(graph: GraphView, name: str, axis: int) -> int:
    """The size of one axis of a value. Raises NotUnfused where its shape is not static."""
    shape = static_shape(graph, name)
    if shape is None:
        raise NotUnfused(f"the shape of {name} is not static")
    return shape[axis]
