"""RK172: SpaceToDepth, which runs on the CPU, as a convolution that picks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import FLOATS, NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_SHARE = 32
"""How many times as many elements the image must have as the weight: then read + write grow by 1 % at most."""

_EXACT_BUT_ZEROS = Tolerance(1e-30, 1e-7)
"""Every sum has one term that is not 0; only zeros may change their sign."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each SpaceToDepth of few channels that does not run on the NPU."""
    for graph, node in needing(lint, {"SpaceToDepth"}, CANNOT_RUN | SLOW):
        if lint.judgement(node).outcome in CANNOT_RUN or _is_small(graph, node):
            yield not_as_it_is(lint, graph, node, "a Conv with a weight of zeros and ones picks the same elements")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One filter for each channel and place in a block."""
    return lower(lint, finding, "rk172", _convolved)


def _is_small(graph: GraphView, node: Node) -> bool:
    try:
        shape = shape_of(graph, node.inputs[0])
    except NotKnown:
        return False
    return graph.value(node.inputs[0]).dtype in FLOATS and _weights(shape, node) * _SHARE <= math.prod(shape)


def _weights(shape: tuple[int, ...], node: Node) -> int:
    return (shape[1] * int(node.attributes["blocksize"]) ** 2) ** 2


def _convolved(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    import numpy as np

    x, block = node.inputs[0], int(node.attributes["blocksize"])
    shape, dtype = shape_of(graph, x), float_of(graph, x)
    channels = shape[1]
    bounded("the weight", (_weights(shape, node),))
    # The result's channels count the places in a block first, then the channels: [row, column, channel].
    weight = np.eye(block * block * channels).reshape(-1, block, block, channels).transpose(0, 3, 1, 2)
    new = writer.op("Conv", x, writer.constant(weight, dtype, "picks"), strides=(block, block))
    return writer.rewrite({node.outputs[0]: new}, _EXACT_BUT_ZEROS, f"blocks of {block}×{block}")
