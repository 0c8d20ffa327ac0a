"""Operators of ONNX Runtime that it has no kernel of on a CPU, by their definition, so that they can be evaluated.

Each node becomes a call of a function of its own, in standard operators, as plainly as the documentation puts it: this
is what rewrites are held against, and shares nothing with them.
Source: ONNX Runtime, docs/ContribOperators.md, and the order of weights that its kernel of NhwcConv reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

__all__ = ["with_definitions"]

_MICROSOFT, _DEFINED = "com.microsoft", "rkgraph.defined"
_AXES_AN_INPUT = 18  # the opset from which axes of ReduceMean are one

Shapes = Mapping[str, tuple[int, ...]]
Define = Callable[["onnx.NodeProto", Shapes, int], str]
"""The body of the function, of operators of this opset: it reads i0, i1 … and makes o0, o1 …; "" if it is not known."""


def with_definitions(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` in whose main graph such nodes are calls; `model` itself where there is none.

    Raises:
        Exception: of `onnx.parser` or Python, where a node lacks what its operator has to have.
    """
    if not any(node.domain == _MICROSOFT and node.op_type in _BODIES for node in model.graph.node):
        return model
    import onnx.parser

    copy = type(model)()
    copy.CopyFrom(model)
    shapes = _shapes(model.graph)
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1)
    for index, node in enumerate(copy.graph.node):
        body = _BODIES[node.op_type](node, shapes, opset) if _is_one(node) else ""
        if body:
            name = f"{node.op_type}_{index}"
            taken = ", ".join(f"i{place}" for place, given in enumerate(node.input) if given)
            made = ", ".join(f"o{place}" for place, given in enumerate(node.output) if given)
            header = f'<domain: "{_DEFINED}", opset_import: ["" : {opset}]>'
            text = f"{header} {name} ({taken}) => ({made}) {{ {body} }}"
            copy.functions.append(onnx.parser.parse_function(text))
            kept = [given for given in node.input if given], [given for given in node.output if given]
            node.op_type, node.domain = name, _DEFINED
            del node.attribute[:], node.input[:], node.output[:]
            node.input.extend(kept[0])
            node.output.extend(kept[1])
    copy.opset_import.add(domain=_DEFINED, version=1)
    return copy


def _is_one(node: onnx.NodeProto) -> bool:
    return node.domain == _MICROSOFT and node.op_type in _BODIES


def _shapes(graph: onnx.GraphProto) -> Shapes:
    """The shapes of initializers and inputs that are static."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def _numbers(node: onnx.NodeProto) -> dict[str, float]:
    """Attributes that are numbers."""
    return {each.name: each.f if each.type == each.FLOAT else each.i for each in node.attribute if each.type in (1, 2)}


def _has(node: onnx.NodeProto, place: int) -> bool:
    return len(node.input) > place and bool(node.input[place])


def _bias_add(_node: onnx.NodeProto, _shapes: Shapes, _opset: int) -> str:
    return "biased = Add(i0, i1) o0 = Add(biased, i2)"


def _bias_split_gelu(_node: onnx.NodeProto, _shapes: Shapes, _opset: int) -> str:
    return """biased = Add(i0, i1) left, right = Split <axis = -1> (biased)
        r = Constant <value = float {1.4142135}> () one = Constant <value = float {1.0}> ()
        half = Constant <value = float {0.5}> () q = Div(right, r) e = Erf(q) whole = Add(e, one)
        share = Mul(half, whole) gelu = Mul(right, share) o0 = Mul(left, gelu)"""


def _bias_softmax(node: onnx.NodeProto, _shapes: Shapes, _opset: int) -> str:
    axis = int(_numbers(node).get("axis", 1))
    return f"""total = Add(i0, i1) flat = Flatten <axis = {axis}> (total) weighted = Softmax <axis = 1> (flat)
        shape = Shape(total) o0 = Reshape(weighted, shape)"""


def _gemm_fast_gelu(node: onnx.NodeProto, _shapes: Shapes, _opset: int) -> str:
    product = "p = MatMul(i0, i1) x = Add(p, i2)" if _has(node, 2) else "x = MatMul(i0, i1)"
    return f"""{product} a = Constant <value = float {{0.7978846}}> () b = Constant <value = float {{0.035677408}}> ()
        one = Constant <value = float {{1.0}}> () half = Constant <value = float {{0.5}}> ()
        x2 = Mul(x, x) bx2 = Mul(b, x2) steep = Add(a, bx2) inner = Mul(x, steep) t = Tanh(inner)
        whole = Add(t, one) halved = Mul(half, x) o0 = Mul(halved, whole)"""


def _group_norm(node: onnx.NodeProto, shapes: Shapes, opset: int) -> str:
    given = _numbers(node)
    if node.op_type == "SkipGroupNorm":
        rest = "o1 = Identity(total)" if len(node.output) > 1 and node.output[1] else ""
        dims, skip = shapes.get(node.input[3], ()), "s = Identity(i3)"
        if len(dims) == 2:
            skip = f"whole = Constant <value = int64[4] {{{dims[0]}, 1, 1, {dims[1]}}}> () s = Reshape(i3, whole)"
        bias = "total = Add(t, i4)" if _has(node, 4) else "total = Identity(t)"
        total = f"{skip} t = Add(i0, s) {bias} {rest}"
    else:
        total = "total = Identity(i0)"
    last = given.get("channels_last", 1)
    first = "first = Transpose <perm = [0, 3, 1, 2]> (total)" if last else "first = Identity(total)"
    turn = "[0, 2, 3, 1]" if last else "[0, 1, 2, 3]"
    silu = "gate = Sigmoid(y) active = Mul(y, gate)" if given.get("activation") else "active = Identity(y)"
    mean, along = ("ReduceMean <axes = [2]> ", "") if opset < _AXES_AN_INPUT else ("ReduceMean", ", along")
    return f"""{total} {first} shape = Shape(first)
        sizes = Constant <value = int64[3] {{0, {int(given["groups"])}, -1}}> () flat = Reshape(first, sizes)
        along = Constant <value = int64[1] {{2}}> ()
        mean = {mean}(flat{along}) apart = Sub(flat, mean) square = Mul(apart, apart) variance = {mean}(square{along})
        epsilon = Constant <value = float {{{given.get("epsilon", 1e-5):.12f}}}> () more = Add(variance, epsilon)
        root = Sqrt(more) normed = Div(apart, root) image = Reshape(normed, shape)
        places = Constant <value = int64[3] {{-1, 1, 1}}> () gamma = Reshape(i1, places) beta = Reshape(i2, places)
        scaled = Mul(image, gamma) y = Add(scaled, beta) {silu}
        o0 = Transpose <perm = {turn}> (active)"""


def _quantised_mean(node: onnx.NodeProto, _shapes: Shapes, opset: int) -> str:
    if not _has(node, 2) or not _has(node, 4):
        return ""
    axes = next((list(each.ints) for each in node.attribute if each.name == "axes"), [])
    attributes, along = [f"keepdims = {int(_numbers(node).get('keepdims', 1))}"], "unused = Identity(real)"
    if axes and opset < _AXES_AN_INPUT:
        attributes.append(f"axes = {axes}")
    elif axes:
        along = f"along = Constant <value = int64[{len(axes)}] {{{str(axes)[1:-1]}}}> ()"
    given = ", along" if along.startswith("along") else ""
    return f"""real = DequantizeLinear(i0, i1, i2) {along} mean = ReduceMean <{", ".join(attributes)}> (real{given})
        o0 = QuantizeLinear(mean, i3, i4)"""


def _conv(node: onnx.NodeProto, shapes: Shapes, _opset: int) -> str:
    """Of images. Weights of NhwcConv have their channels last, unless they fit the documented order alone."""
    x, weights = (shapes.get(name, ()) for name in node.input[:2])
    activation = next((each.s.decode() for each in node.attribute if each.name == "activation"), "Identity")
    if len(weights) != 4 or len(x) != 4 or activation not in ("Identity", "Relu", "Sigmoid", "Tanh"):
        return ""
    each = x[-1] // int(_numbers(node).get("group", 1))
    order = "[0, 3, 1, 2]" if node.op_type == "NhwcConv" and weights[-1] == each else "[0, 1, 2, 3]"
    kept = [f"{one.name} = {one.i}" for one in node.attribute if one.name == "group"]
    kept += [f"{one.name} = {list(one.ints)}" for one in node.attribute if one.name in _OF_CONV]
    kept += [f'auto_pad = "{one.s.decode()}"' for one in node.attribute if one.name == "auto_pad"]
    bias, attributes = ", i2" if _has(node, 2) else "", f"<{', '.join(kept)}>" if kept else ""
    added = "sum = Add(last, i3)" if _has(node, 3) else "sum = Identity(last)"
    return f"""first = Transpose <perm = [0, 3, 1, 2]> (i0) w = Transpose <perm = {order}> (i1)
        image = Conv {attributes} (first, w{bias}) last = Transpose <perm = [0, 2, 3, 1]> (image)
        {added} o0 = {activation}(sum)"""


_OF_CONV = ("dilations", "kernel_shape", "pads", "strides")

_BODIES: Mapping[str, Define] = {
    "BiasAdd": _bias_add,
    "BiasSoftmax": _bias_softmax,
    "BiasSplitGelu": _bias_split_gelu,
    "GemmFastGelu": _gemm_fast_gelu,
    "GroupNorm": _group_norm,
    "NhwcConv": _conv,
    "NhwcFusedConv": _conv,
    "QLinearReduceMean": _quantised_mean,
    "SkipGroupNorm": _group_norm,
}
