"""Crashes that come and go: the compiler reads memory that it did not write, and one process differs from the next.

Seen with rknn-toolkit2 2.3.2: a graph of an int64 Identity, a Mul of constants and a Cast dies of SIGFPE in about half
of all processes. In forks of one process it is the same each time, which misleads a reduction: it ends with a model
that only dies there. So what dies is built again in new processes, the original first, and the result last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rkgraph.reduce.symptoms import BuildFails, Symptom

__all__ = ["Share", "careful", "share_of", "steadied"]

_TAKES = 4
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


def steadied(symptom: Symptom, share: Share) -> Symptom:
    """The symptom to reduce for, given how often the original shows it: half of the time is asked of candidates."""
    if share.steady or not isinstance(symptom, BuildFails):
        return symptom
    return replace(symptom, takes=_TAKES, least=max(1, share.shown // 2))


def careful(symptom: Symptom) -> Symptom:
    """The symptom where candidates have to show it in every one of several processes, as the original does."""
    return replace(symptom, takes=_TAKES - 1, least=_TAKES - 1) if isinstance(symptom, BuildFails) else symptom
