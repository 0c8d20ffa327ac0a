"""The search: one knob after the other, each value tried on top of the best so far, the better one kept.

Greedy and short, for every trial costs a build: knobs of one model hardly depend on each other, and what was tried
before comes from the cache when the search is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from rkgraph.records import Record
from rkgraph.tune.score import Score

__all__ = ["Knob", "Setting", "Trial", "Tuned", "search"]


class Setting(Record):
    """What is tried.

    Attributes:
        candidates: codes of rules whose fixes may or may not pay, and are made.
        without: codes of cuts that are left out.
        shards: parts of an output projection; 0: it stays whole.
        level: the toolkit's optimization_level; None: its default.
    """

    candidates: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    shards: int = 0
    level: int | None = None

    @property
    def words(self) -> str:
        """The setting in a few words."""
        told = [f"with {code}" for code in sorted(self.candidates)] + [
            f"without {code}" for code in sorted(self.without)
        ]
        told += [f"{self.shards} shards"] if self.shards else []
        told += [f"optimization_level = {self.level}"] if self.level is not None else []
        return ", ".join(told) or "as fixed"


class Knob(Record):
    """One thing to turn: what each of its values makes of a setting."""

    values: tuple[Callable[[Setting], Setting], ...]

    @classmethod
    def candidate(cls, code: str) -> Knob:
        """Make the fixes of a rule."""
        return cls((lambda setting: replace(setting, candidates=setting.candidates | {code}),))

    @classmethod
    def cut(cls, code: str) -> Knob:
        """Leave a cut out."""
        return cls((lambda setting: replace(setting, without=setting.without | {code}),))

    @classmethod
    def of(cls, name: str, values: Sequence[int]) -> Knob:
        """Try numbers for a field."""
        return cls(tuple(_setter(name, value) for value in values))


class Trial(Record):
    """One setting that was tried: its score, or why it has none; `rules` of the toolkit that were switched off."""

    setting: Setting
    score: Score | None
    error: str = ""
    rules: tuple[str, ...] = ()


class Tuned(Record):
    """The trials in their order; `best` is one of them. `stopped` is "", "time" or "interrupted"."""

    trials: tuple[Trial, ...]
    best: Trial
    stopped: str = ""
    build: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """Plain data for the report."""
        setting = self.best.setting
        return {
            "trials": [
                {
                    "what": trial.setting.words,
                    "kept": trial is self.best,
                    "score": trial.score.record if trial.score is not None else None,
                    "error": trial.error,
                }
                for trial in self.trials
            ],
            "kept": {
                "candidates": sorted(setting.candidates),
                "left_out": sorted(setting.without),
                "lm_head_shards": setting.shards,
                "build": dict(self.build),
            },
            "stopped": self.stopped,
        }


def search(
    start: Setting, knobs: Sequence[Knob], measure: Callable[[Setting], Trial], is_late: Callable[[], bool]
) -> Tuned:
    """Turn the knobs in their order.

    Args:
        start: the setting to begin with; it is always measured.
        knobs: what to turn.
        measure: builds, and says what came of it.
        is_late: True when no further trial is to begin.

    Returns:
        The best setting found. Ctrl-C ends the search with what is best so far, unless nothing has been measured yet.
    """
    best = measure(start)
    trials, tried, stopped = [best], {start}, ""
    try:
        for knob in knobs:
            base = best.setting
            for value in knob.values:
                setting = value(base)
                if setting in tried:
                    continue
                if is_late():
                    return _tuned(trials, best, "time")
                tried.add(setting)
                trials.append(measure(setting))
                if _is_better(trials[-1], best):
                    best = trials[-1]
    except KeyboardInterrupt:
        stopped = "interrupted"
    return _tuned(trials, best, stopped)


def _tuned(trials: Sequence[Trial], best: Trial, stopped: str) -> Tuned:
    build: dict[str, Any] = {}
    if best.setting.level is not None:
        build["optimization_level"] = best.setting.level
    if best.rules:
        build["disable_rules"] = list(best.rules)
    return Tuned(tuple(trials), best, stopped, build)


def _is_better(trial: Trial, best: Trial) -> bool:
    if trial.score is None:
        return False
    return best.score is None or trial.score < best.score


def _setter(name: str, value: int) -> Callable[[Setting], Setting]:
    changed: dict[str, Any] = {name: value}
    return lambda setting: replace(setting, **changed)
