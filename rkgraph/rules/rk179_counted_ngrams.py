"""RK179: TfIdfVectorizer of whole numbers, for which the board has no kernel, counted with comparisons and products."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import MOST_NODES, bounded
from rkgraph.rulebook.known import NotKnown, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

LARGEST = 2047
"""Up to this no other whole number becomes the same one in fp16 (2049 becomes 2048)."""

_ROUNDING = Tolerance(1e-6, 1e-6)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each TfIdfVectorizer of numbers that cannot run."""
    for graph, node in needing(lint, {"TfIdfVectorizer"}):
        if node.attributes.get("pool_int64s"):
            yield not_as_it_is(lint, graph, node, "its n-grams can be counted with comparisons, products and sums")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """For each length and distance the places where all numbers of an n-gram stand are multiplied and added up."""
    return lower(lint, finding, "rk179", _count)


def _count(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    import numpy as np

    x, shape = node.inputs[0], shape_of(graph, node.inputs[0])
    if len(shape) > 2:
        raise NotKnown(f"{x} has rank {len(shape)}, and rows of numbers are counted")
    rows, length = (1, shape[0]) if len(shape) == 1 else shape
    pools = _pools(node)
    places = [int(place) for place in node.attributes["ngram_indexes"]]
    width = max(places) + 1
    counts, columns, first = [], list[int](), 0
    numbers = writer.reshape(x, (rows, length, 1))
    for size, grams in enumerate(pools, start=1):
        own = places[first : first + len(grams)]
        first += len(grams)
        least = int(node.attributes["min_gram_length"])
        if grams and least <= size <= int(node.attributes["max_gram_length"]) and size <= length:
            bounded("a comparison", (rows, length, len(grams)))
            counts.append(_of_size(writer, numbers, (rows, length), grams, _distances(node, size, length)))
            columns += own
    if not counts:
        raise NotKnown("none of its n-grams is counted: the result is always zero")
    matrix = np.zeros((len(columns), width), np.float32)
    matrix[range(len(columns)), columns] = 1.0
    found = writer.op("MatMul", writer.concat(counts, 1), writer.constant(matrix, "float32", "places"))
    result = _weighted(writer, node, found, width)
    bounded("the rewrite", (len(writer.tape.nodes),), MOST_NODES)
    new = writer.reshape(result, (width,)) if len(shape) == 1 else result
    return writer.rewrite({node.outputs[0]: new}, _ROUNDING, f"{len(columns)} n-grams counted")


def _pools(node: Node) -> list[list[tuple[int, ...]]]:
    """The n-grams by their length, from 1."""
    flat, starts = node.attributes["pool_int64s"], [*node.attributes["ngram_counts"]]
    if any(not isinstance(number, int) for number in flat):
        raise NotKnown("its pool is no list of whole numbers")
    pools = []
    for size, (begin, end) in enumerate(pairwise([*starts, len(flat)]), start=1):
        part = flat[begin:end]
        pools.append([tuple(part[i : i + size]) for i in range(0, len(part) - size + 1, size)])
    return pools


def _distances(node: Node, size: int, length: int) -> list[int]:
    """From one number of an n-gram to the next; of single numbers there is no distance."""
    most = int(node.attributes["max_skip_count"]) + 1
    return [1] if size == 1 else [d for d in range(1, most + 1) if (size - 1) * d < length]


def _of_size(
    writer: Writer, numbers: str, shape: tuple[int, int], grams: list[tuple[int, ...]], distances: list[int]
) -> str:
    """How often each n-gram stands in each row: [rows, n-grams]."""
    size = len(grams[0])
    matches = [_matches(writer, numbers, [gram[k] for gram in grams]) for k in range(size)]
    sums = []
    for distance in distances:
        last = shape[1] - (size - 1) * distance
        parts = [
            match if last == shape[1] else writer.slice(match, [1], [k * distance], [k * distance + last])
            for k, match in enumerate(matches)
        ]
        hits = parts[0]
        for part in parts[1:]:
            hits = writer.op("Mul", hits, part)
        sums.append(writer.reduce("ReduceSum", hits, [1], keepdims=False))
    total = sums[0]
    for other in sums[1:]:
        total = writer.op("Add", total, other)
    return total


def _matches(writer: Writer, numbers: str, wanted: list[int]) -> str:
    """1 where a number is the wanted one, else 0: [rows, length, n-grams]."""
    if max(map(abs, wanted)) <= LARGEST:
        apart = writer.op("Sub", writer.cast(numbers, "float32"), writer.constant([[wanted]], "float32", "wanted"))
        differs = writer.clip(writer.op("Abs", apart), "float32", 0.0, 1.0)
        return writer.op("Sub", writer.constant(1.0, "float32", "one"), differs)
    whole = writer.cast(numbers, "int64")
    return writer.cast(writer.op("Equal", whole, writer.constant([[wanted]], "int64", "wanted")), "float32")


def _weighted(writer: Writer, node: Node, counts: str, width: int) -> str:
    """The counts, or whether there are any, times the weights, as `mode` says."""
    mode = node.attributes["mode"]
    mode = mode.decode() if isinstance(mode, bytes) else mode
    weights = node.attributes.get("weights")
    if weights and (len(weights) != width or list(node.attributes["ngram_indexes"]) != list(range(width))):
        raise NotKnown("it has weights, and gives its n-grams in another order than it lists them")
    if mode == "IDF":
        counts = writer.clip(counts, "float32", 0.0, 1.0)
    if mode == "TF" or not weights:
        return counts
    return writer.op("Mul", counts, writer.constant(list(weights), "float32", "weights"))
