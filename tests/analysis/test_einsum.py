from __future__ import annotations

import pytest

from rkgraph.analysis.einsum import plan_product, read_equation, sizes_of


@pytest.mark.parametrize(
    ("text", "ranks", "operands", "result"),
    [
        ("ij,jk", (2, 2), (("i", "j"), ("j", "k")), ("i", "k")),
        (" ij , jk -> k i", (2, 2), (("i", "j"), ("j", "k")), ("k", "i")),
        ("b...i", (4,), (("b", "…1", "…0", "i"),), ("…1", "…0", "b", "i")),
        ("...i,...->i...", (3, 1), (("…1", "…0", "i"), ("…0",)), ("i", "…1", "…0")),
        ("...ij->...", (2,), (("i", "j"),), ()),
        ("i,i->", (1, 1), (("i",), ("i",)), ()),
        ("aB", (2,), (("a", "B"),), ("B", "a")),
    ],
)
def test_equations(text: str, ranks: tuple[int, ...], operands: object, result: object) -> None:
    equation = read_equation(text, ranks)
    assert (equation.operands, equation.result) == (operands, result)


@pytest.mark.parametrize(
    ("text", "ranks"),
    [("ij", (3,)), ("ijk", (2,)), ("i,j", (1,)), ("i->j", (1,)), ("i->ii", (1,)), ("i1", (2,)), ("i..j", (2,))],
)
def test_what_is_no_equation(text: str, ranks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"equation|fit|result|term"):
        read_equation(text, ranks)


def test_sizes_are_broadcast() -> None:
    equation = read_equation("...i,...j", (3, 2))
    assert sizes_of(equation, ((2, 1, 4), (3, 5))) == {"…1": 2, "…0": 3, "i": 4, "j": 5}
    with pytest.raises(ValueError, match="is 2 in one operand"):
        sizes_of(read_equation("i,i", (1, 1)), ((2,), (3,)))


def test_a_plan_moves_as_little_as_it_can() -> None:
    sizes = {"i": 3, "j": 4, "k": 5}
    assert not plan_product(("i", "j"), ("j", "k"), {"i", "k"}, ("i", "k"), sizes).swapped
    assert plan_product(("j", "i"), ("k", "j"), {"i", "k"}, ("k", "i"), sizes).swapped
