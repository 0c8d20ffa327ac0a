"""Writes updates at indexed places along one axis: what is replaced, added, multiplied, or compared.

Data are [before, size, behind], indices [before, count, behind or 1], updates [before, count, behind].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook import whole_numbers as whole
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import FLOATS, NotKnown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.rulebook.writer import Writer

__all__ = ["MOST_UPDATES", "Places", "Updates", "combined", "sliced", "spliced", "updated"]

MOST_UPDATES = 64
"""Along one axis, where their order counts: each is a node."""


@dataclass(frozen=True)
class Updates:
    """A value of updates, of float `dtype` or int64, and what they do: none (replace), add, mul, max or min."""

    name: str
    dtype: str
    reduction: str = "none"


@dataclass(frozen=True)
class Places:
    """Where updates go.

    Attributes:
        before, size, behind: the data's dimensions before the axis, along it, and behind it, as three sizes.
        count: updates along the axis.
        each: dimensions of the indices behind the axis: `behind`, or 1 where whole rows are updated.
        indices: a value of the graph, int64 or int32, negative ones from the end.
        dtype: of the indices.
    """

    before: int
    size: int
    behind: int
    count: int
    each: int
    indices: str
    dtype: str


def updated(writer: Writer, data: str, given: Updates, places: Places) -> str:
    """The data, [before, size, behind], with the updates at computed places. What comes later in order wins.

    Raises:
        NotKnown: there are too many updates whose order counts, or what lies in between is too large.
    """
    before, size, behind, count = places.before, places.size, places.behind, places.count
    bounded("the comparison of all indices", (count, before, size, behind))
    met = _met(writer, places)
    data = writer.reshape(data, (1, before, size, behind))
    updates = writer.reshape(writer.transpose(given.name, (1, 0, 2)), (count, before, 1, behind))
    if before * behind == 1:  # a Where of which an operand is one element kills the toolkit (2.3.2)
        updates = writer.op("Expand", updates, writer.integers((count, 1, size, 1), "wide"))
    reduction, dtype = given.reduction, given.dtype
    if reduction == "add":
        chosen = writer.op("Where", met, updates, writer.constant(0, dtype, "zero"))
        new = writer.op("Add", data, writer.reduce("ReduceSum", chosen, [0]))
    elif reduction in ("max", "min") and dtype in FLOATS:
        if reduction == "min":
            data, updates = writer.op("Neg", data), writer.op("Neg", updates)
        new = writer.op("Max", data, writer.reduce("ReduceMax", writer.op("Where", met, updates, data), [0]))
        new = writer.op("Neg", new) if reduction == "min" else new
    else:
        new = _in_order(writer, data, (met, updates, count), given)
    return writer.reshape(new, (before, size, behind))


def _met(writer: Writer, places: Places) -> str:
    """Which element each update goes to: bool [count, before, size, each]."""
    import numpy as np

    size = writer.constant(places.size, places.dtype, "size")
    rows = writer.constant(np.arange(places.size).reshape(1, 1, -1, 1), places.dtype, "rows")
    ordered = writer.transpose(writer.op("Mod", places.indices, size), (1, 0, 2))
    return writer.op("Equal", writer.reshape(ordered, (places.count, places.before, 1, places.each)), rows)


def _in_order(writer: Writer, data: str, met: tuple[str, str, int], given: Updates) -> str:
    hits, updates, count = met
    if count > MOST_UPDATES:
        raise NotKnown(f"{count} updates one after the other are more than {MOST_UPDATES}")
    parts = zip(writer.split(hits, 0, [1] * count), writer.split(updates, 0, [1] * count), strict=True)
    for hit, update in parts:
        data = _combined(writer, data, update, hit, given)
    return data


def combined(writer: Writer, data: str, given: Updates, targets: npt.NDArray[np.int_], shape: Sequence[int]) -> str:
    """The data, of `shape`, with updates at places that are known; `targets`: the flat place of each update.

    Updates of one place are taken one after the other, in as many rounds as a place has updates at most.

    Raises:
        NotKnown: there are too many rounds, or an unknown reduction.
    """
    import numpy as np

    bounded("the selection", shape)
    flat = writer.reshape(given.name, (-1,))
    rounds = _rounds(targets.ravel(), int(np.prod(shape)), last_only=given.reduction == "none")
    for winners in rounds:
        numbers = winners.clip(min=0).tolist()
        chosen = writer.reshape(writer.op("Gather", flat, writer.integers(numbers, "winners"), axis=0), shape)
        if given.reduction == "none" and winners.min() >= 0:
            return chosen  # a mask that is true everywhere ends the build
        mask = writer.constant((winners >= 0).reshape(shape), "bool", "updated")
        data = _combined(writer, data, chosen, mask, given)
    return data


def _rounds(targets: npt.NDArray[np.int_], size: int, *, last_only: bool) -> list[npt.NDArray[np.int_]]:
    """For each round the number of the update that an element is given, −1 for none."""
    import numpy as np

    seen = np.zeros(size, dtype=int)
    rounds: list[npt.NDArray[np.int_]] = []
    for number, target in enumerate(targets.tolist()):
        place = 0 if last_only else int(seen[target])
        seen[target] += 1
        if place == len(rounds):
            rounds.append(np.full(size, -1))
        if place >= MOST_UPDATES:
            raise NotKnown(f"an element is updated more than {MOST_UPDATES} times")
        rounds[place][target] = number
    return rounds


def _combined(writer: Writer, data: str, chosen: str, mask: str, given: Updates) -> str:
    reduction = given.reduction
    if reduction == "none":
        return writer.op("Where", mask, chosen, data)
    if reduction in ("add", "mul"):
        neutral = writer.constant(int(reduction == "mul"), given.dtype, "neutral")
        op = "Add" if reduction == "add" else "Mul"
        return writer.op(op, data, writer.op("Where", mask, chosen, neutral))
    if reduction == "max":
        return _larger(writer, data, writer.op("Where", mask, chosen, data), given.dtype)
    if reduction == "min":  # Min has no kernel on the board
        least, other = (_turned_round(writer, value, given.dtype) for value in (data, chosen))
        found = _larger(writer, least, writer.op("Where", mask, other, least), given.dtype)
        return _turned_round(writer, found, given.dtype)
    raise NotKnown(f"reduction {reduction!r}")


def _larger(writer: Writer, a: str, b: str, dtype: str) -> str:
    return writer.op("Max", a, b) if dtype in FLOATS else whole.maximum(writer, (a, b), dtype)


def _turned_round(writer: Writer, x: str, dtype: str) -> str:
    """The numbers in the opposite order."""
    return writer.op("Neg", x) if dtype in FLOATS else whole.complement(writer, x, dtype)


def sliced(winners: npt.NDArray[np.int_], total: int) -> tuple[int, list[int], int] | None:
    """Whether whole slices are replaced: along which axis, by which slice of the updates each (−1: none), of how many.

    `winners` holds for each element the flat number of the update that replaces it, of `total` updates.
    """
    import numpy as np

    for axis, size in enumerate(winners.shape):
        slices = np.moveaxis(winners, axis, 0).reshape(size, -1)
        count, rest = divmod(total, slices.shape[1])
        if rest or not ((slices >= 0).all(axis=1) | (slices < 0).all(axis=1)).all():
            continue
        laid_out = np.arange(total).reshape(*winners.shape[:axis], count, *winners.shape[axis + 1 :])
        rows = np.moveaxis(laid_out, axis, 0).reshape(count, -1)
        places = {int(row[0]): number for number, row in enumerate(rows)}
        found = [places.get(int(one[0]), -1) for one in slices]
        if all((rows[row] == one).all() if row >= 0 else one[0] < 0 for row, one in zip(found, slices, strict=True)):
            return axis, found, count
    return None


def spliced(writer: Writer, data: str, updates: str, slices: tuple[int, Sequence[int], int]) -> str | None:
    """The data with whole slices replaced as `sliced` found; None where that takes too many pieces."""
    axis, rows, count = slices
    pieces: list[tuple[bool, int, int]] = []  # of the updates?, begin, end
    for place, row in enumerate(rows):
        new, at = row >= 0, row if row >= 0 else place
        if pieces and pieces[-1][0] == new and pieces[-1][2] == at:
            pieces[-1] = (new, pieces[-1][1], at + 1)
        else:
            pieces.append((new, at, at + 1))
    if len(pieces) > MOST_UPDATES:
        return None
    parts = []
    for new, begin, end in pieces:
        source, length = (updates, count) if new else (data, len(rows))
        parts.append(source if end - begin == length else writer.slice(source, [axis], [begin], [end]))
    return writer.concat(parts, axis)
