"""Mask chains made at random, restated in floats, and compared in ONNX Runtime on every kind of whole number."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.analysis.masks import FloatMask, NotAMask
from tests.rules.harness import view_of
from tests.rules.rewriting import fixed, operators, run

NUMBERS = (0, 1, 2, -1, 3, -7, 100, 2**24 + 1, -(2**31), 2**31, 2**62, -(2**63), 2**63 - 1, 1, 0, 1)
ROWS = np.array(NUMBERS, dtype=np.int64).reshape(1, -1)
SIZE = ROWS.shape[1]


class Chain:
    """Draws a chain of mask operators from int64 `mask` to a float `added`, and on to a softmax."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, dtype: type) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def op(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"n{len(self.nodes)}", **attributes))
        return name

    def rows(self) -> str:
        row = self.op("Unsqueeze", "mask", self.constant([1, 2], np.int64))
        if self.draw(st.booleans()):
            row = self.op("Expand", row, self.constant([1, 1, SIZE, SIZE], np.int64))
        return row

    def truth(self, depth: int = 2) -> str:
        kind = self.draw(st.sampled_from(["cast", "compare", "lost", "not", "and", "or"][: 6 if depth else 3]))
        if kind == "cast":
            return self.op("Cast", self.rows(), to=TensorProto.BOOL)
        if kind == "compare":
            comparison = self.draw(st.sampled_from(["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]))
            sides = [self.rows(), self.constant(self.draw(st.integers(-2, 3)), np.int64)]
            return self.op(comparison, *self.draw(st.permutations(sides)))
        if kind == "lost":
            kept = self.op("Cast", self.rows(), to=TensorProto.FLOAT)
            return self.op("Cast", self.op("Sub", self.constant(1, np.float32), kept), to=TensorProto.BOOL)
        if kind == "not":
            return self.op("Not", self.truth(depth - 1))
        causal = self.constant(np.tril(np.ones((1, 1, SIZE, SIZE))), np.bool_)
        other = causal if self.draw(st.booleans()) else self.truth(depth - 1)
        return self.op("And" if kind == "and" else "Or", self.truth(depth - 1), other)

    def added(self) -> str:
        fill = self.constant(self.draw(st.sampled_from([-1e4, -30.0])), np.float32)
        zero, truth = self.constant(0, np.float32), self.truth()
        if self.draw(st.booleans()):
            return self.op("Where", truth, *self.draw(st.permutations([zero, fill])))
        numbers = self.op("Cast", truth, to=TensorProto.FLOAT)
        return self.op("Mul", self.op("Sub", self.constant(1, np.float32), numbers), fill)

    def model(self) -> onnx.ModelProto:
        square = [1, 1, SIZE, SIZE]
        self.op("Softmax", self.op("Add", "scores", self.added()))
        inputs = [
            helper.make_tensor_value_info("mask", TensorProto.INT64, [1, SIZE]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, square),
        ]
        output = helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, square)
        graph = helper.make_graph(self.nodes, "g", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@st.composite
def chains(draw: st.DrawFn) -> onnx.ModelProto:
    return Chain(draw).model()


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_restated_mask_is_equal_for_every_whole_number(model: onnx.ModelProto) -> None:
    after, edits = fixed(model, "RK202")
    feeds = {"mask": ROWS, "scores": np.random.default_rng(0).normal(size=(1, 1, SIZE, SIZE)).astype(np.float32)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(model, feeds)[0])
    if edits:
        assert not {"Not", "And", "Or", "Equal", "Greater", "Less", "Where"} & set(operators(after))


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ("b = Mul(mask, mask) c = Cast<to = 9>(b) y = Cast<to = 1>(c)", "wrap around to zero"),
        ("b = Cast<to = 6>(mask) c = Cast<to = 9>(b) y = Cast<to = 1>(c)", "wrap around"),
        ("b = Add(mask, one) c = Greater(b, one) y = Cast<to = 1>(c)", "wrapped"),
        ("b = Equal(mask, other) y = Cast<to = 1>(b)", "small whole constant"),
        ("b = Cast<to = 9>(x) y = Cast<to = 1>(b)", "computed by the model"),
        ("b = Cast<to = 9>(mask) y = Where(b, x, inf)", "not zero and a finite constant"),
        ("b = Cast<to = 9>(mask) y = Where(b, inf, zero)", "finite constant"),
        ("b = Expand(mask, shape) c = Reshape(b, flat) y = Cast<to = 1>(c)", "expanded before"),
    ],
)
def test_what_is_not_known_to_be_equal_is_refused(chain: str, why: str) -> None:
    infinity = "-inf" if "inf, zero" in chain else "-30"
    view = view_of(
        f"""g (int64[1, 4] mask, int64[1, 4] other, float[1, 4] x) => (float[a, b] y)
        <int64 one = {{1}}, float zero = {{0}}, float inf = {{{infinity}}}, int64[2] shape = {{4, 4}},
         int64[1] flat = {{16}}> {{ {chain} }}"""
    ).main
    restated = FloatMask(view, view.is_constant)
    with pytest.raises(NotAMask, match=why):
        restated.term("y")


def test_expanded_dimensions_are_left_out() -> None:
    view = view_of(
        """g (int64[1, 4] mask) => (float[1, 1, 4, 4] y) <int64[4] shape = {1, 1, 4, 4}> {
            wide = Expand(mask, shape)
            truth = Cast<to = 9>(wide)
            y = Cast<to = 1>(truth)
        }"""
    ).main
    assert FloatMask(view, view.is_constant).term("y").shape == (1, 1, 1, 4)
