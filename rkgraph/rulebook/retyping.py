"""Other dtypes at the edge of a model, where the compiler does not take its own: which ones, and when that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.rewrite import Refusal, RetypeInterface
from rkgraph.rulebook.narrow import NARROW, carrier_of, holds

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node, Value

__all__ = ["looks_like_image", "retype_input", "retype_output"]

_TO_FLOAT32 = frozenset({"bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"})
_EIGHT_BITS = ("int8", "uint8")
_IMAGE_RANK = 4
_IMAGE_CHANNELS = (3, 4)
_FLOATS = frozenset({"float16", "float32", "float64"})
_IN_FLOAT32 = frozenset({"int8", "uint8", "int16", "uint16"})


def looks_like_image(value: Value) -> bool:
    """Whether the compiler takes an 8-bit input for an image, with a convolution behind it (its RKNNAddFirstConv)."""
    shape = value.shape or ()
    return value.dtype in _EIGHT_BITS and len(shape) == _IMAGE_RANK and shape[1] in _IMAGE_CHANNELS


def retype_input(graph: GraphView, name: str) -> RetypeInterface | Refusal:
    """The input in a dtype that holds all of its numbers: float32 where only floats come of it, else int32, int64."""
    dtype = graph.value(name).dtype or ""
    if dtype not in NARROW | _TO_FLOAT32:
        return Refusal(f"no other dtype holds all that {name} may hold as {dtype}")
    if name in graph.outputs or name in graph.captured:
        return Refusal(f"{name} is an output, too, or is read in a subgraph")
    readers = graph.consumers(name)
    stranger = next((node for node in readers if not _is_cast(node)), None)
    if stranger is not None:
        return Refusal(f"{stranger.label} ({stranger.op}) reads {name} as {dtype}")
    read_as = {graph.value(node.outputs[0]).dtype for node in readers}
    in_floats = dtype in _TO_FLOAT32 or (dtype in _IN_FLOAT32 and read_as <= _FLOATS)
    return RetypeInterface(inputs={name: "float32" if in_floats else carrier_of(dtype)})


def retype_output(graph: GraphView, name: str) -> RetypeInterface | Refusal:
    """The output in int32 or int64, which hold its numbers; a Cast has to make it, and of numbers that it can hold."""
    dtype = graph.value(name).dtype or ""
    maker = graph.producer(name)
    if maker is None or not _is_cast(maker) or dtype not in NARROW:
        return Refusal(f"{name} is {dtype}, and made by {maker.op if maker else 'nothing'}")
    if graph.consumers(name) or name in graph.captured:
        return Refusal(f"{name} is read in the model, too")
    source = graph.value(maker.inputs[0])
    if dtype != "uint64" and not holds(dtype, Intervals(graph).of(source.name)):
        return Refusal(f"{source.name} is not known to lie in the range of {dtype}")
    wider = source.dtype if source.dtype == "int64" else carrier_of(dtype)
    return RetypeInterface(outputs={name: wider})


def _is_cast(node: Node) -> bool:
    return node.op == "Cast" and node.domain in ("", "ai.onnx")
