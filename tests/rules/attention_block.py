"""A transformer block in the forms that exporters write, small enough for the real compiler to build in a second."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS, WIDTH, HEADS = 32, 64, 4
HEAD = WIDTH // HEADS


class Block:
    """Writes down nodes one after the other; constants are drawn from a fixed seed."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(0)

    def op(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"node_{name}", **attributes))
        return name

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def shape(self, *sizes: int) -> str:
        return self.constant(sizes, np.int64)

    def linear(self, x: str, width: int, to: int) -> str:
        weight, bias = (self.constant(self.random.normal(size=s) * 0.1) for s in ((width, to), (to,)))
        return self.op("Add", self.op("MatMul", x, weight), bias)

    def model(self, output: str) -> onnx.ModelProto:
        size = [1, TOKENS, WIDTH]
        inputs = {"x": (TensorProto.FLOAT, size), "mask": (TensorProto.INT64, [1, TOKENS])}
        used = {name for node in self.nodes for name in node.input}
        graph = helper.make_graph(
            self.nodes,
            "block",
            [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items() if name in used],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, size)],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def block(
    *, mask: str = "added", attention: str = "4d", gelu: str = "fused", guard: bool = False, norm: str = ""
) -> onnx.ModelProto:
    """One block: attention, residual, feed-forward, residual.

    Args:
        mask: "added", "sdpa" (expanded, through bool), "chosen" (Where on the scores), "causal" (chosen, constant),
            "parts" (causal and padding one after the other).
        attention: "4d", or "3d" (heads in the batch, scaled after the product).
        gelu: "fused", "erf" (by a product with 0.7071), "tanh" (cube by products).
        guard: NaN of the softmax replaced.
        norm: an RMSNorm between attention and feed-forward: "fused", "reciprocal" (of the root), "quotient" (by the
            root), "unscaled"; "" for none.
    """
    b = Block()
    x = b.linear("x", WIDTH, WIDTH)
    q, k, v = (b.op("Reshape", b.linear(x, WIDTH, WIDTH), b.shape(1, TOKENS, HEADS, HEAD)) for _ in range(3))
    q, v, k = (
        b.op("Transpose", part, perm=perm) for part, perm in ((q, [0, 2, 1, 3]), (v, [0, 2, 1, 3]), (k, [0, 2, 3, 1]))
    )
    if attention == "3d":
        q, v = (b.op("Reshape", part, b.shape(HEADS, TOKENS, HEAD)) for part in (q, v))
        k = b.op("Reshape", k, b.shape(HEADS, HEAD, TOKENS))
    scores = b.op("Div", b.op("MatMul", q, k), b.constant(math.sqrt(HEAD)))
    weights = b.op("Softmax", _masked(b, scores, mask, rank=3 if attention == "3d" else 4), axis=-1)
    if guard:
        weights = b.op("Where", b.op("IsNaN", weights), b.constant(0.0), weights)
    heads = b.op("MatMul", weights, v)
    if attention == "3d":
        heads = b.op("Reshape", heads, b.shape(1, HEADS, TOKENS, HEAD))
    joined = b.op("Reshape", b.op("Transpose", heads, perm=[0, 2, 1, 3]), b.shape(1, TOKENS, WIDTH))
    attended = b.op("Add", b.linear(joined, WIDTH, WIDTH), x)
    normed = _rms_norm(b, attended, norm) if norm else attended
    wide = _gelu(b, b.linear(normed, WIDTH, 2 * WIDTH), gelu)
    return b.model(b.op("Add", b.linear(wide, 2 * WIDTH, WIDTH), attended))


def positions() -> onnx.ModelProto:
    """Token and position embeddings as RoBERTa adds them: positions are counted, padding (token 1) left out."""
    random = np.random.default_rng(0)
    tables = {
        name: numpy_helper.from_array(random.normal(size=(rows, WIDTH)).astype(np.float32), name)
        for name, rows in (("tokens", 1000), ("places", 130))
    }
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    g (int64[1, {TOKENS}] ids) => (float[1, {TOKENS}, {WIDTH}] y) <int64 padding = {{1}}, int64 axis = {{1}}> {{
        is_padding = Equal(ids, padding) is_token = Not(is_padding) mask = Cast<to = 6>(is_token)
        count = CumSum(mask, axis) masked = Mul(count, mask) long = Cast<to = 7>(masked) place = Add(long, padding)
        token = Gather(tokens, ids) position = Gather(places, place) y = Add(token, position)
    }}""")
    model.graph.initializer.extend(tables.values())
    for node in model.graph.node:
        node.name = f"node_{node.output[0]}"
    return model


def _masked(b: Block, scores: str, kind: str, rank: int) -> str:
    fill, zero, one = b.constant(-3.4028235e38), b.constant(0.0), b.constant(1.0)
    row = (1,) * (rank - 1) + (TOKENS,)
    causal = np.tril(np.ones((1,) * (rank - 2) + (TOKENS, TOKENS)))
    if kind == "causal":
        return b.op("Where", b.constant(causal, np.bool_), scores, fill)
    if kind == "chosen":
        return b.op("Where", b.op("Cast", b.op("Reshape", "mask", b.shape(*row)), to=TensorProto.BOOL), scores, fill)
    if kind == "sdpa":
        square = b.op("Expand", b.op("Reshape", "mask", b.shape(*row)), b.shape(*row[:-2], TOKENS, TOKENS))
        lost = b.op("Sub", one, b.op("Cast", square, to=TensorProto.FLOAT))
        return b.op("Add", scores, b.op("Where", b.op("Cast", lost, to=TensorProto.BOOL), fill, lost))
    if kind == "parts":
        scores = b.op("Add", scores, b.op("Where", b.constant(causal, np.bool_), zero, fill))
    lost = b.op("Sub", one, b.op("Cast", b.op("Reshape", "mask", b.shape(*row)), to=TensorProto.FLOAT))
    return b.op("Add", scores, b.op("Mul", lost, fill))


def _gelu(b: Block, x: str, kind: str) -> str:
    half, one = b.constant(0.5), b.constant(1.0)
    if kind == "tanh":
        cube = b.op("Mul", b.op("Mul", x, x), x)
        inner = b.op("Add", x, b.op("Mul", cube, b.constant(0.044715)))
        gate = b.op("Tanh", b.op("Mul", inner, b.constant(math.sqrt(2.0 / math.pi))))
        return b.op("Mul", b.op("Mul", x, half), b.op("Add", gate, one))
    scaled = b.op("Mul", x, b.constant(math.sqrt(0.5))) if kind == "erf" else b.op("Div", x, b.constant(math.sqrt(2.0)))
    return b.op("Mul", b.op("Mul", x, b.op("Add", b.op("Erf", scaled), one)), half)


def _rms_norm(b: Block, x: str, kind: str) -> str:
    mean = b.op("ReduceMean", b.op("Pow", x, b.constant(2.0)), axes=[-1])
    root = b.op("Sqrt", b.op("Add", mean, b.constant(1e-6)))
    if kind == "quotient":
        normed = b.op("Div", x, root)
    elif kind == "reciprocal":
        normed = b.op("Mul", x, b.op("Reciprocal", root))
    else:
        normed = b.op("Mul", x, b.op("Div", b.constant(1.0), root))
    return normed if kind == "unscaled" else b.op("Mul", normed, b.constant(b.random.normal(size=WIDTH)))
