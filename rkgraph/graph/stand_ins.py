"""Operators of ONNX Runtime's own domain, as standard ones of the same shapes, for inference to look through.

onnx infers nothing of a node outside of its own domains, and everything behind it stays unknown. A stand-in does not
compute the same; it has outputs of the same names, shapes and dtypes.
Source: ONNX Runtime, docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.proto import pb

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

__all__ = ["with_stand_ins"]

_MICROSOFT = "com.microsoft"
_FLOAT, _UINT8 = 1, 2  # TensorProto.DataType

# Output 0 has the shape and dtype of this input.
_LIKE: Mapping[str, int] = {
    "BiasAdd": 0, "BiasGelu": 0, "BiasSoftmax": 0, "FastGelu": 0, "Gelu": 0, "GroupNorm": 0,
    "LayerNormalization": 0, "MultiHeadAttention": 0, "QLinearLeakyRelu": 0, "QLinearSigmoid": 0,
    "QLinearSoftmax": 0, "QuickGelu": 0, "RotaryEmbedding": 0, "SimplifiedLayerNormalization": 0,
    "SkipGroupNorm": 0, "SkipLayerNormalization": 0, "SkipSimplifiedLayerNormalization": 0,
}  # fmt: skip
# What ONNX Runtime has in the standard domain, until onnx has it there.
_IN_STANDARD_DOMAIN = {"LayerNormalization": 17, "SimplifiedLayerNormalization": 2**31}
# This output is like input 0, too.
_SUMS = {"SkipGroupNorm": 1, "SkipLayerNormalization": 3, "SkipSimplifiedLayerNormalization": 3}

# The standard operator with the same attributes and the first so many inputs.
_SAME: Mapping[str, tuple[str, int]] = {
    "DequantizeLinear": ("DequantizeLinear", 3),
    "FusedConv": ("Conv", 3),
    "FusedGemm": ("Gemm", 3),
    "QuantizeLinear": ("QuantizeLinear", 3),
    "Trilu": ("Trilu", 2),
}
_OWN_ATTRIBUTES = frozenset({
    "activation", "activation_params", "activation_alpha", "activation_beta", "activation_gamma", "block_size",
})  # fmt: skip


class _Dims(dict[str, tuple[int, ...]]):
    """The dimensions of initializers by name; `in_bytes` are those of uint8."""

    in_bytes: frozenset[str] = frozenset()


_Made = tuple[list["NodeProto"], dict[str, tuple[int, ...]]]
"""Nodes, and float constants that they read, of which the shapes alone matter."""


def with_stand_ins(model: ModelProto) -> ModelProto:
    """A copy of `model` with stand-ins in its main graph; `model` itself where there is nothing to replace."""
    graph = model.graph
    dims = _Dims((tensor.name, tuple(tensor.dims)) for tensor in graph.initializer)
    dims.in_bytes = frozenset(tensor.name for tensor in graph.initializer if tensor.data_type == _UINT8)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    own = {name for name, since in _IN_STANDARD_DOMAIN.items() if opset < since}
    made = {
        index: found
        for index, node in enumerate(graph.node)
        if (node.domain == _MICROSOFT or (not node.domain and node.op_type in own))
        and (found := _stand_in(node, dims)) is not None
    }
    if not made:
        return model
    copy = pb.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:]
    for index, node in enumerate(graph.node):
        nodes, constants = made.get(index, ([node], {}))
        copy.graph.node.extend(nodes)
        for name, shape in constants.items():
            copy.graph.initializer.add(name=name, data_type=_FLOAT, dims=shape)
    return copy


def _stand_in(node: NodeProto, dims: _Dims) -> _Made | None:
    """The stand-in of an operator of ONNX Runtime's own; None where it cannot be made."""
    if not node.output:
        return None
    source = _LIKE.get(node.op_type, -1)
    if 0 <= source < len(node.input) and node.input[source]:
        places = [0, *([_SUMS[node.op_type]] if node.op_type in _SUMS else [])]
        names = [node.output[place] for place in places if place < len(node.output) and node.output[place]]
        return [_node("Identity", [node.input[source]], [name]) for name in names], {}
    if node.op_type in _SAME:
        op, count = _SAME[node.op_type]
        new = _node(op, list(node.input[:count]), list(node.output[:1]))
        new.attribute.extend(a for a in node.attribute if a.name not in _OWN_ATTRIBUTES)
        return [new], {}
    special = _SPECIAL.get(node.op_type)
    return special(node, dims) if special is not None else None


def _node(op: str, inputs: list[str], outputs: list[str]) -> NodeProto:
    return pb.NodeProto(op_type=op, input=inputs, output=outputs)


def _integers(node: NodeProto) -> dict[str, int]:
    return {attribute.name: attribute.i for attribute in node.attribute}


def _product(node: NodeProto, rows: int, columns: int) -> _Made:
    """Input 0 times a matrix of so many rows and columns."""
    name = f"{node.output[0]}\0matrix"  # no name in a model that was read has a zero byte
    return [_node("MatMul", [node.input[0], name], [node.output[0]])], {name: (rows, columns)}


def _n_bits(node: NodeProto, _dims: _Dims) -> _Made | None:
    sizes = _integers(node)
    order = ("K", "N") if sizes.get("transB", 1) else ("N", "K")
    return _product(node, sizes[order[0]], sizes[order[1]]) if {"K", "N"} <= sizes.keys() else None


def _attention(node: NodeProto, dims: _Dims) -> _Made | None:
    """Output 0 is as wide as the values, the last third of the projections unless their sizes are given."""
    weights = dims.get(node.input[1], ())
    sizes = next((tuple(a.ints) for a in node.attribute if a.name == "qkv_hidden_sizes"), ())
    width = sizes[2] if len(sizes) == 3 else weights[1] // 3 if len(weights) == 2 else 0
    return _product(node, weights[0], width) if width and len(weights) == 2 else None


def _quantised_attention(node: NodeProto, dims: _Dims) -> _Made | None:
    """As Attention, of whole numbers: what comes out is floats."""
    cast = _node("Cast", [node.input[0]], [f"{node.output[0]}\0floats"])
    cast.attribute.add(name="to", type=pb.AttributeProto.INT, i=_FLOAT)
    floats = pb.NodeProto()
    floats.CopyFrom(node)
    floats.input[0] = cast.output[0]
    made = _attention(floats, dims)
    return None if made is None else ([cast, *made[0]], made[1])


def _dynamic_product(node: NodeProto, dims: _Dims) -> _Made | None:
    weights = dims.get(node.input[1], ())
    return _product(node, *weights) if len(weights) == 2 else None


def _fused_product(node: NodeProto, dims: _Dims) -> _Made | None:
    flags = _integers(node)
    if flags.get("transA") or flags.get("transBatchA") or flags.get("transBatchB"):
        return None
    if not flags.get("transB"):
        return [_node("MatMul", list(node.input[:2]), list(node.output[:1]))], {}
    weights = dims.get(node.input[1], ())
    return _product(node, weights[1], weights[0]) if len(weights) == 2 else None


def _embedding(node: NodeProto, _dims: _Dims) -> _Made | None:
    return [_node("Gather", [node.input[2], node.input[0]], [node.output[0]])], {}


def _packed_table(node: NodeProto, dims: _Dims) -> _Made | None:
    """A lookup in a table that holds, where it is of bytes, 8/bits numbers in each along its last axis."""
    table, given = dims.get(node.input[0], ()), _integers(node)
    if not table:
        return None
    each = 8 // (given.get("bits", 4) or 8) if node.input[0] in dims.in_bytes else 1
    name = f"{node.output[0]}\0table"
    new = _node("Gather", [name, node.input[1]], list(node.output[:1]))
    new.attribute.add(name="axis", type=pb.AttributeProto.INT, i=given.get("gather_axis", 0))
    return [new], {name: (*table[:-1], table[-1] * each)}


def _grouped_attention(node: NodeProto, _dims: _Dims) -> _Made | None:
    """Output 0 is like the queries, input 0; where keys and values come in it, too, the first of its heads."""
    query, out = node.input[0], node.output[0]
    if len(node.input) > 1 and node.input[1]:
        return [_node("Identity", [query], [out])], {}
    counts = _integers(node)
    if not {"num_heads", "kv_num_heads"} <= counts.keys():
        return None
    heads = counts["num_heads"]
    whole = heads + 2 * counts["kv_num_heads"]
    parts = {"apart": (0, 0, whole, -1), "start": (0,), "end": (heads,), "axis": (2,), "together": (0, 0, -1)}
    name = {key: f"{out}\0{key}" for key in (*parts, "heads", "queries")}
    return [
        *(_whole_numbers(name[key], numbers) for key, numbers in parts.items()),
        _node("Reshape", [query, name["apart"]], [name["heads"]]),
        _node("Slice", [name["heads"], name["start"], name["end"], name["axis"]], [name["queries"]]),
        _node("Reshape", [name["queries"], name["together"]], [out]),
    ], {}


def _whole_numbers(name: str, numbers: tuple[int, ...]) -> NodeProto:
    """A Constant, for sizes and places: of the constants of `_Made` the shapes alone matter."""
    new = _node("Constant", [], [name])
    attribute = new.attribute.add(name="value", type=pb.AttributeProto.TENSOR)
    attribute.t.data_type = pb.TensorProto.INT64
    attribute.t.dims.append(len(numbers))
    attribute.t.int64_data.extend(numbers)
    return new


def _channels_last(node: NodeProto, dims: _Dims) -> _Made | None:
    """A Conv between two Transposes, of images. Its weights are (M, C/group, …), or (M, …, C/group), as in `kernel`."""
    weights, out = dims.get(node.input[1], ()), node.output[0]
    kernel = next((tuple(a.ints) for a in node.attribute if a.name == "kernel_shape"), ())
    if len(weights) != 4 or len(kernel) != 2 or kernel not in (weights[1:3], weights[2:]):
        return None
    first, name, last = f"{out}\0first", f"{out}\0weights", f"{out}\0conv"
    turn, back = (_node("Transpose", [old], [new]) for old, new in ((node.input[0], first), (last, out)))
    for each, order in ((turn, (0, 3, 1, 2)), (back, (0, 2, 3, 1))):
        each.attribute.add(name="perm", type=pb.AttributeProto.INTS, ints=order)
    conv = _node("Conv", [first, name], [last])
    conv.attribute.extend(a for a in node.attribute if a.name not in _OWN_ATTRIBUTES)
    depth = weights[1] if kernel == weights[2:] else weights[3]
    return [turn, conv, back], {name: (weights[0], depth, *kernel)}


def _distances(node: NodeProto, _dims: _Dims) -> _Made | None:
    """(M, N) and (K, N) to (M, K), as a product has it."""
    turned = f"{node.output[0]}\0turned"
    product = _node("MatMul", [node.input[0], turned], [node.output[0]])
    return [_node("Transpose", [node.input[1]], [turned]), product], {}


def _lstm(node: NodeProto, _dims: _Dims) -> _Made | None:
    name = f"{node.output[0]}\0weights"
    new = _node("LSTM", [node.input[0], name, name], list(node.output))
    new.attribute.extend(a for a in node.attribute if a.name in ("direction", "hidden_size"))
    return [new], {name: (1, 1, 1)}


def _quantised(node: NodeProto, _dims: _Dims) -> _Made | None:
    """The standard operator on the numbers themselves: they alone decide the shape, and the dtype is theirs."""
    op, places = _QUANTISED[node.op_type]
    chosen = [node.input[place] for place in places] if places else list(node.input[2::3])
    new = _node(op, chosen, list(node.output[:1]))
    new.attribute.extend(a for a in node.attribute if a.name not in ("alpha", "channels_last"))
    return None if _integers(node).get("channels_last") else ([new], {})


_QUANTISED: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "QGemm": ("Gemm", (0, 3)),
    "QLinearAdd": ("Add", (0, 3)),
    "QLinearAveragePool": ("AveragePool", (0,)),
    "QLinearConcat": ("Concat", ()),  # from the third input on, each third
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,)),
    "QLinearMul": ("Mul", (0, 3)),
    "QLinearReduceMean": ("ReduceMean", (0,)),
    "QLinearWhere": ("Where", (0, 1, 4)),
}

_SPECIAL: Mapping[str, Callable[[NodeProto, _Dims], _Made | None]] = {
    "Attention": _attention,
    "CDist": _distances,
    "DynamicQuantizeLSTM": _lstm,
    "DynamicQuantizeMatMul": _dynamic_product,
    "EmbedLayerNormalization": _embedding,
    "FusedMatMul": _fused_product,
    "GatherBlockQuantized": _packed_table,
    "GroupQueryAttention": _grouped_attention,
    "MatMulBnb4": _n_bits,
    "MatMulNBits": _n_bits,
    "NhwcConv": _channels_last,
    "NhwcFusedConv": _channels_last,
    "QAttention": _quantised_attention,
    "GemmFastGelu": _dynamic_product,
    "TransposeMatMul": _fused_product,
    **dict.fromkeys(_QUANTISED, _quantised),
}
