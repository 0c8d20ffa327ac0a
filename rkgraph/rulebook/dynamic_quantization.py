"""Products of dynamically quantised numbers, read back as products of floats.

A dynamically quantised model measures the range of each activation while it runs (DynamicQuantizeLinear), multiplies
8-bit numbers, and multiplies the result by both scales. As floats it is the product of the activation itself with the
weights' floats, which are exact; what the activation loses by being rounded to 8 bits is what the result differs in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.quantized import Quantized

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Operand", "Product", "measured_floats", "read_product"]


@dataclass(frozen=True)
class Operand:
    """One side of a product: the `floats` that were quantised, or else the constant that is to be dequantised."""

    floats: str = ""
    constant: Quantized | None = None


@dataclass(frozen=True)
class Product:
    """A product of two operands; `result` is the value in floats, both scales multiplied in."""

    node: Node
    first: Operand
    second: Operand
    result: str
    dtype: str

    @property
    def measured(self) -> tuple[str, ...]:
        """The activations that were quantised."""
        return tuple(dict.fromkeys(o.floats for o in (self.first, self.second) if o.floats))


def read_product(graph: GraphView, node: Node) -> Product | str:
    """The product that a MatMulInteger or ConvInteger and what is behind it make up, or why it is none."""
    numbers = node.outputs[0]
    cast = _only_reader(graph, numbers, "Cast")
    scaled = None if cast is None else _only_reader(graph, cast.outputs[0], "Mul")
    if cast is None or scaled is None:
        return f"what {node.label} makes is not only cast to floats and scaled"
    factor = next((name for name in scaled.inputs if name != cast.outputs[0]), "")
    scales = graph.producer(factor)
    if scales is None or scales.op != "Mul" or len(scales.inputs) != 2:
        return f"{factor} is not the product of two scales"
    sides = [(node.inputs[0], _at(node, 2)), (node.inputs[1], _at(node, 3))]
    for own, other in (tuple(scales.inputs), tuple(reversed(scales.inputs))):
        operands = [_operand(graph, *sides[0], own), _operand(graph, *sides[1], other)]
        found = [operand for operand in operands if operand is not None]
        if len(found) == 2 and any(operand.floats for operand in found):
            dtype = graph.value(scaled.outputs[0]).dtype or "float32"
            return Product(node, found[0], found[1], scaled.outputs[0], dtype)
    return f"the scales behind {node.label} are not those of its operands"


def measured_floats(graph: GraphView, quantized: tuple[str, str, str]) -> str:
    """What DynamicQuantizeLinear made the (numbers, scale, zero point) of; "" where it did not, or not all of them."""
    source = graph.producer(quantized[0])
    whole = source is not None and source.op == "DynamicQuantizeLinear" and tuple(source.outputs) == quantized
    return source.inputs[0] if source is not None and whole else ""


def _operand(graph: GraphView, numbers: str, zero: str, scale: str) -> Operand | None:
    """The operand that is quantised by this scale; None if it is not."""
    source = graph.producer(numbers)
    if source is not None and source.op == "DynamicQuantizeLinear":
        whole = tuple(source.outputs) == (numbers, scale, zero)
        return Operand(floats=source.inputs[0]) if whole else None
    if not graph.is_constant(numbers) or not graph.is_constant(scale) or (zero and not graph.is_constant(zero)):
        return None
    return Operand(constant=Quantized(numbers, scale, zero))


def _only_reader(graph: GraphView, name: str, op: str) -> Node | None:
    readers: Sequence[Node] = graph.consumers(name)
    alone = len(readers) == 1 and name not in graph.outputs and name not in graph.captured
    return readers[0] if alone and readers[0].op == op else None


def _at(node: Node, place: int) -> str:
    return node.inputs[place] if len(node.inputs) > place else ""
