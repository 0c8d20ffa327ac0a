"""The state of a reduction: the best candidate so far, what was tried before, and what is left of the budget."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from rkgraph.graph.save import save_model
from rkgraph.graph.weights import Weights
from rkgraph.reduce.facts import Facts
from rkgraph.reduce.measure import Size, measure
from rkgraph.reduce.outcome import Outcome, Predicate, Slipped
from rkgraph.reduce.validity import Validity

__all__ = ["Best", "Budget", "Search", "Spent"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Budget:
    """How much a reduction may cost.

    Attributes:
        tries: how often the predicate may be asked (a build each).
        seconds: wall-clock time after which no candidate is tried any more.
    """

    tries: int = 1000
    seconds: float = 1800.0


class Spent(Exception):
    """The budget is used up; `why` is "tries" or "time"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, eq=False)
class Best:
    """A candidate that shows it."""

    proto: onnx.ModelProto
    outcome: Outcome
    size: Size


class Search:
    """Asks the predicate, at most once for each candidate.

    Attributes:
        best: the smallest candidate so far that shows it.
        weights: where the bytes of its large tensors are.
        validity: what candidates are held to.
        learnt: names of tensors of the original that are more than structure.
        computed: names of values that the original computes, and of its inputs.
        tries: how often the predicate was asked.
        stage: what is being done, for progress.
    """

    def __init__(  # noqa: PLR0917  # what it works on, then what it works with
        self,
        best: Best,
        weights: Weights,
        validity: Validity,
        predicate: Predicate,
        budget: Budget,
        tell: Tell,
        folder: Path,
        *,
        learnt: frozenset[str],
        computed: frozenset[str],
        second_look: Predicate | None = None,
    ) -> None:
        self.best = best
        self.weights = weights
        self.validity = validity
        self.learnt = learnt
        self.computed = computed
        self.stage = ""
        self.tries = 1  # the original
        self._predicate = predicate
        self._second_look = second_look
        self._budget = budget
        self._tell = tell
        self._folder = folder
        self._began = time.monotonic()
        self._first = best.size
        self._memo: dict[bytes, Outcome] = {}
        self._facts: tuple[onnx.ModelProto, Facts] | None = None

    @property
    def seconds(self) -> float:
        """Since the search began."""
        return time.monotonic() - self._began

    @property
    def facts(self) -> Facts:
        """Of the best candidate."""
        if self._facts is None or self._facts[0] is not self.best.proto:
            self._facts = self.best.proto, Facts(self.best.proto)
        return self._facts[1]

    def attempt(self, proto: onnx.ModelProto | None, *, even_if_larger: bool = False) -> bool:
        """Whether `proto` is sound, smaller than the best candidate and shows it; it is the best one then.

        Raises:
            Spent: the predicate would have to be asked, and may not.
        """
        sound = None if proto is None else self.validity.completed(proto)
        if sound is None:
            return False
        size = measure(sound)
        if size >= self.best.size and not even_if_larger:
            return False
        outcome = self._ask(sound)
        if outcome.shows:
            self.best = Best(sound, outcome, size)
        return outcome.shows

    def last_words(self, proto: onnx.ModelProto, predicate: Predicate) -> bool:
        """Like `attempt` with a predicate of its own, whatever the size, and beyond the budget."""
        sound = self.validity.completed(proto)
        if sound is None:
            return False
        outcome = self._run(sound, predicate)
        if outcome.shows:
            self.best = Best(sound, outcome, measure(sound))
        return outcome.shows

    def step(self, step: Callable[[Search], None]) -> None:
        """Take a step of the reduction, and look a second time at what came of it.

        Raises:
            Spent: as `attempt`.
            Slipped: the second look does not confirm it.
        """
        before = self.best
        step(self)
        if self._second_look is None or self.best is before:
            return
        self.stage += ", looked at again"
        if not self._run(self.best.proto, self._second_look).shows:
            raise Slipped

    def _ask(self, proto: onnx.ModelProto) -> Outcome:
        key = hashlib.sha256(proto.SerializeToString(deterministic=True)).digest()
        if key not in self._memo:
            if self.tries >= self._budget.tries:
                raise Spent("tries")
            if self.seconds >= self._budget.seconds:
                raise Spent("time")
            self._memo[key] = self._run(proto, self._predicate)
        return self._memo[key]

    def _run(self, proto: onnx.ModelProto, predicate: Predicate) -> Outcome:
        self.tries += 1
        left = f"{self.best.size.nodes} of {self._first.nodes} nodes, {self.best.size.bytes / 1000:,.0f} kB left"
        self._tell(f"{self.stage}: {left}, try {self.tries}")
        path = self._folder / "candidate.onnx"
        save_model(proto, self.weights, path, "inline", in_place=False)
        return predicate(path)
