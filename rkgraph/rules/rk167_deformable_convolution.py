"""RK167: DeformConv, which the toolkit's ONNX Runtime does not have, as sampling and a matrix product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, float_of, input_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.sampling import sampled, weights
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

_PLANE = 2


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DeformConv that cannot run."""
    for graph, node in needing(lint, {"DeformConv"}):
        yield not_as_it_is(lint, graph, node, "its samples are sums with computed weights, and the rest is a product")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Bilinear weights of all elements for each place and element of the kernel, then one MatMul with the weight."""
    return lower(lint, finding, "rk167", _convolved)


@dataclass(frozen=True)
class _Kernel:
    """Sizes by axis, and in how many groups channels share offsets and weights."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    groups: int
    offset_groups: int


def _convolved(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, weight, offset = node.inputs[:3]
    (n, channels, *sizes), dtype = shape_of(graph, x), float_of(graph, x)
    made, *_ = shape_of(graph, weight)
    spread = shape_of(graph, node.outputs[0])[2:]
    kernel = _read(graph, node)
    if len(sizes) != _PLANE or channels % kernel.offset_groups or made % kernel.groups:
        raise NotKnown(f"{node.label} has {len(sizes)} dimensions, or groups that do not divide its channels")
    taps, places, batch = math.prod(kernel.size), math.prod(spread), n * kernel.offset_groups
    points = taps * places
    parts = writer.split(writer.reshape(offset, (batch, taps, _PLANE, places)), 2, [1] * _PLANE)
    axes = []
    for axis, part in enumerate(parts):
        at = _elements(kernel, axis, sizes[axis], spread)
        axes.append(weights(writer, writer.reshape(part, (batch, 1, points)), at, "linear", dtype))
    image = (batch, channels // kernel.offset_groups, *sizes)
    value = sampled(writer, x, image, axes, points)
    if input_of(node, 4):
        value = writer.op("Mul", value, writer.reshape(input_of(node, 4), (batch, 1, points)))
    rows = channels // kernel.groups * taps
    columns = writer.reshape(value, (n, kernel.groups, rows, places))
    matrix = writer.reshape(weight, (1, kernel.groups, made // kernel.groups, rows))
    new = writer.reshape(writer.op("MatMul", matrix, columns), (n, made, *spread))
    if input_of(node, 3):
        new = writer.op("Add", new, writer.reshape(input_of(node, 3), (1, made, 1, 1)))
    slack = 1e-5 + 2.0**-18 * max(sizes) * math.sqrt(rows)
    within = {x: Between(-8, 8), weight: Between(-4, 4), offset: Between(-64, 64)}
    return writer.rewrite(
        {node.outputs[0]: new}, Tolerance(32 * slack, slack), f"{places} places of {taps} elements", within=within
    )


def _read(graph: GraphView, node: Node) -> _Kernel:
    given = node.attributes
    size = shape_of(graph, node.inputs[1])[2:]
    ones = (1,) * len(size)
    pads = tuple(given.get("pads") or (0,) * (2 * len(size)))
    return _Kernel(
        size,
        tuple(given.get("strides") or ones),
        tuple(given.get("dilations") or ones),
        pads[: len(size)],
        int(given.get("group", 1)),
        int(given.get("offset_group", 1)),
    )


def _elements(kernel: _Kernel, axis: int, size: int, spread: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Where the elements of an axis lie, counted from where each tap of each place lies without an offset."""
    import numpy as np

    bounded("the distances of all elements", (size, *kernel.size, *spread))
    tap = np.indices(kernel.size)[axis].reshape(-1, 1) * kernel.dilations[axis]
    place = np.indices(spread)[axis].reshape(1, -1) * kernel.strides[axis] - kernel.begins[axis]
    distances: npt.NDArray[np.float64] = np.arange(size).reshape(1, size, 1) - 1.0 * (tap + place).reshape(1, 1, -1)
    return distances
