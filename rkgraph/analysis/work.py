"""Coarse estimates of what nodes and values cost, in microseconds, for choosing where to cut a model.

Only their ratios matter. The figures are those of an RK3588, fp16, one NPU core, four large CPU cores: users measured
about 19 µs for each layer of a graph of many small ones, and a few 100 GMAC/s in convolutions; a vector unit of the CPU
reaches about a twentieth of that. A tensor that crosses is converted, copied, and waited for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from rkgraph.graph.view import GraphView, Node

__all__ = [
    "MOVES",
    "RENAMES",
    "STAGE",
    "byte_size",
    "crossing_time",
    "host_time",
    "multiplications",
    "npu_time",
    "works",
]

STAGE = 1000.0
"""A further model on the NPU: its own buffers, a call of the runtime, and room for its weights."""

_LAYER, _CALL, _RENAMING, _CROSSING = 20.0, 25.0, 2.0, 100.0
_NPU_MACS, _HOST_MACS = 400e3, 20e3  # in a microsecond
_NPU_BYTES, _HOST_BYTES, _CROSSING_BYTES = 8e3, 4e3, 2e3  # in a microsecond
_RELIEVED = 2.5
"""How much more the host's time counts: it has other things to do, which is what the NPU is for."""

_CONVERTED = 3.0
"""As often whole numbers and truth values are moved: they are taken over and converted by layers on the CPU."""

MOVES = frozenset(
    {
        "Cast", "CastLike", "Concat", "Constant", "ConstantOfShape", "DepthToSpace", "Dropout", "Expand", "EyeLike",
        "Flatten", "Gather", "Identity", "Pad", "Range", "Reshape", "Shape", "Size", "Slice", "SpaceToDepth", "Split",
        "Squeeze", "Tile", "Transpose", "Unsqueeze",
    }
)  # fmt: skip
"""Operators that copy, rename or convert elements and compute none."""

RENAMES = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators for which ONNX Runtime moves nothing; on the NPU they may turn a whole tensor around."""

_SIZES: Mapping[str, float] = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int64": 8, "uint64": 8,
    "float64": 8, "int4": 0.5, "uint4": 0.5,
}  # fmt: skip


def works(node: Node) -> bool:
    """Whether the node computes something."""
    return node.op not in MOVES


def byte_size(graph: GraphView, name: str) -> float:
    """The bytes of a value; of a dimension that is not known it is taken to be 1."""
    value = graph.value(name)
    elements = math.prod(size for size in value.shape or () if isinstance(size, int))
    return elements * _SIZES.get(value.dtype or "", 4)


def multiplications(graph: GraphView, node: Node) -> float:
    """The multiplications of matrix products and convolutions; 0 for all else."""
    count = _MULTIPLICATIONS.get(node.op)
    return 0.0 if count is None or node.domain not in ("", "ai.onnx") else count(graph, node)


def npu_time(graph: GraphView, node: Node, *, falls: bool = False) -> float:
    """Microseconds of the node as a layer of its own on the NPU; `falls`: the runtime computes it on its CPU."""
    if falls:
        return host_time(graph, node) + _CROSSING
    return _LAYER + multiplications(graph, node) / _NPU_MACS + _traffic(graph, node) / _NPU_BYTES


def host_time(graph: GraphView, node: Node) -> float:
    """Microseconds of the node in ONNX Runtime, and what it costs besides that the host is busy meanwhile."""
    if node.op in RENAMES:
        return _RENAMING
    time = _CALL + multiplications(graph, node) / _HOST_MACS + _traffic(graph, node) / _HOST_BYTES
    return _RELIEVED * time


def crossing_time(graph: GraphView, name: str) -> float:
    """Microseconds for a value to go from one device to the other."""
    time = _CROSSING + byte_size(graph, name) / _CROSSING_BYTES
    return time if (graph.value(name).dtype or "").startswith("float") else _CONVERTED * time


def _traffic(graph: GraphView, node: Node) -> float:
    computed = (name for name in node.inputs if name and not graph.is_constant(name))
    return sum(byte_size(graph, name) for name in (*computed, *filter(None, node.outputs)))


def _shape(graph: GraphView, node: Node, position: int) -> tuple[int, ...]:
    name = node.inputs[position] if position < len(node.inputs) else ""
    shape = graph.value(name).shape if name else None
    return tuple(size if isinstance(size, int) else 1 for size in shape or ())


def _elements(graph: GraphView, node: Node) -> int:
    shape = graph.value(node.outputs[0]).shape if node.outputs and node.outputs[0] else None
    return math.prod(size for size in shape or () if isinstance(size, int))


def _of_convolution(graph: GraphView, node: Node) -> float:
    return float(_elements(graph, node) * math.prod(_shape(graph, node, 1)[1:]))


def _of_transposed(graph: GraphView, node: Node) -> float:
    return float(math.prod(_shape(graph, node, 0)) * math.prod(_shape(graph, node, 1)[1:]))


def _of_product(graph: GraphView, node: Node) -> float:
    inner = _shape(graph, node, 0)[-1:]
    return float(_elements(graph, node) * math.prod(inner))


def _of_gemm(graph: GraphView, node: Node) -> float:
    shape = _shape(graph, node, 0)
    if len(shape) != 2:
        return 0.0
    return float(_elements(graph, node) * shape[0 if node.attributes.get("transA", 0) else 1])


def _of_recurrent(graph: GraphView, node: Node) -> float:
    steps = math.prod(_shape(graph, node, 0)[:2])
    return float(steps * (math.prod(_shape(graph, node, 1)) + math.prod(_shape(graph, node, 2))))


_MULTIPLICATIONS: Mapping[str, Callable[[GraphView, Node], float]] = {
    "Conv": _of_convolution,
    "ConvTranspose": _of_transposed,
    "Gemm": _of_gemm,
    "GRU": _of_recurrent,
    "LSTM": _of_recurrent,
    "MatMul": _of_product,
    "RNN": _of_recurrent,
}
