from __future__ import annotations

import pytest

from rkgraph.rulebook.pattern import Match, Miss, Op, Scalar, Wildcard, match, match_any, pattern, scalar
from tests.rules.harness import view_of

GRAPH = view_of(
    """g (float[4] x, float[4] z) => (float[4] y) <float half = {0.5}, float[1, 1] two = {2}, float[2] pair = {1, 2}> {
        a = Add(x, z)
        b = Mul(half, a)
        c = Pow(b, two)
        d = Add(c, b)
        y = Clip(d)
    }"""
).main


def test_a_pattern_is_parsed_as_it_reads() -> None:
    parsed = pattern("Softmax(outer=Add|Sub(x, #n))")
    assert parsed == Op(("Softmax",), (Op(("Add", "Sub"), (Wildcard("x"), Scalar("n")), "outer"),))


@pytest.mark.parametrize("text", ["", "Mul(x", "Mul", "Mul(x,)", "Mul(x) y", "Mul x)", "f(x)", "Mul(x; y)", "a=", "A|"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no pattern"):
        pattern(text)


def test_values_numbers_and_nodes_are_bound() -> None:
    found = match(GRAPH, "d", pattern("Add(Pow(p=Mul(sum, #half), #two), _)"))
    assert isinstance(found, Match)
    assert found.values == {"sum": "a"}
    assert found.numbers == {"half": 0.5, "two": 2.0}
    assert found.named["p"].outputs == ("b",)
    assert [node.op for node in found.nodes] == ["Add", "Pow", "Mul"]


def test_commutative_inputs_are_tried_in_both_orders_unless_order_counts() -> None:
    wanted = pattern("Mul(a, #half)")
    assert isinstance(match(GRAPH, "b", wanted), Match)
    assert isinstance(match(GRAPH, "b", wanted, ordered=True), Miss)
    assert isinstance(match(GRAPH, "b", pattern("Mul(#half, a)"), ordered=True), Match)


def test_inputs_of_other_operators_keep_their_order() -> None:
    assert isinstance(match(GRAPH, "c", pattern("Pow(#two, base)")), Miss)


def test_a_name_is_one_value_wherever_it_stands() -> None:
    assert isinstance(match(GRAPH, "d", pattern("Add(Pow(v, #two), v)")), Match)
    assert isinstance(match(GRAPH, "a", pattern("Add(v, v)")), Miss)


def test_optional_inputs_that_are_absent_are_not_asked_for() -> None:
    assert isinstance(match(GRAPH, "y", pattern("Clip(v)")), Match)
    assert isinstance(match(GRAPH, "y", pattern("Clip(v, #low)")), Miss)


def test_the_nearest_miss_says_where_it_failed() -> None:
    wanted = pattern("Add(Pow(Clip(v), #two), _)")
    near = match(GRAPH, "d", wanted)
    assert isinstance(near, Miss)
    assert near.depth == 2
    assert near.reason.endswith("not from Clip")
    assert match_any(GRAPH, "d", (pattern("Erf(x)"), wanted)) == near


def test_an_operator_that_is_nowhere_ends_the_search_before_it_begins() -> None:
    assert match(GRAPH, "d", pattern("Add(Pow(Sub|Div(u, v), #two), _)")) == Miss("nothing here is Div or Sub", 0)


def test_only_constants_of_one_element_are_scalars() -> None:
    assert scalar(GRAPH, "two") == 2.0
    assert scalar(GRAPH, "pair") is None
    assert scalar(GRAPH, "x") is None
