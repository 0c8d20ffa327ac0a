from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from rkgraph.graph.shape_values import shape_values
from tests.rules.harness import parse, view_of


def value(body: str, constants: str = "") -> tuple[int, ...] | None:
    """The items of y, computed from the input x of shape [2, 3] (and the rank-0 constants that are named)."""
    graph = parse(f"g (float[2, 3] x) => (int64[k] y) <int64 one = {{1}}{constants}> {{ {body} }}").graph
    found = shape_values(graph, {"x": (2, 3)}).get("y")
    return None if found is None else found.items


@pytest.mark.parametrize(
    ("body", "constants", "expected"),
    [
        ("y = Shape(x)", "", (2, 3)),
        ("y = Shape<start = 1>(x)", "", (3,)),
        ("s = Shape(x) y = Gather(s, one)", "", (3,)),
        ("s = Shape(x) n = Gather(s, one) y = Unsqueeze(n, axis)", ", int64[1] axis = {0}", (3,)),
        ("s = Shape(x) y = Concat<axis = 0>(s, more)", ", int64[2] more = {-1, 7}", (2, 3, -1, 7)),
        ("s = Shape(x) y = Slice(s, a, b)", ", int64[1] a = {-1}, int64[1] b = {9223372036854775807}", (3,)),
        ("s = Shape(x) y = Mul(s, two)", ", int64 two = {2}", (4, 6)),
        ("s = Shape(x) y = Div(s, two)", ", int64 two = {-2}", (-1, -1)),
        ("s = Shape(x) e = Equal(s, two) y = Where(e, two, one)", ", int64 two = {2}", (2, 1)),
        ("s = Shape(x) n = Gather(s, one) y = Range(zero, n, one)", ", int64 zero = {0}", (0, 1, 2)),
        ("y = Size(x)", "", (6,)),
        ("n = Size(x) y = Range(v, n, v)", ", int64[1] v = {2}", (2, 4)),
        ("n = Size(x) y = Range(v, n, n)", ", int64[2] v = {2, 3}", None),
        ("s = Shape(x) c = Cast<to = 6>(s) y = Cast<to = 7>(c)", "", (2, 3)),
        ("n = Shape<start = 1>(x) y = ConstantOfShape<value = int64[1] {5}>(n)", "", (5, 5, 5)),
        ("s = Shape(x) y = Neg(s)", "", (-2, -3)),
        ("s = Shape(x) y = ReduceProd(s)", "", (6,)),
        ("s = Shape(x) y = Mod(s, two)", ", int64 two = {2}", (0, 1)),
        ("s = Shape(x) y = Exp(s)", "", None),
        ("s = Shape(x) y = Div(s, zero)", ", int64 zero = {0}", None),
        ("s = Shape(x) y = Gather(s, far)", ", int64 far = {9}", None),
        (
            "s = Shape(x) n = Gather(s, one) y = Range(zero, huge, n)",
            ", int64 zero = {0}, int64 huge = {99999999999}",
            None,
        ),
    ],
)
def test_what_can_be_told(body: str, constants: str, expected: tuple[int, ...] | None) -> None:
    assert value(body, constants) == expected


# As torch exports the pads of a Pad: a matrix, reversed and transposed.
PADS = """g (float[batch, 3, h] x) => (float[a, b, c] y)
    <int64[1] four = {4}, int64[2] column = {-1, 2}, int64[1] flat = {-1}, int64[1] zero = {0}, int64[1] minus = {-1},
     int64[1] far = {-9223372036854775807}, int64[2] given = {1, 2}> {
    none = ConstantOfShape<value = int64[1] {0}>(four)
    pairs = Concat<axis = 0>(given, none)
    matrix = Reshape(pairs, column)
    turned = Slice(matrix, minus, far, zero, minus)
    across = Transpose<perm = [1, 0]>(turned)
    row = Reshape(across, flat)
    pads = Cast<to = 7>(row)
    y = Pad(x, pads)
}"""


def test_the_pads_of_torch_are_followed() -> None:
    assert view_of(PADS, {"x": (1, 3, 5)}).main.value("y").shape == (1, 3, 8)
    assert not view_of(PADS).main.value("y").is_static


WHOLE = st.integers(-3, 3)
SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


def arrays(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    size = int(np.prod(shape))
    return st.lists(WHOLE, min_size=size, max_size=size).map(lambda v: np.array(v, np.int64).reshape(shape))


@st.composite
def nodes(draw: st.DrawFn) -> tuple[onnx.NodeProto, list[np.ndarray]]:
    """A node of one of the operators, and constants for its inputs."""
    shape = draw(SHAPES)
    data = draw(arrays(shape))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    op = draw(st.sampled_from([*UNARY, *BINARY, "Transpose", "Gather", "Concat", "Slice", "Expand", "Unsqueeze"]))
    more: list[np.ndarray] = []
    attributes: dict[str, Any] = {}
    if op in BINARY:
        more = [draw(arrays(tuple(size if draw(st.booleans()) else 1 for size in shape)))]
    elif op == "Transpose":
        attributes["perm"] = draw(st.permutations(range(len(shape))))
    elif op == "Gather":
        rows = draw(st.lists(st.integers(-shape[axis], shape[axis] - 1), min_size=1, max_size=3))
        more, attributes["axis"] = [np.array([rows], np.int64)], axis
    elif op == "Concat":
        more, attributes["axis"] = [draw(arrays(shape))], axis
    elif op == "Slice":
        bounds = (draw(st.integers(-5, 5)), draw(st.integers(-5, 5)), axis, draw(st.sampled_from([-2, -1, 1, 2])))
        more = [np.array([value], np.int64) for value in bounds]
    elif op == "Expand":
        more = [np.array((2, *shape), np.int64)]
    elif op == "Unsqueeze":
        more = [np.array([axis], np.int64)]
    elif op.startswith("Reduce"):
        attributes["keepdims"] = draw(st.integers(0, 1))
    inputs = [data, *more]
    return onnx.helper.make_node(op, [f"i{n}" for n in range(len(inputs))], ["y"], **attributes), inputs


UNARY = ("Neg", "Abs", "Identity", "Flatten", "ReduceProd", "ReduceMax")
BINARY = ("Add", "Sub", "Mul", "Max", "Min", "Equal", "Less", "GreaterOrEqual")


@given(nodes())
@settings(max_examples=300, deadline=None)
def test_what_is_told_is_what_the_reference_computes(drawn: tuple[onnx.NodeProto, list[np.ndarray]]) -> None:
    node, inputs = drawn
    graph = onnx.helper.make_graph([node], "g", [], [])
    graph.initializer.extend(numpy_helper.from_array(v, name) for v, name in zip(inputs, node.input, strict=True))
    found = shape_values(graph, {})["y"]
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.graph.output.add(name="y")
    (result,) = ReferenceEvaluator(model).run(None, {})
    expected = np.asarray(result)
    assert found.shape == expected.shape
    assert list(found.items) == [int(item) for item in expected.ravel()]


# As torch exports position embeddings: the positions are cut to the length of the input.
BERT = """g (int64[batch, seq] ids, float[9, 4] table, int64[1, 16] positions) => (float[b, s, 4] y)
    <int64 one = {1}, int64[1] zero = {0}, int64[1] axis = {1}, int64[1] all = {-1}> {
    shape = Shape(ids)
    length = Gather(shape, one)
    end = Unsqueeze(length, zero)
    places = Slice(positions, zero, end, axis)
    embedded = Gather(table, places)
    again = Shape(embedded)
    size = Gather(again, one)
    tail = Unsqueeze(size, zero)
    target = Concat<axis = 0>(axis, tail, all)
    y = Reshape(embedded, target)
}"""


def test_shapes_behind_a_slice_of_positions_are_known_once_the_input_is_pinned() -> None:
    pinned = view_of(BERT, {"ids": (1, 8)}).main
    assert pinned.value("places").shape == (1, 8)
    assert pinned.value("embedded").shape == (1, 8, 4)
    assert pinned.value("y").shape == (1, 8, 4)
    assert pinned.nodes[3].inputs == ("positions", "zero", "end", "axis")
    assert not any("\0" in name for node in pinned.nodes for name in node.inputs)


def test_without_a_pin_they_stay_open() -> None:
    assert not view_of(BERT).main.value("embedded").is_static
