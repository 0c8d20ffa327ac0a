"""RK198: random numbers, which the board cannot draw, as an input that the host draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, AddInput, Edit, Refusal
from rkgraph.graph.tensors import DTYPES
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

NORMAL, UNIFORM, GUMBEL = "standard normal", "uniform from 0 to 1", "-log(-log(u)), u uniform from 0 to 1"
FLOATS = frozenset({"float16", "float32", "float64"})
LESS = 9  # the opset from which Less takes all floats and broadcasts

_Draw = Callable[["GraphView", "Node", Writer, str], str]
"""Records what the operator makes of the numbers of the given name; the new value. Raises ValueError."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    for graph, node in needing(lint, _DRAWN):
        yield not_as_it_is(lint, graph, node, "the host has to draw its numbers, and give them as an input")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One more input, of plain random numbers, and the arithmetic that makes of them what the operator draws."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    numbers, draw = _DRAWN[node.op]
    shape = _shape(graph, node)
    if shape is None or graph.opset < LESS:
        return Refusal(f"the shape of {node.outputs[0]} is not static, or opset {graph.opset} is too old")
    taken = {name for each in graph.nodes for name in (*each.inputs, *each.outputs)} | set(graph.inputs)
    stem = f"noise_{node.outputs[0].strip('/').replace('/', '_')}"
    name = next(free for free in (stem, *(f"{stem}_{n}" for n in range(len(taken) + 1))) if free not in taken)
    writer = Writer(graph, f"rk198/{node.outputs[0]}")
    try:
        new = draw(graph, node, writer, name)
    except ValueError as error:
        return Refusal(str(error))
    told = f"feed {numbers} numbers, new ones in each run; a seed of the model no longer counts"
    return AddInput(name, "float32", shape, writer.rewrite({node.outputs[0]: new}, EXACT, told))


def _shape(graph: GraphView, node: Node) -> tuple[int, ...] | None:
    """The shape of the numbers that are to be fed."""
    shape = static_shape(graph, node.outputs[0])
    source = static_shape(graph, node.inputs[0]) if node.inputs else None
    if node.op == "Multinomial":
        return None if source is None else (source[0], int(node.attributes.get("sample_size", 1)), source[1])
    return shape if shape is not None else source


def _dtype(graph: GraphView, node: Node, default: str) -> str:
    """What the operator draws: its attribute, else the dtype of its input, else `default`."""
    code = node.attributes.get("dtype")
    own = graph.value(node.inputs[0]).dtype if node.inputs else None
    return DTYPES[code] if isinstance(code, int) and code in DTYPES else own or default


def _moved(graph: GraphView, node: Node, writer: Writer, name: str, numbers: tuple[float, float]) -> str:
    """So many times what is fed, plus so much, as floats of the operator's dtype."""
    dtype = _dtype(graph, node, "float32")
    if dtype not in FLOATS:
        raise ValueError(f"{node.label} draws {dtype}")
    scaled = writer.op("Mul", name, writer.constant(numbers[0], "float32", "scale"))
    moved = writer.op("Add", scaled, writer.constant(numbers[1], "float32", "shift"))
    return moved if dtype == "float32" else writer.cast(moved, dtype)


def _normal(graph: GraphView, node: Node, writer: Writer, name: str) -> str:
    numbers = float(node.attributes.get("scale", 1.0)), float(node.attributes.get("mean", 0.0))
    return _moved(graph, node, writer, name, numbers)


def _uniform(graph: GraphView, node: Node, writer: Writer, name: str) -> str:
    low, high = float(node.attributes.get("low", 0.0)), float(node.attributes.get("high", 1.0))
    return _moved(graph, node, writer, name, (high - low, low))


def _bernoulli(graph: GraphView, node: Node, writer: Writer, name: str) -> str:
    """1 where the number that was drawn is below the probability."""
    chances = node.inputs[0]
    if graph.value(chances).dtype != "float32":
        chances = writer.cast(chances, "float32")
    return writer.cast(writer.op("Less", name, chances), _dtype(graph, node, "float32"))


def _multinomial(graph: GraphView, node: Node, writer: Writer, name: str) -> str:
    """Of log-probabilities plus Gumbel noise the largest is distributed as they say (the Gumbel-max trick)."""
    chances = node.inputs[0]
    if graph.value(chances).dtype != "float32":
        chances = writer.cast(chances, "float32")
    noisy = writer.op("Add", writer.unsqueeze(chances, (1,)), name)
    drawn = writer.op("ArgMax", noisy, axis=2, keepdims=0)
    code = node.attributes.get("dtype", 6)
    return drawn if DTYPES.get(code) == "int64" else writer.cast(drawn, "int32")


_DRAWN: Mapping[str, tuple[str, _Draw]] = {
    "Bernoulli": (UNIFORM, _bernoulli),
    "Multinomial": (GUMBEL, _multinomial),
    "RandomNormal": (NORMAL, _normal),
    "RandomNormalLike": (NORMAL, _normal),
    "RandomUniform": (UNIFORM, _uniform),
    "RandomUniformLike": (UNIFORM, _uniform),
}
