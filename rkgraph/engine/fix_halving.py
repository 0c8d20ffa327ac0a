"""A batch that breaks the model's structure is halved until the fixes that break it are alone; the others stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rkgraph.engine.fix_plan import PlannedFix
from rkgraph.records import Record
from rkgraph.results import Proof

__all__ = ["ATTEMPTS", "Settled", "settle"]

ATTEMPTS = 32  # halves that are tried: one culprit among 65,536 fixes takes them all, each infers the model's shapes


class Settled(Record):
    """Which fixes stay in the model, and which do not, each with the proof of the structure that it makes."""

    kept: tuple[tuple[PlannedFix, Proof], ...]
    spoiled: tuple[tuple[PlannedFix, Proof], ...]

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """The proofs of all fixes, each once."""
        return tuple({proof.id: proof for _, proof in (*self.kept, *self.spoiled)}.values())


def settle(fixes: Sequence[PlannedFix], whole: Proof, attempt: Callable[[Sequence[PlannedFix]], Proof]) -> Settled:
    """Find the fixes that are sound together.

    Args:
        fixes: a batch.
        whole: the proof of the structure that they make together.
        attempt: puts the model at the start of the batch, applies some fixes to it, and proves its structure.

    Returns:
        What stays; the last attempt was with these fixes, if there are any. What could not be told apart in `ATTEMPTS`
        attempts is spoiled, and so is everything where sound parts do not go together.
    """
    if whole.outcome != "refuted":
        return Settled(tuple((fix, whole) for fix in fixes), ())
    sound, spoiled = _told_apart(fixes, whole, attempt)
    if not sound:
        return Settled((), spoiled)
    again = attempt(sound)
    together = tuple((fix, again) for fix in sound)
    return Settled((), (*spoiled, *together)) if again.outcome == "refuted" else Settled(together, spoiled)


def _told_apart(
    fixes: Sequence[PlannedFix], refuted: Proof, attempt: Callable[[Sequence[PlannedFix]], Proof]
) -> tuple[list[PlannedFix], tuple[tuple[PlannedFix, Proof], ...]]:
    """The fixes of parts that are sound, in their order; and the others, each with the proof against its part."""
    spoiled: dict[int, Proof] = {}
    waiting = [(range(len(fixes)), refuted)]
    left = ATTEMPTS
    while waiting:
        part, proof = waiting.pop()
        if len(part) == 1 or left < 2:
            spoiled.update(dict.fromkeys(part, proof))
            continue
        left -= 2
        middle = len(part) // 2
        for half in (part[:middle], part[middle:]):
            found = attempt([fixes[index] for index in half])
            if found.outcome == "refuted":
                waiting.append((half, found))
    sound = [fix for index, fix in enumerate(fixes) if index not in spoiled]
    return sound, tuple((fixes[index], proof) for index, proof in sorted(spoiled.items()))
