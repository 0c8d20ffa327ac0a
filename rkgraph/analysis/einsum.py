"""Einstein summation: what an equation says, and how a product of two operands becomes one matrix product.

Labels are letters; dimensions under an ellipsis get labels of their own, "…0" being the last of them, so that they line
up from the right as in broadcasting. Nothing here knows of graphs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

__all__ = ["Equation", "Labels", "Product", "plan_product", "read_equation", "sizes_of"]

Labels = tuple[str, ...]

_TERM = re.compile(r"[A-Za-z]*(\.\.\.[A-Za-z]*)?")


@dataclass(frozen=True)
class Equation:
    """The labels of each operand, and those of the result."""

    operands: tuple[Labels, ...]
    result: Labels


def read_equation(text: str, ranks: Sequence[int]) -> Equation:
    """An equation as ONNX's Einsum has it (numpy's, explicit or implicit), for operands of these ranks.

    Raises:
        ValueError: it is malformed, or does not fit the operands.
    """
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    wrong = next((term for term in (*terms, right) if not _TERM.fullmatch(term)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no term of an equation")
    if len(terms) != len(ranks):
        raise ValueError(f"the equation has {len(terms)} operands, the node {len(ranks)}")
    widest = max((rank - _letters(term) for term, rank in zip(terms, ranks, strict=True) if "..." in term), default=0)
    operands = tuple(_labels(term, rank) for term, rank in zip(terms, ranks, strict=True))
    covered = tuple(f"…{place}" for place in reversed(range(widest)))
    counts = Counter(label for labels in operands for label in labels)
    if arrow:
        before, _, after = right.partition("...")
        result = (*before, *(covered if "..." in right else ()), *after)
    else:
        result = (*covered, *sorted(label for label, count in counts.items() if count == 1 and label not in covered))
    if len(set(result)) < len(result) or not set(result) <= set(counts):
        raise ValueError("the result repeats a label, or has one that no operand has")
    return Equation(operands, result)


def _letters(term: str) -> int:
    return len(term.replace(".", ""))


def _labels(term: str, rank: int) -> Labels:
    before, ellipsis, after = term.partition("...")
    hidden = rank - _letters(term)
    if hidden < 0 or (hidden and not ellipsis):
        raise ValueError(f"{term!r} does not fit an operand of rank {rank}")
    return (*before, *(f"…{place}" for place in reversed(range(hidden))), *after)


def sizes_of(equation: Equation, shapes: Sequence[Sequence[int]]) -> dict[str, int]:
    """The size of each label; a dimension of 1 goes with any other, as in broadcasting.

    Raises:
        ValueError: a label stands for two sizes.
    """
    sizes: dict[str, int] = {}
    for labels, shape in zip(equation.operands, shapes, strict=True):
        for label, size in zip(labels, shape, strict=True):
            if sizes.get(label, 1) != size and 1 not in (sizes.get(label, 1), size):
                raise ValueError(f"{label} is {sizes[label]} in one operand and {size} in another")
            sizes[label] = max(sizes.get(label, 1), size)
    return sizes


@dataclass(frozen=True)
class Product:
    """Two operands as matrices: first[batch, rows, inner] · second[batch, inner, columns].

    `swapped`: the second operand of the summation stands on the left. What comes out is [batch, rows, columns].
    """

    batch: Labels
    rows: Labels
    columns: Labels
    inner: Labels
    swapped: bool

    @property
    def first(self) -> Labels:
        """The order in which the left matrix is laid out."""
        return (*self.batch, *self.rows, *self.inner)

    @property
    def second(self) -> Labels:
        """The order in which the right matrix is laid out."""
        return (*self.batch, *self.inner, *self.columns)

    @property
    def result(self) -> Labels:
        """The order of the product's dimensions."""
        return (*self.batch, *self.rows, *self.columns)


def plan_product(
    left: Labels, right: Labels, kept: Collection[str], wanted: Labels, sizes: Mapping[str, int]
) -> Product:
    """The matrix product of two operands that moves least: of all orders, the one with the smallest transposes.

    Args:
        left: labels of the first operand, none twice; those that only it has and that are not kept are summed before.
        right: the same of the second.
        kept: labels of the result, and of operands that follow.
        wanted: the order in which the result is wanted, as far as labels of it occur here.
        sizes: of all labels.
    """
    shared = [label for label in left if label in right]
    candidates: list[tuple[int, Product]] = []
    for swapped in (False, True):
        a, b = (right, left) if swapped else (left, right)
        batches = _orders([label for label in shared if label in kept], a, b, wanted)
        inners = _orders([label for label in shared if label not in kept], a, b)
        rows = _orders([label for label in a if label not in b], a, wanted)
        columns = _orders([label for label in b if label not in a], b, wanted)
        for batch, inner, row, column in product(batches, inners, rows, columns):
            plan = Product(batch, row, column, inner, swapped)
            candidates.append((_moved(plan, a, b, wanted, sizes), plan))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _orders(labels: Sequence[str], *by: Labels) -> list[Labels]:
    """The labels in the orders of `by`, each order once; labels that `by` lacks keep their place at the end."""
    orders = [tuple(sorted(labels, key=lambda label: one.index(label) if label in one else len(one))) for one in by]
    return list(dict.fromkeys(orders))


def _moved(plan: Product, a: Labels, b: Labels, wanted: Labels, sizes: Mapping[str, int]) -> int:
    """How many elements the transposes of a plan move."""
    ends = tuple(label for label in wanted if label in plan.result)
    ends += tuple(label for label in plan.result if label not in ends)
    pairs = ((a, plan.first), (b, plan.second), (plan.result, ends))
    return sum(_volume(have, sizes) for have, want in pairs if have != want)


def _volume(labels: Labels, sizes: Mapping[str, int]) -> int:
    volume = 1
    for label in labels:
        volume *= sizes[label]
    return volume
