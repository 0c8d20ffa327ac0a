from __future__ import annotations

import pytest

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
        ("s = Shape(x) y = Neg(s)", "", None),
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
