"""RK517: a convolution that cuts an image of few channels into large patches, which the NPU computes badly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, float_of, lower
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

MOST_CHANNELS = 4
"""Of an image: with 6 it still gained in all that was built, with 16 it moved more bytes."""

SMALLEST = 8
"""Sides of patches from which on both cycles and traffic were less in all that was built; with 4 traffic was more."""


CUT_BY_THE_COMPILER = frozenset({"2.2.0"})
"""Versions that make a product of patches by themselves."""


@dataclass(frozen=True)
class Patches:
    """A Conv whose windows of `sides` lie side by side, in two steps: first windows of `first`, then of the rest."""

    channels: int
    filters: int
    sides: tuple[int, int]
    first: tuple[int, int]

    @property
    def rest(self) -> tuple[int, int]:
        """The sides of a patch, counted in windows of the first step."""
        return self.sides[0] // self.first[0], self.sides[1] // self.first[1]

    @property
    def between(self) -> int:
        """The channels between the two steps: a window of the first step for each channel of the image."""
        return self.channels * self.first[0] * self.first[1]


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    main = lint.model.main
    if lint.table.version in CUT_BY_THE_COMPILER:
        return
    for node in main.nodes_of("Conv"):
        found = None if (main.path, node.index) in lint.folded else _patches(lint, main, node)
        if found is not None:
            (high, wide), (one, other) = found.sides, found.first
            yield Finding(
                f"patches of {high}x{wide} in {found.channels} channel{'s' * (found.channels > 1)}: the NPU multiplies "
                f"whole groups of channels, most of them empty; windows of {one}x{other} as channels first fill them",
                node=node,
                observed={"channels": found.channels, "kernel": list(found.sides)},
                limit={"channels": MOST_CHANNELS, "kernel": SMALLEST},
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Two convolutions: one with zeros and ones that makes channels of small windows, one with the weights."""
    return lower(lint, finding, "rk517", lambda graph, node, write: _write(lint, graph, node, write))


def _write(lint: LintContext, graph: GraphView, node: Node, write: Writer) -> Rewrite:
    import numpy as np

    found = _patches(lint, graph, node)
    if found is None:
        raise NotKnown(f"{node.label} is no convolution of patches any more")
    (one, other), rest, dtype = found.first, found.rest, float_of(graph, node.inputs[0])
    bounded("the windows", (found.between, found.channels, one, other))
    pick = np.eye(found.between).reshape(found.between, found.channels, one, other)
    kernel = write.constant(pick, dtype, "windows")
    windows = write.op("Conv", node.inputs[0], kernel, kernel_shape=found.first, strides=found.first)
    apart = write.reshape(node.inputs[1], (found.filters, found.channels, rest[0], one, rest[1], other))
    inside = write.transpose(apart, (0, 1, 3, 5, 2, 4))
    weights = write.reshape(inside, (found.filters, found.between, *rest))
    bias = [name for name in node.inputs[2:3] if name]
    new = write.op("Conv", windows, weights, *bias, kernel_shape=rest, strides=rest)
    # The same products, summed up in another order.
    return write.rewrite({node.outputs[0]: new}, Tolerance(1e-5, 1e-4, norm=1e-6), f"by windows of {one}x{other}")


def _patches(lint: LintContext, graph: GraphView, node: Node) -> Patches | None:
    """The patches of a Conv; None where windows overlap, are padded, small, or of many channels."""
    shape, weights = static_shape(graph, node.inputs[0]), static_shape(graph, node.inputs[1])
    if shape is None or weights is None or len(weights) != 4 or not lint.is_constant(graph, node.inputs[1]):
        return None
    given, sides = node.attributes, (weights[2], weights[3])
    plain = given.get("auto_pad", "NOTSET") in ("NOTSET", "VALID") and given.get("group", 1) == 1
    plain = plain and not any(given.get("pads") or ()) and set(given.get("dilations") or (1,)) == {1}
    if not plain or tuple(given.get("strides") or ()) != sides or shape[1] > MOST_CHANNELS or min(sides) < SMALLEST:
        return None
    first = (_first(sides[0]), _first(sides[1]))
    return Patches(shape[1], weights[0], sides, first) if min(first) > 1 else None


def _first(side: int) -> int:
    """The divisor that makes the longer of the two steps shortest, the smaller one of two; 1 for a prime."""
    divisors = [size for size in range(2, side) if side % size == 0]
    return min(divisors, key=lambda size: (max(size, side // size), size), default=1)
