"""RK200: lookups in tables of few bits, as Gather on the floats that those stand for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.copies import CopiedTensor, where
from rkgraph.graph.rewrite import EXACT, Between
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, unfused
from rkgraph.rulebook.packed_weights import apart
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

NUMBERS, INDICES, SCALES, ZEROS = range(4)  # places of inputs
BITS, BLOCK = 4, 128  # unless attributes say otherwise
SIGN = 8.0  # of int4: from here on a number of four bits stands for itself less 16


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "Gather on the table of floats takes its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The whole table dequantised, by arithmetic on constants, and Gather."""
    node, graph = finding.node, lint.model.main
    within: dict[str, Between] = {}
    if node is not None and not graph.is_constant(node.inputs[INDICES]):
        shape = static_shape(graph, node.inputs[NUMBERS])
        axis = int(node.attributes.get("gather_axis", 0))
        if shape is not None and -len(shape) <= axis < len(shape):
            # Behind the end ONNX Runtime gives zeros, and Gather is not defined.
            within = {node.inputs[INDICES]: Between(-shape[axis], shape[axis] - 1, integer=True)}
    return unfused(lint, finding, _WRITTEN, prefix="rk200", tolerance=EXACT, within=within)


@dataclass(frozen=True)
class _Table:
    """What is stored: `shape` counts numbers, of which `each` share a byte along the last axis (int4, uint4: 1).

    Along `axis` there are blocks of `size`; `dtype` is that of the scales.
    """

    shape: tuple[int, ...]
    each: int
    axis: int
    size: int
    dtype: str

    @property
    def of_blocks(self) -> tuple[int, ...]:
        """The shape of what each block has one of."""
        return (*self.shape[: self.axis], -(-self.shape[self.axis] // self.size), *self.shape[self.axis + 1 :])


def _lookup(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    table, kind = _table(graph, node), graph.value(node.inputs[NUMBERS]).dtype
    gathered = int(node.attributes.get("gather_axis", 0)) % len(table.shape)
    numbers = _floats(graph, writer, node.inputs[NUMBERS], table, table.shape)
    if input_of(node, ZEROS):
        zeros = _floats(graph, writer, node.inputs[ZEROS], table, table.of_blocks)
        numbers = writer.op("Sub", numbers, _spread(writer, zeros, table))
    elif kind == "uint8":
        middle = writer.constant(float(2 ** (8 // table.each - 1)), table.dtype, "middle")
        numbers = writer.op("Sub", numbers, middle)
    real = writer.op("Mul", numbers, _spread(writer, node.inputs[SCALES], table))
    return {node.outputs[0]: writer.op("Gather", real, node.inputs[INDICES], axis=gathered)}


def _table(graph: GraphView, node: Node) -> _Table:
    """What the node looks up in. Raises NotUnfused where it is unknown, or of another kind."""
    numbers, scales, attributes = node.inputs[NUMBERS], node.inputs[SCALES], node.attributes
    stored, kind, bits = static_shape(graph, numbers), graph.value(numbers).dtype, int(attributes.get("bits", BITS))
    size, axis = int(attributes.get("block_size", BLOCK)), int(attributes.get("quantize_axis", 1))
    if kind not in ("uint8", "int4", "uint4") or (bits not in (2, 4, 8) if kind == "uint8" else bits != BITS):
        raise NotUnfused(f"the table of {node.label} is {kind} of {bits} bits")
    if not stored or size < 1 or not -len(stored) <= axis < len(stored):
        raise NotUnfused(f"the table of {node.label} is {stored}, in blocks of {size} along axis {axis}")
    each = 8 // bits if kind == "uint8" else 1
    shape = (*stored[:-1], stored[-1] * each)
    table = _Table(shape, each, axis % len(shape), size, graph.value(scales).dtype or "float32")
    if static_shape(graph, scales) != table.of_blocks:
        raise NotUnfused(f"the scales of {node.label} are {static_shape(graph, scales)}, not {table.of_blocks}")
    return table


def _spread(writer: Writer, name: str, table: _Table) -> str:
    """What each block has one of, for each of its numbers."""
    places = [at // table.size for at in range(table.shape[table.axis])]
    return writer.op("Gather", name, writer.integers(places, "blocks"), axis=table.axis)


def _floats(graph: GraphView, writer: Writer, name: str, table: _Table, shape: tuple[int, ...]) -> str:
    """The numbers of the table, or the zero points, as floats of `shape`. Numbers in uint8 fill bytes row by row."""
    kind, stored = graph.value(name).dtype, static_shape(graph, name)
    if kind == "uint8" and stored == (*shape[:-1], -(-shape[-1] // table.each)):
        row = (*stored[:-1], stored[-1] * table.each)
        whole = writer.reshape(apart(writer, name, 8 // table.each, table.dtype, stored), row)
        return whole if row == shape else writer.slice(whole, (len(shape) - 1,), (0,), (shape[-1],))
    if kind not in ("int4", "uint4") or stored != shape or graph.producer(name) or not graph.is_constant(name):
        raise NotUnfused(f"{name} is {kind} {stored}, where numbers {shape} are wanted")
    count = math.prod(shape)
    octets = -(-count // 2)
    copied = writer.tape.copied_constant(CopiedTensor(where(graph), name, as_bytes=True))
    flat = writer.reshape(apart(writer, copied, BITS, table.dtype, (octets,)), (2 * octets,))
    numbers = writer.reshape(flat if 2 * octets == count else writer.slice(flat, (0,), (0,), (count,)), shape)
    if kind == "uint4":
        return numbers
    negative = writer.op("Floor", writer.op("Div", numbers, writer.constant(SIGN, table.dtype, "sign")))
    return writer.op("Sub", numbers, writer.op("Mul", negative, writer.constant(2 * SIGN, table.dtype, "period")))


_WRITTEN: Mapping[str, Unfuse] = {"GatherBlockQuantized": _lookup}
