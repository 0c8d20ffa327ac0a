"""RK182: a product of dynamically quantised numbers, which the board cannot compute, as the product of the floats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkgraph.graph.rewrite import Between, Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.dynamic_quantization import Operand, Product, read_product
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import dequantize
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

FLOATS = {"MatMulInteger": "MatMul", "ConvInteger": "Conv"}

# A step of 8 bits is 1/255 of the range of the activation, rounded to half of it either way.
ROUNDED = Tolerance(1e-5, 1e-5, norm=0.03)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each integer product whose activation is quantised while the model runs, dead or not.

    The toolkit tries dead nodes, too, and refuses the model for them.
    """
    for graph, node in needing(lint, FLOATS, dead=True):
        if isinstance(read_product(graph, node), Product):
            yield not_as_it_is(lint, graph, node, f"its activation was a float: {FLOATS[node.op]} of floats takes it")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The product of the activation itself with the weights' floats."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    product = read_product(graph, node)
    if isinstance(product, str):
        return Refusal(product)
    writer = Writer(graph, f"rk182/{product.result}")
    try:
        first, second = (_floats(graph, writer, product, operand) for operand in (product.first, product.second))
    except ValueError as error:
        return Refusal(str(error))
    new = writer.op(FLOATS[node.op], first, second, **node.attributes)
    return writer.rewrite(
        {product.result: new},
        ROUNDED,
        "weights dequantised, activations no longer rounded to 8 bits",
        within={name: Between(-1.0, 1.0) for name in product.measured},
    )


def _floats(graph: GraphView, writer: Writer, product: Product, operand: Operand) -> str:
    """The operand in floats; the scales of weights belong to what the result has last, or to its channels."""
    if operand.constant is None:
        return operand.floats
    axis = 0 if product.node.op == "ConvInteger" else -1
    return dequantize(graph, writer, replace(operand.constant, axis=axis), product.dtype)
