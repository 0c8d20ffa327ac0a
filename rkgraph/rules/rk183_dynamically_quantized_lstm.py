"""RK183: ONNX Runtime's LSTM of dynamically quantised numbers, as the LSTM of floats that it was made from."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Between, Edit, Refusal, Tolerance
from rkgraph.graph.view import Dim, GraphView, Node
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import element_count
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

DOMAIN = "com.microsoft"
W, R, W_SCALE, W_ZERO, R_SCALE, R_ZERO = 1, 2, 8, 9, 10, 11  # places of inputs
# Each step rounds its state to 8 bits, and goes on from there: a difference of 1 % after a step has been measured to
# become 14 % after 20 steps, and to be nearly as large as the state after 80. Wrong weights are farther off.
ALLOWED = ((8, 0.1), (32, 0.5))  # up to so many steps, so much of the norm


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DynamicQuantizeLSTM."""
    for graph, node in needing(lint, {"DynamicQuantizeLSTM"}, domain=DOMAIN):
        yield not_as_it_is(lint, graph, node, "the LSTM of floats that it was made from takes its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The LSTM with its weights dequantised."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    named = [name for name in node.outputs if name]
    if graph.opset < 7 or len(node.inputs) <= R_ZERO:
        return Refusal(f"{node.label} lacks an input, or LSTM of opset {graph.opset} is another operator")
    writer = Writer(graph, f"rk183/{named[0]}")
    try:
        weights = [_weights(graph, node, writer, places) for places in ((W, W_SCALE, W_ZERO), (R, R_SCALE, R_ZERO))]
    except ValueError as error:
        return Refusal(str(error))
    inputs = [node.inputs[0], *weights, *node.inputs[3:8]]
    while not inputs[-1]:
        inputs.pop()
    attributes = {name: value for name, value in node.attributes.items() if name != "input_forget" or value}
    new = writer.tape.ops("LSTM", *inputs, count=len(node.outputs), **attributes)
    replaces = {old: made for old, made in zip(node.outputs, new, strict=True) if old}
    states = [name for name in (node.inputs[0], *node.inputs[5:7]) if name and not graph.is_constant(name)]
    within = {name: Between(-1.0, 1.0) for name in states}
    tolerance = Tolerance(1e-5, 1e-5, norm=_allowed(graph.value(node.inputs[0]).shape))
    return writer.rewrite(
        replaces, tolerance, "weights dequantised, activations no longer rounded to 8 bits", within=within
    )


def _allowed(shape: tuple[Dim, ...] | None) -> float:
    """How much of the norm the results may be off, for an input (T, B, I)."""
    steps = shape[0] if shape else None
    known = (norm for most, norm in ALLOWED if isinstance(steps, int) and steps <= most)
    return next(known, 1.0)


def _weights(graph: GraphView, node: Node, writer: Writer, places: tuple[int, int, int]) -> str:
    """The weights in floats, (D, 4·H, ·) as LSTM wants them; numbers, scale and zero point are at `places`.

    They are stored (D, ·, 4·H). A scale is one number a direction, (D), or one a column, (D, 4·H).
    """
    names = [node.inputs[place] for place in places]
    shapes = [graph.value(name).shape for name in names[1:]]
    count = element_count(graph, names[1])
    if count is None or any(shape is None or len(shape) not in (1, 2) for shape in shapes):
        raise ValueError(f"the shape of {names[1]} or {names[2]} is unknown")
    spread = [
        writer.unsqueeze(name, (1, 2) if len(shape or ()) == 1 else (1,))
        for name, shape in zip(names[1:], shapes, strict=True)
    ]
    whole = writer.op("Sub", writer.cast(names[0], "float32"), writer.cast(spread[1], "float32"))
    return writer.transpose(writer.op("Mul", whole, spread[0]), (0, 2, 1))
