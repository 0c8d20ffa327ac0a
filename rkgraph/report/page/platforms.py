"""One model on many targets: a map of verdicts, and of the operators that do not run on the NPU everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.diagnostics import Device
from rkgraph.report.story import Story
from rkgraph.results import Result
from rkgraph.targets import Target

__all__ = ["WORST_FIRST", "Cell", "Survey", "surveys"]

WORST_FIRST = (Device.NO_KERNEL, Device.UNKNOWN, Device.CPU, Device.HOST, Device.NPU, Device.FOLDED)
_MOST_OPERATORS = 60


@dataclass(frozen=True)
class Cell:
    """A target: its verdict, how many nodes run elsewhere than on the NPU, and the NPU's share of those that work."""

    target: Target
    verdict: str
    confidence: str
    cpu: int
    no_kernel: int
    share: float
    story: int

    @property
    def heat(self) -> str:
        """How warm the cell is: "none" where all work is on the NPU, "some" up to a tenth elsewhere, else "much"."""
        return "none" if self.share == 1.0 else "some" if self.share >= 0.9 else "much"


@dataclass(frozen=True)
class Survey:
    """A model on several targets: rows are platforms, columns versions of the toolkit (None: not asked).

    `operators` has for each operator that leaves the NPU somewhere its worst device by target, in the order of
    `targets`; `stories` are the numbers of the stories that it sums up.
    """

    path: str
    toolkits: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    targets: tuple[Target, ...]
    operators: tuple[tuple[str, tuple[Device | None, ...]], ...]
    stories: tuple[int, ...]


def surveys(stories: Sequence[Story]) -> tuple[Survey, ...]:
    """A survey for each model of which there are stories on at least two targets."""
    models: dict[tuple[str, str | None], list[int]] = {}
    for number, story in enumerate(stories):
        if story.before.error is None:
            models.setdefault((story.before.model.path, story.before.model.sha256), []).append(number)
    asked = {key: {stories[number].after.target for number in numbers} for key, numbers in models.items()}
    return tuple(_survey(key[0], stories, numbers) for key, numbers in models.items() if len(asked[key]) > 1)


def _survey(path: str, stories: Sequence[Story], numbers: Sequence[int]) -> Survey:
    # Targets are compared by the model as it came: of two stories on one, the one without fixes counts.
    by_target: dict[Target, int] = {}
    for number in sorted(numbers, key=lambda number: (stories[number].changed, number)):
        by_target.setdefault(stories[number].after.target, number)
    results = {number: stories[number].after for number in numbers if number in by_target.values()}
    toolkits = sorted({result.target.toolkit for result in results.values()}, key=_version)
    platforms = dict.fromkeys(result.target.platform for result in results.values())
    cells: dict[tuple[str, str], Cell] = {}
    for number, result in results.items():
        cells.setdefault((result.target.platform, result.target.toolkit), _cell(result, number))
    rows = tuple((name, tuple(cells.get((name, version)) for version in toolkits)) for name in platforms)
    targets = tuple(dict.fromkeys(result.target for result in results.values()))
    return Survey(path, tuple(toolkits), rows, targets, _operators(tuple(results.values()), targets), tuple(numbers))


def _cell(result: Result, story: int) -> Cell:
    devices = [node.device for node in result.placement]
    counts = devices.count(Device.CPU), devices.count(Device.NO_KERNEL)
    working = len(devices) - devices.count(Device.FOLDED)
    share = devices.count(Device.NPU) / working if working else 1.0
    return Cell(result.target, result.verdict.value, result.confidence.value, *counts, share, story)


def _operators(
    results: Sequence[Result], targets: Sequence[Target]
) -> tuple[tuple[str, tuple[Device | None, ...]], ...]:
    worst: dict[str, dict[Target, Device]] = {}
    for result in results:
        for node in result.placement:
            mine = worst.setdefault(node.op, {})
            last = mine.get(result.target, Device.FOLDED)
            mine[result.target] = min(last, node.device, key=WORST_FIRST.index)
    away = {op: found for op, found in worst.items() if any(d in WORST_FIRST[:3] for d in found.values())}
    order = sorted(away, key=lambda op: (-sum(d in WORST_FIRST[:3] for d in away[op].values()), op))
    return tuple((op, tuple(away[op].get(target) for target in targets)) for op in order[:_MOST_OPERATORS])


def _version(text: str) -> tuple[int | str, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in text.split("."))
