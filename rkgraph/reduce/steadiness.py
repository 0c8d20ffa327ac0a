"""Crashes that come and go: the compiler reads memory that it did not write, and one process differs from the next.

Seen with rknn-toolkit2 2.3.2: a graph of an int64 Identity, a Mul of constants and a Cast dies of SIGFPE in about half
of all processes. In forks of one process it is the same each time, which misleads a reduction: it ends with a model
that only dies there. So a result that dies is built again in new processes; if it does not die in all, the original
is, and the reduction is made again, with every candidate built in several.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rkgraph.reduce.symptoms import BuildFails, Symptom

__all__ = ["Share", "careful", "share_of"]

_TAKES = 3
"""Builds that are looked at, each in a process of its own."""


@dataclass(frozen=True)
class Share:
    """In how many of how many builds it is shown."""

    shown: int
    takes: int

    @property
    def steady(self) -> bool:
        """In all of them."""
        return self.shown == self.takes

    def __str__(self) -> str:
        return f"{self.shown} of {self.takes} builds"


def share_of(symptom: Symptom, model: Path) -> Share:
    """How often `model` shows it; anything but a death is the same each time, and not asked again."""
    if not isinstance(symptom, BuildFails) or symptom.failure.signal is None:
        return Share(1, 1)
    shown = [symptom.once(model, take).shows for take in range(_TAKES)]
    return Share(sum(shown), _TAKES)


def careful(symptom: Symptom, original: Share) -> Symptom:
    """The symptom where candidates are built in several processes, and show it about as often as the original does."""
    if not isinstance(symptom, BuildFails):
        return symptom
    return replace(symptom, takes=_TAKES, least=_TAKES if original.steady else max(1, original.shown // 2))
