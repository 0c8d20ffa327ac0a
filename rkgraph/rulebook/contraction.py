"""Writes an Einstein summation with Reshape, Transpose, ReduceSum, Mul and MatMul.

Dimensions of 1 are dropped on the way, so that what is broadcast needs no case of its own, and come back at the end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rkgraph.analysis.einsum import Equation, Labels, plan_product
from rkgraph.rulebook.generated import MOST_NODES, bounded
from rkgraph.rulebook.known import NotKnown
from rkgraph.rulebook.writer import Writer

__all__ = ["write_sum"]

_NODES_PER_OPERAND = 8
_LARGEST_RANK = 4


def write_sum(writer: Writer, equation: Equation, operands: Sequence[str], sizes: Mapping[str, int]) -> str:
    """The value of `equation` of these operands, in the shape that its result has; `sizes`: of all labels.

    Raises:
        NotKnown: there are too many operands, or something on the way is too large.
    """
    if len(operands) * _NODES_PER_OPERAND > MOST_NODES:
        raise NotKnown(f"{len(operands)} operands are more than are multiplied one by one")
    return _Summation(writer, equation.result, sizes).of(equation.operands, operands)


@dataclass(frozen=True)
class _Term:
    """A value, the shape that it has, and the labels of its dimensions other than 1 (some may be merged in `shape`)."""

    name: str
    shape: tuple[int, ...]
    labels: Labels


@dataclass(frozen=True)
class _Summation:
    writer: Writer
    result: Labels
    sizes: Mapping[str, int]

    def of(self, labels: Sequence[Labels], names: Sequence[str]) -> str:
        """The summation of these values."""
        terms = [self._diagonal(name, own) for name, own in zip(names, labels, strict=True)]
        terms = [self._summed(term, [t for t in terms if t is not term]) for term in terms]
        while len(terms) > 1:
            i, j = self._next_pair(terms)
            rest = [term for k, term in enumerate(terms) if k not in (i, j)]
            terms = [self._multiplied(terms[i], terms[j], self._kept(rest)), *rest]
        ordered = tuple(label for label in self.result if label in terms[0].labels)
        return self._shaped(self._laid_out(terms[0], ordered), self._sizes(self.result)).name

    def _sizes(self, labels: Collection[str]) -> tuple[int, ...]:
        return tuple(self.sizes[label] for label in labels)

    def _kept(self, others: Sequence[_Term]) -> set[str]:
        """The labels that the result or another operand has."""
        return {*self.result, *(label for term in others for label in term.labels)}

    def _diagonal(self, name: str, labels: Labels) -> _Term:
        """The operand; where a label repeats, only the elements on that diagonal."""
        shape = tuple(size for size in self.writer.graph.value(name).shape or () if isinstance(size, int))
        wide = tuple(label for label, size in zip(labels, shape, strict=True) if size != 1)
        repeated = next((label for label, count in Counter(wide).items() if count > 1), None)
        if repeated is None:
            return _Term(name, shape, wide)
        size, count = self.sizes[repeated], wide.count(repeated)
        rest = tuple(label for label in wide if label != repeated)
        if len(set(rest)) < len(rest):
            raise NotKnown(f"{name} has two diagonals")
        order = sorted(range(len(wide)), key=lambda place: wide[place] == repeated)
        squeezed = self._shaped(_Term(name, shape, wide), self._sizes(wide))
        moved = self.writer.transpose(squeezed.name, order)
        flat = self.writer.reshape(moved, (*self._sizes(rest), size**count))
        step = sum(size**power for power in range(count))
        places = self.writer.integers([place * step for place in range(size)], "diagonal")
        picked = self.writer.op("Gather", flat, places, axis=len(rest))
        return _Term(picked, (*self._sizes(rest), size), (*rest, repeated))

    def _summed(self, term: _Term, others: Sequence[_Term]) -> _Term:
        """The term, summed over the labels that nobody else has."""
        left = tuple(label for label in term.labels if label in self._kept(others))
        if left == term.labels:
            return term
        axes = [place for place, label in enumerate(term.labels) if label not in left]
        squeezed = self._shaped(term, self._sizes(term.labels))
        return _Term(self.writer.reduce("ReduceSum", squeezed.name, axes, keepdims=False), self._sizes(left), left)

    def _next_pair(self, terms: Sequence[_Term]) -> tuple[int, int]:
        """The two operands whose product is smallest; the first two where there is a choice."""

        def size(pair: tuple[int, int]) -> int:
            kept = self._kept([term for place, term in enumerate(terms) if place not in pair])
            both = {*terms[pair[0]].labels, *terms[pair[1]].labels}
            return math.prod(self._sizes(both & kept))

        return min(((i, j) for j in range(len(terms)) for i in range(j)), key=size)

    def _multiplied(self, left: _Term, right: _Term, kept: Collection[str]) -> _Term:
        plan = plan_product(left.labels, right.labels, kept, self.result, self.sizes)
        bounded("an intermediate product", self._sizes(plan.result))
        one, two = (right, left) if plan.swapped else (left, right)
        one, two = self._laid_out(one, plan.first), self._laid_out(two, plan.second)
        batch, rows, columns = (self._sizes(labels) for labels in (plan.batch, plan.rows, plan.columns))
        if not plan.inner:
            one = self._shaped(one, (*batch, *rows, *(1 for _ in columns)))
            two = self._shaped(two, (*batch, *(1 for _ in rows), *columns))
            return _Term(self.writer.op("Mul", one.name, two.name), (*batch, *rows, *columns), plan.result)
        if len(batch) + 2 > _LARGEST_RANK:
            batch = (math.prod(batch),)
        height, width, inner = math.prod(rows), math.prod(columns), math.prod(self._sizes(plan.inner))
        one, two = self._shaped(one, (*batch, height, inner)), self._shaped(two, (*batch, inner, width))
        return _Term(self.writer.op("MatMul", one.name, two.name), (*batch, height, width), plan.result)

    def _laid_out(self, term: _Term, wanted: Labels) -> _Term:
        """The term with its labels in another order."""
        if term.labels == wanted:
            return term
        split = self._shaped(term, self._sizes(term.labels))
        name = self.writer.transpose(split.name, [term.labels.index(label) for label in wanted])
        return _Term(name, self._sizes(wanted), wanted)

    def _shaped(self, term: _Term, shape: tuple[int, ...]) -> _Term:
        """The term with the same elements in another shape."""
        if term.shape == shape:
            return term
        if not shape:
            return _Term(self.writer.squeeze(term.name, range(len(term.shape))), (), term.labels)
        return _Term(self.writer.reshape(term.name, shape), shape, term.labels)
