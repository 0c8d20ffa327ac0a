"""Products of matrices: MatMul with broadcasting, Gemm, Einsum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.drawn.case import FLOAT, Case, Draw, Family

__all__ = ["FAMILIES"]

EQUATIONS = (
    *("ij,jk->ik", "bij,bjk->bik", "bhid,bhjd->bhij", "bqhd,bkhd->bhqk", "abc,cd,de->abe", "...ij,...jk->...ik"),
    *("ii->i", "ii", "bii->bi", "iij->ij", "ijij->ij", "bij,bjj->bi"),
    *("ij,ij->", "ij,ji->", "ij,j->i", "i,j->ij", "ij,kl->ijkl", "ab,ab,ab->a"),
    *("ij->ji", "abcd->dbca", "bij->b", "...->..."),
    *("bhwc,hkc->bhwk", "ijk,ilm->jkm", "bnhw,bnc->bchw", "nctv,vw->nctw"),
)


def matmul(draw: Draw) -> Case:
    """MatMul of vectors, matrices and stacks, also of integers."""
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64", "uint32", "float64"))
    left, right, inner = draw.whole(1, 5), draw.whole(1, 5), draw.whole(1, 6)
    stack = draw.shape(max(left - 2, right - 2, 0), 2, 3)
    a = [inner] if left == 1 else [*_stacked(draw, stack, left - 2), draw.whole(1, 6), inner]
    b = [inner] if right == 1 else [*_stacked(draw, stack, right - 2), inner, draw.whole(1, 6)]
    return Case("MatMul", [draw.array(a, dtype), draw.array(b, dtype)], {}, 13, draw.second_constant(0.4))


def _stacked(draw: Draw, stack: Sequence[int], rank: int) -> list[int]:
    """The last `rank` dimensions of a stack of matrices, some of them 1."""
    return [1 if draw.maybe(0.3) else n for n in stack[len(stack) - rank :]]


def gemm(draw: Draw) -> Case:
    """Gemm with either operand transposed and a third one of any shape that broadcasts."""
    (m, k, n), dtype = draw.shape(3), draw.one((FLOAT, "float64"))
    left, right = draw.one((0, 1)), draw.one((0, 1))
    inputs = [draw.array((k, m) if left else (m, k), dtype), draw.array((n, k) if right else (k, n), dtype)]
    if draw.maybe(0.7):
        added: tuple[int, ...] = draw.one(((m, n), (n,), (1, n), (m, 1), (1,), ()))
        inputs.append(draw.array(added, dtype))
    attributes = {"transA": left, "transB": right, "alpha": draw.one((1.0, 0.5)), "beta": draw.one((1.0, 2.0))}
    return Case("Gemm", inputs, attributes, 13, draw.some(range(1, len(inputs))))


def einsum(draw: Draw) -> Case:
    """Einsum: products, diagonals, traces, sums and transposes."""
    equation = draw.one(EQUATIONS)
    dtype = draw.one((FLOAT, FLOAT, FLOAT, "int32", "float64"))
    terms = equation.partition("->")[0].split(",")
    sizes = {letter: draw.shape(1, 2, 6) for letter in sorted(set("".join(terms)) - {"."})}
    sizes["."] = draw.shape(draw.whole(1, 2), 1, 4)
    shapes = [[n for letter in term.replace("...", ".") for n in sizes[letter]] for term in terms]
    constants = draw.second_constant(0.3) if len(terms) > 1 else []
    return Case("Einsum", [draw.array(shape, dtype) for shape in shapes], {"equation": equation}, 12, constants)


FAMILIES: Mapping[str, Family] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
