"""Other dtypes at the edge of a model, where the compiler does not take its own: which ones, and when that is right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.rewrite import Refusal, RetypeInterface
from rkgraph.rulebook.narrow import NARROW, carrier_of, holds

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["no_input_for", "retype_input", "retype_output"]

_TO_FLOAT32 = frozenset({"bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"})
_EIGHT_BITS = ("int8", "uint8")
_IMAGE_RANK = 4
_IMAGE_CHANNELS = (3, 4)
_ROW = 4
"""Numbers that the compiler's layout of a plane is filled up to; a plane of one number is none."""
_ON_NPU = frozenset(
    {
        *("Concat", "Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "Split", "Squeeze"),
        *("Tile", "Unsqueeze"),
    }
)
"""What reads int8 of one channel in the NPU's layout, as a Cast to floats does and a Transpose that moves nothing."""
_FLOATS = frozenset({"float16", "float32", "float64"})
_IN_FLOAT32 = frozenset({"int8", "uint8", "int16", "uint16"})


def no_input_for(graph: GraphView, name: str) -> str | None:
    """Why an 8-bit input [n, c, h, w] ends the build, in words; None if it does not, or if it is no such input.

    It is brought into the NPU's layout by a convolution (the compiler's RKNNAddFirstConv) that is there for floats
    only. A DequantizeLinear that reads the input takes it as it is, and everybody else then, too. Measured, not
    documented; without quantization only.
    """
    value = graph.value(name)
    shape = value.shape or ()
    if value.dtype not in _EIGHT_BITS or len(shape) != _IMAGE_RANK:
        return None
    readers = graph.consumers(name)
    if any(node.op == "DequantizeLinear" for node in readers):
        return None
    channels, plane = shape[1], _size(shape[2:])
    if channels in _IMAGE_CHANNELS:
        return f"with {channels} channels, an image for the compiler"
    if channels == 1:
        inside = value.dtype == "int8" and any(_reads_on_npu(graph, node) for node in readers)
        return "with 1 channel" if inside else None
    if plane is not None and plane != 1 and plane % _ROW:
        return f"with {plane} numbers a channel, no multiple of {_ROW}"
    return None


def _size(dims: tuple[int | str | None, ...]) -> int | None:
    sizes = [dim for dim in dims if isinstance(dim, int)]
    return math.prod(sizes) if len(sizes) == len(dims) else None


def _reads_on_npu(graph: GraphView, node: Node) -> bool:
    if node.domain not in ("", "ai.onnx"):
        return False
    if node.op == "Cast":
        return graph.value(node.outputs[0]).dtype in _FLOATS
    if node.op == "Transpose":
        shape, perm = graph.value(node.inputs[0]).shape or (), node.attributes.get("perm", (3, 2, 1, 0))
        moved = [axis for axis in perm if shape[axis] != 1]
        return moved == sorted(moved)
    return node.op in _ON_NPU


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
