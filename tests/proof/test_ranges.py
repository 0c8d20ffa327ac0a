from __future__ import annotations

import pytest

from rkgraph.graph.rewrite import Between
from rkgraph.graph.view import GraphView
from rkgraph.proof.ranges import prove_assumption, refusal_of
from tests.rules.harness import view_of

MASK = "g ({dtype}[1, 4] mask) => (float[1, 4] y) {{ y = Cast<to = 1>(mask) }}"
BIT = Between(0, 1, integer=True)


def graph(dtype: str) -> GraphView:
    return view_of(MASK.format(dtype=dtype)).main


def test_a_bool_mask_is_proved_by_its_dtype() -> None:
    proof = prove_assumption(graph("bool"), "y", BIT, {}, "p1")
    assert (proof.outcome, proof.kind, proof.method) == ("proved", "range", "interval analysis")


@pytest.mark.parametrize("needed", [BIT, Between(-1, 1), Between(0, 2**62)])
def test_an_integer_mask_is_not_proved(needed: Between) -> None:
    assert prove_assumption(graph("int64"), "y", needed, {}, "p1").outcome == "skipped"


def test_the_users_word_is_enough_and_is_said() -> None:
    proof = prove_assumption(graph("int64"), "y", BIT, {"mask": BIT}, "p1")
    assert proof.outcome == "proved"
    assert proof.method.endswith("given --assume mask=0..1")


def test_the_users_word_for_too_wide_a_range_is_not_enough() -> None:
    assert prove_assumption(graph("int64"), "y", BIT, {"mask": Between(0, 2, integer=True)}, "p1").outcome == "skipped"


def test_the_refusal_names_what_the_user_can_say() -> None:
    assert refusal_of(graph("int64"), "y", BIT) == (
        "y is not known to lie in [0, 1], whole numbers",
        "--assume mask=0..1",
    )
