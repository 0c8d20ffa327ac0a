"""What a gate judges: for each model and target everything that the reports say, from the first word to the last."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from rkgraph.report.story import Story, stories
from rkgraph.report.visible import one_line
from rkgraph.results import Report
from rkgraph.targets import Target

__all__ = ["Subject", "subjects"]


@dataclass(frozen=True)
class Subject:
    """A model on a target: `path` is that of the model as it came, as it was given."""

    path: str
    target: Target
    story: Story

    @property
    def name(self) -> str:
        """Path and target in one line, to be read."""
        return f"{one_line(self.path)} on {self.place}"

    @property
    def place(self) -> str:
        """The target in one word: "rk3588/2.3.2/fp16"."""
        return one_line(f"{self.target.platform}/{self.target.toolkit}/{self.target.precision}")

    @property
    def key(self) -> tuple[str, Target]:
        """What is the same in two runs."""
        return self.path, self.target


def subjects(reports: Iterable[Report]) -> tuple[Subject, ...]:
    """The models of all reports, in order; what several reports say of one model on one target is one story."""
    told: dict[tuple[str, Target], Story] = {}
    for report in reports:
        for story in stories(report):
            key = (_path(story.before.model.path), story.before.target)
            results = (*told[key].results, *story.results) if key in told else story.results
            told[key] = Story(results)
    return tuple(Subject(*key, story) for key, story in told.items())


def _path(path: str) -> str:
    """The path as posix has it, "./models//a.onnx" as "models/a.onnx"."""
    return posixpath.normpath(PurePath(path).as_posix())
