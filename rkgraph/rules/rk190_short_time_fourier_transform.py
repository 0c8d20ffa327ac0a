"""RK190: STFT, which the toolkit does not build, as frames made of blocks and one product with a constant matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.fourier import frequencies, transform
from rkgraph.rulebook.framing import Framing, frames
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

MOST_ELEMENTS = 2**23  # of the matrix
MOST_BLOCKS = 128  # that make up a frame
# ONNX Runtime's own transform of lengths that are no powers of 2 is right to five digits of the norm.
ROUNDED = Tolerance(1e-6, 1e-5, norm=1e-4)


@dataclass(frozen=True)
class _Spectra:
    """The transforms of all frames, under a window ("": none)."""

    framing: Framing
    window: str
    onesided: bool


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each STFT that cannot run."""
    for graph, node in needing(lint, {"STFT"}):
        yield not_as_it_is(lint, graph, node, "it is a product of its frames with a constant matrix")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Frames as slices of blocks, joined, times sines and cosines under the window."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    read = _read(graph, node)
    if isinstance(read, str):
        return Refusal(read)
    framing = read.framing
    bins = frequencies(framing.length, onesided=read.onesided)
    if framing.length * bins * 2 > MOST_ELEMENTS or framing.blocks > MOST_BLOCKS:
        return Refusal(
            f"frames of {framing.length} samples, {framing.step} apart, take too large a matrix or too many blocks"
        )
    writer = Writer(graph, f"rk190/{node.outputs[0]}")
    dtype = graph.value(node.inputs[0]).dtype or "float32"
    matrix = writer.constant(transform(framing.length, framing.length, onesided=read.onesided), dtype, "transform")
    if read.window:
        matrix = writer.op("Mul", matrix, writer.reshape(read.window, (framing.length, 1)))
    signal = writer.reshape(node.inputs[0], (framing.batch, framing.samples))
    product = writer.op("MatMul", frames(writer, framing, signal, dtype), matrix)
    result = writer.reshape(product, (framing.batch, framing.count, bins, 2))
    return writer.rewrite({node.outputs[0]: result}, ROUNDED, f"{framing.count} frames, {bins} frequencies")


def _read(graph: GraphView, node: Node) -> _Spectra | str:
    """The framing, or why it is not known."""
    shape = static_shape(graph, node.inputs[0])
    if shape is None or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 1):
        return f"the shape of {node.inputs[0]} is not static, or not a real signal's"
    inputs = (*node.inputs, "", "")
    window, step = inputs[2], scalar(graph, inputs[1])
    length = scalar(graph, inputs[3]) if inputs[3] else None
    sizes = static_shape(graph, window) if window else None
    if length is None and sizes:
        length = float(sizes[0])
    if step is None or length is None or step < 1 or not 1 <= length <= shape[1]:
        return f"the step or the length of the frames of {node.label} is not constant, or does not fit the signal"
    if sizes is not None and sizes != (int(length),):
        return f"the window {window} has shape {sizes}, and the frames have {int(length)} samples"
    return _Spectra(
        Framing(shape[0], shape[1], int(step), int(length)), window, bool(node.attributes.get("onesided", 1))
    )
