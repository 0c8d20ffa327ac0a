"""Both sides of the kinds of limits that relate the parts of a node, and the words they use."""

from __future__ import annotations

import pytest

from rkgraph.graph.view import Constant
from rkgraph.tables import limits
from tests.tables.views import graph, node

F = "float32"


def place(types, attributes=None, *, inputs=("x",), outputs=("y",), constants=(), opset=17, values=None):
    probed = node("Op", inputs, outputs, **(attributes or {}))
    small = {name: Constant("int64", (len(v),), tuple(v)) for name, v in (values or {}).items()}
    return probed, graph((probed,), types, (*constants, *small), opset=opset, small=small)


def observed(limit, *args, **options):
    probed, view = place(*args, **options)
    return list(limit.observe(probed, view, view.is_constant))


def test_opset():
    limit = limits.Opset(low=13)
    assert observed(limit, {}, opset=11) == [11]
    assert (limit.accepts(13), limit.accepts(12)) == (True, False)
    assert limit.describe() == "the model's opset must be at least 13"


def test_arity_counts_what_is_given():
    assert observed(limits.Arity(high=2), {}, inputs=("a", "", "c", "d")) == [3]
    assert limits.Arity(high=2).describe() == "the number of inputs must be at most 2"


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"attributes": {"axis": 1}}, [1]),
        ({"attributes": {"axis": -1}}, [3]),
        ({"attributes": {"axis": (0, -1)}}, [0, 3]),
        ({"attributes": {"axis": 7}}, []),
        ({"inputs": ("x", "a"), "values": {"a": (2, -4)}}, [2, 0]),
        ({"inputs": ("x", "a")}, []),
        ({}, [3]),
    ],
)
def test_axis_from_attribute_constant_input_or_default(options, seen):
    attributes = options.pop("attributes", None)
    types = {"x": (F, (1, 8, 12, 24)), "a": ("int64", (2,))}
    for counted, expected in (("start", seen), ("end", [axis - 4 for axis in seen])):
        limit = limits.Axis(counted, "axis", 1, -1, refused=(0,))
        assert observed(limit, types, attributes, **options) == expected


def test_size_along_the_axes():
    limit = limits.AxisSize("axes", None, None, high=100)
    assert observed(limit, {"x": (F, (1, 8, 12, 24))}, {"axes": (1, -1)}) == [192]
    assert observed(limit, {"x": (F, (1, 8, "w", 24))}, {"axes": (2,)}) == []
    assert (limit.accepts(100), limit.accepts(101)) == (True, False)


@pytest.mark.parametrize(
    ("a", "b", "form"),
    [
        ((2, 3), (2, 3), "equal"),
        ((1,), (2, 3), "first-single"),
        ((2, 3), (), "second-single"),
        ((3,), (2, 3), "first"),
        ((2, 3), (1, 3), "second"),
        ((2, 1), (1, 3), "both"),
        ((1, 2, 3), (2, 3), "second"),
        ((2, 3, 4), (2, 3), "unaligned"),
    ],
)
def test_how_operands_meet(a, b, form):
    limit = limits.Broadcast(0, 1, refused=("both",))
    assert observed(limit, {"x": (F, a), "w": (F, b)}, inputs=("x", "w")) == [form]
    assert limit.accepts(form) == (form != "both")


@pytest.mark.parametrize(("a", "b", "order"), [((2,), (1, 2), "lower"), ((2,), (3,), "equal"), ((2, 2), (), "higher")])
def test_rank_order(a, b, order):
    assert observed(limits.RankOrder(allowed=("equal",)), {"x": (F, a), "w": (F, b)}, inputs=("x", "w")) == [order]


def test_same_rank_of_all_or_of_computed_inputs():
    types = {"x": (F, (1, 2)), "w": (F, (2,)), "v": (F, (1, 2))}
    assert observed(limits.SameRank(), types, inputs=("x", "w", "v"), constants=("w",)) == ["several ranks"]
    assert observed(limits.SameRank(computed=True), types, inputs=("x", "w", "v"), constants=("w",)) == ["one rank"]
    assert limits.SameRank().accepts("one rank")
    assert not limits.SameRank().accepts("several ranks")


def test_same_operand():
    assert observed(limits.SameOperand(), {}, inputs=("x", "x")) == ["one value"]
    assert observed(limits.SameOperand(), {}, inputs=("x", "w")) == ["different values"]
    assert not limits.SameOperand().accepts("one value")


@pytest.mark.parametrize(
    ("shape", "perm", "order"),
    [
        ((2, 3, 4), (0, 2, 1), "021"),
        ((1, 3, 4), (0, 2, 1), "10"),
        ((2, 3, 4, 5), (0, 2, 3, 1), "021"),
        ((2, 1, 4, 1), (2, 1, 0, 3), "10"),
        ((1, 3, 1), (2, 1, 0), "0"),
        ((2, 3), None, "10"),
    ],
)
def test_merged_order(shape, perm, order):
    attributes = {"perm": perm} if perm else {}
    assert observed(limits.MergedOrder(refused=("021",)), {"x": (F, shape)}, attributes) == [order]


def test_true_rank_elements_and_multiples():
    types = {"x": (F, (1, 8, 1, 24)), "y": (F, (1, 8, 24))}
    assert observed(limits.TrueRank(0, high=4), types) == [2]
    assert observed(limits.Elements(0, high=4), types) == [192]
    assert observed(limits.Multiple(0, axes=(1,)), types) == ["a multiple"]
    assert observed(limits.Multiple(0, axes=(2, 3), of=16), types) == ["no multiple"]
    assert (
        limits.Multiple(0, "x", axes=(1, 2)).describe()
        == "the product of dimensions 1 and 2 of `x` must be a multiple of 8"
    )


def test_square():
    types = {"x": (F, (1, 12, 12, 8))}
    assert observed(limits.Square(0, axes=(1, 2)), types) == ["equal"]
    assert observed(limits.Square(0, axes=(2, 3)), types) == ["different"]
    assert not limits.Square(0, axes=(1, 2)).accepts("different")


def test_a_chain_may_say_which_operand_it_enters():
    first = node("Erf", ("x",), ("e",))
    add = node("Add", ("e", "one"), ("a",), index=1)
    mul = node("Mul", ("x", "a"), ("y",), index=2)
    view = graph((first, add, mul), {"x": (F, (2,)), "e": (F, (2,)), "a": (F, (2,)), "y": (F, (2,))}, ("one",))
    for chain, seen in (
        (("Add#0", "Mul#1"), "it does"),
        (("Add#0", "Mul#0"), "it does not"),
        (("Add", "Mul"), "it does"),
    ):
        limit = limits.Neighbour("after", chain)
        assert list(limit.observe(first, view, view.is_constant)) == [seen]
    assert "Add (as its input 0), then Mul" in limits.Neighbour("after", ("Add#0", "Mul")).describe()


def test_ratio():
    for made, factor in (((1, 3, 8, 4), "whole"), ((1, 3, 2, 4), "half"), ((1, 3, 5, 4), "up"), ((1, 3, 3, 4), "down")):
        assert observed(limits.Ratio(refused=("up",)), {"x": (F, (1, 3, 4, 4)), "y": (F, made)}) == [factor]


def test_divisible():
    types = {"x": (F, (2, 9))}
    assert observed(limits.Divisible(), types, {"axis": 1}, outputs=("a", "b", "c")) == ["even"]
    assert observed(limits.Divisible(), types, {"axis": 1}, outputs=("a", "b")) == ["uneven"]
    assert not limits.Divisible().accepts("uneven")


def test_grouping():
    types = {"x": (F, (1, 8, 4, 4))}
    for groups, form in ((1, "dense"), (8, "depthwise"), (2, "grouped")):
        assert observed(limits.Grouping(allowed=("dense",)), types, {"group": groups}) == [form]


def test_window_overhang():
    attributes = {"kernel_shape": (3, 3), "strides": (2, 2)}
    types = {"x": (F, (1, 2, 8, 8)), "y": (F, (1, 2, 4, 4))}
    assert observed(limits.WindowOverhang(high=0), types, attributes) == [1]
    assert observed(limits.WindowOverhang(high=0), {**types, "y": (F, (1, 2, 3, 3))}, attributes) == [-1]


def test_attribute_forms():
    equation = limits.AttributeMatches("equation", "->", "an explicit result")
    assert observed(equation, {}, {"equation": "ij->ji"}) == ["it does"]
    assert observed(equation, {}, {"equation": "ij"}) == ["it does not"]
    assert equation.describe() == "attribute `equation` must be one with an explicit result"
    square = limits.AttributeUniform("kernel_shape")
    assert observed(square, {}, {"kernel_shape": (3, 3)}) == ["uniform"]
    assert observed(square, {}, {"kernel_shape": (3, 1)}) == ["mixed"]


def test_elements_of_constants():
    limit = limits.ConstantIn(1, "Y", allowed=(2, 3))
    assert observed(limit, {}, inputs=("x", "e"), values={"e": (2, 7)}) == [2, 7]
    assert (limit.accepts(2), limit.accepts(7)) == (True, False)


def test_an_output_with_an_empty_name():
    assert observed(limits.BlankOutput(), {}, outputs=("y", "")) == ["an empty name"]
    assert observed(limits.BlankOutput(), {}, outputs=("y",)) == ["all named"]
    assert not limits.BlankOutput().accepts("an empty name")
