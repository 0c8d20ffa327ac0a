"""RK168: Col2Im, for which the board has no kernel, as a transposed convolution or a product with zeros and ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, constant_of, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

_PLANE = 2


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Col2Im that cannot run."""
    for graph, node in needing(lint, {"Col2Im"}):
        yield not_as_it_is(lint, graph, node, "a transposed convolution adds up the same blocks")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Planes: ConvTranspose whose weight is the identity. Lines and volumes: MatMul with a constant matrix."""
    return lower(lint, finding, "rk168", _added_up)


@dataclass(frozen=True)
class _Blocks:
    """Sizes of the image, of a block, and how blocks lie in it, each by axis; pads: begins, then ends."""

    image: tuple[int, ...]
    block: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many blocks there are along each axis."""
        return tuple(self._room(axis) // self.strides[axis] + 1 for axis in range(len(self.image)))

    @property
    def left(self) -> tuple[int, ...]:
        """How many elements at the end of each axis no block reaches."""
        return tuple(self._room(axis) % self.strides[axis] for axis in range(len(self.image)))

    def _room(self, axis: int) -> int:
        padded = self.image[axis] + self.pads[axis] + self.pads[len(self.image) + axis]
        return padded - self.dilations[axis] * (self.block[axis] - 1) - 1


def _added_up(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x = node.inputs[0]
    shape, dtype, blocks = shape_of(graph, x), float_of(graph, x), _read(graph, node)
    elements, places = math.prod(blocks.block), math.prod(blocks.counts)
    if len(shape) != 3 or shape[1] % elements or shape[2] != places:
        raise NotKnown(f"{x} {shape} does not hold {places} blocks of {elements} elements")
    images = shape[0] * shape[1] // elements
    if len(blocks.image) == _PLANE:
        weight = _identity(blocks.block, elements)
        value = writer.op(
            "ConvTranspose",
            writer.reshape(x, (images, elements, *blocks.counts)),
            writer.constant(weight, dtype, "identity"),
            strides=blocks.strides,
            dilations=blocks.dilations,
            pads=blocks.pads,
            output_padding=blocks.left if any(blocks.left) else None,
        )
    else:
        bounded("the matrix", (elements, places, *blocks.image))
        flat = writer.reshape(x, (images, elements * places))
        value = writer.op("MatMul", flat, writer.constant(_matrix(blocks), dtype, "places"))
    new = writer.reshape(value, (shape[0], shape[1] // elements, *blocks.image))
    return writer.rewrite({node.outputs[0]: new}, rounding(dtype, elements), f"{places} blocks of {elements}")


def _read(graph: GraphView, node: Node) -> _Blocks:
    image = tuple(int(size) for size in constant_of(graph, node.inputs[1]))
    block = tuple(int(size) for size in constant_of(graph, node.inputs[2]))
    ones = (1,) * len(image)
    strides, dilations = (tuple(node.attributes.get(name) or ones) for name in ("strides", "dilations"))
    pads = tuple(node.attributes.get("pads") or (0,) * (2 * len(image)))
    if not len(image) == len(block) == len(strides) == len(dilations) == len(pads) // 2:
        raise NotKnown(f"the settings of {node.label} are for different numbers of axes")
    if len(image) != _PLANE and any(step != 1 for step in dilations):
        raise NotKnown("ONNX Runtime adds up dilated blocks of lines and volumes otherwise than ONNX says")
    return _Blocks(image, block, strides, dilations, pads)


def _identity(block: Sequence[int], elements: int) -> npt.NDArray[np.float64]:
    """A weight that puts element k of a block to place k: [elements, 1, *block]."""
    import numpy as np

    return np.eye(elements).reshape(elements, 1, *block)


def _matrix(blocks: _Blocks) -> npt.NDArray[np.float64]:
    """Where each element of each block goes: [elements · places, elements of the image], zeros and ones."""
    import numpy as np

    rank, counts = len(blocks.image), blocks.counts
    size = math.prod(blocks.block) * math.prod(counts)
    element = np.indices(blocks.block).reshape(rank, -1, 1)
    place = np.indices(counts).reshape(rank, 1, -1)
    steps, spread, begins = (
        np.reshape(v, (rank, 1, 1)) for v in (blocks.strides, blocks.dilations, blocks.pads[:rank])
    )
    target = (place * steps + element * spread - begins).reshape(rank, size)
    inside = ((target >= 0) & (target < np.reshape(blocks.image, (rank, 1)))).all(axis=0)
    matrix = np.zeros((size, math.prod(blocks.image)))
    rows = np.flatnonzero(inside)
    matrix[rows, np.ravel_multi_index(tuple(target[:, rows]), blocks.image)] = 1.0
    return matrix
