from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK161"
SIZES = {"i": 3, "j": 4, "k": 2, "l": 5, "m": 1}


def inputs(*shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {f"x{place}": random.normal(size=shape).astype(np.float32) for place, shape in enumerate(shapes)}


def lowered(equation: str, *shapes: tuple[int, ...]) -> list[str]:
    x = inputs(*shapes)
    return assert_lowered(one_node("Einsum", x, {"equation": equation}), CODE, x, gone="Einsum", rtol=1e-4, atol=1e-4)


def equations() -> st.SearchStrategy[str]:
    letters = st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=4).map("".join)
    return st.lists(letters, min_size=1, max_size=3).flatmap(
        lambda terms: st.lists(st.sampled_from(sorted(set("".join(terms)))), unique=True, max_size=4).map(
            lambda result: f"{', '.join(terms)} -> {''.join(result)}"
        )
    )


@settings(max_examples=40, deadline=None)
@given(equations())
def test_any_equation(equation: str) -> None:
    terms = equation.split(" ->", maxsplit=1)[0].split(", ")
    wide = [[letter for letter in term if SIZES[letter] > 1] for term in terms]
    if any(len(term) - len(set(term)) > 1 for term in wide):
        return  # two diagonals, which are refused
    lowered(equation, *(tuple(SIZES[letter] for letter in term) for term in terms))


@pytest.mark.parametrize(
    ("equation", "shapes", "operators"),
    [
        ("i,i", [(5,), (5,)], ["Reshape", "Reshape", "MatMul", "Squeeze"]),
        ("... ii -> ... i", [(2, 3, 4, 4)], ["Reshape", "Gather"]),
        ("bij, bjk -> bik", [(2, 3, 4), (2, 4, 5)], ["MatMul"]),
        ("bhid, bhjd -> bhij", [(2, 3, 4, 5), (2, 3, 6, 5)], ["Transpose", "MatMul"]),
        ("bqk, kd -> bqd", [(2, 3, 4), (4, 5)], ["Reshape", "MatMul", "Reshape"]),
        ("b...ij, ...jk -> b...ik", [(2, 3, 4, 5), (3, 5, 6)], None),
        ("...ij, ...jk", [(2, 1, 4, 5), (2, 3, 5, 6)], None),
        ("bij->ij", [(2, 3, 4)], ["ReduceSum"]),
        ("bhij->jb", [(2, 3, 4, 5)], ["ReduceSum", "Transpose"]),
        ("i..., ...j", [(3, 4), (4, 2)], None),
        ("ba", [(3, 4)], ["Transpose"]),
        ("ij,jk,kl->il ", [(2, 3), (3, 4), (4, 5)], ["MatMul", "MatMul"]),
        ("abcdef, bcdefg -> abcdeg", [(2, 2, 2, 2, 2, 3), (2, 2, 2, 2, 3, 2)], None),
        ("mj,jm->", [(1, 4), (4, 1)], None),
    ],
)
def test_forms(equation: str, shapes: list[tuple[int, ...]], operators: list[str] | None) -> None:
    found = lowered(equation, *shapes)
    assert operators is None or found == operators


def test_the_same_operand_twice() -> None:
    x = inputs((3, 4))
    model = one_node("Einsum", x, {"equation": "ij, ij -> i"}, order=["x0", "x0"])
    assert_lowered(model, CODE, x, gone="Einsum", rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij->ji", "ij->i", "ij->j"])
def test_what_the_compiler_decomposes_is_left_alone(equation: str) -> None:
    shapes = [(3, 4), (4, 5)][: equation.count(",") + 1]
    assert diagnostics(one_node("Einsum", inputs(*shapes), {"equation": equation}), CODE) == ()


def test_whole_numbers_and_giants_are_refused() -> None:
    x = {name: value.astype(np.int64) for name, value in inputs((3,), (3,)).items()}
    assert "int64" in refusal_of(one_node("Einsum", x, {"equation": "i, i"}), CODE)
    wide = inputs((3000,), (3000,))
    assert "more than" in refusal_of(one_node("Einsum", wide, {"equation": "i, j -> ij"}), CODE)
