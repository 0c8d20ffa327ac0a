"""What every kind of limit is: one small check on a node that also words itself.

A limit looks at one node (`observe`) and knows what it accepts; from the same fields come the check, the message of
a violation and the text of the reference page. What cannot be known (a symbolic dimension, an unknown dtype, an
optional input that is left out) is not observed, and what is not observed violates nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rkgraph.records import Record

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["IsConstant", "LimitKind", "Scalar", "choice", "either", "interval", "listed", "within"]

IsConstant = Callable[[str], bool]
"""Whether a value is constant when lowering starts: an initializer, or folded away before."""

Scalar = int | float | str


class LimitKind(Record, ABC):
    """What all kinds share. `label` is the name of the input, output or attribute in messages."""

    kind: ClassVar[str] = ""

    @abstractmethod
    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:
        """What is known of the thing that this limit is about: nothing, one or (for "all") several observations."""

    @abstractmethod
    def accepts(self, observed: Scalar) -> bool:
        """Whether an observation is within the limit."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the limit is about, as a noun."""

    @property
    @abstractmethod
    def requirement(self) -> str:
        """What the subject must be."""

    def check(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Scalar | None:
        """The first observation that violates the limit, None where none does."""
        return next((o for o in self.observe(node, graph, is_constant) if not self.accepts(o)), None)

    def holds(self, node: Node, graph: GraphView, is_constant: IsConstant) -> bool:
        """True where something was observed and all of it is accepted: the limit used as a condition."""
        observed = list(self.observe(node, graph, is_constant))
        return bool(observed) and all(self.accepts(o) for o in observed)

    def describe(self) -> str:
        """The limit as a sentence without a full stop: "`indices` must be int32 or float32"."""
        return f"{self.subject} must be {self.requirement}"

    @property
    def condition(self) -> str:
        """The limit as what another depends on: "`indices` is int32 or float32"."""
        return f"{self.subject} is {self.requirement}"


def listed(observed: Scalar, allowed: tuple[Scalar, ...], refused: tuple[Scalar, ...]) -> bool:
    """Whether an observation is one of `allowed`, or (where that is empty) none of `refused`."""
    return observed in allowed if allowed else observed not in refused


def choice(allowed: tuple[Scalar, ...], refused: tuple[Scalar, ...]) -> str:
    """The same in words: "int32 or float32", "other than bool"."""
    return either(allowed) if allowed else f"other than {either(refused)}"


def within(observed: Scalar, low: float | None, high: float | None) -> bool:
    """Whether a number lies in [low, high]; None is no bound, a text never does."""
    if isinstance(observed, str):
        return False
    return (low is None or observed >= low) and (high is None or observed <= high)


def interval(low: float | None, high: float | None) -> str:
    """The same in words: "at most 8191", "2 to 4"."""
    if low is None:
        return f"at most {high}"
    if high is None:
        return f"at least {low}"
    return f"{low}" if low == high else f"{low} to {high}"


def either(words: tuple[Scalar, ...]) -> str:
    """A choice in words: "a, b or c"."""
    texts = [str(w) for w in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
