"""How far a measurement has come, in words; and a summary that fits."""

from __future__ import annotations

import pytest

from rkgraph.cli.output import Output
from rkgraph.cli.probe_text import Progress, duration, progress_text, summary
from rkgraph.probe.campaign import BASE, Step
from rkgraph.targets import Target
from tests.probe.fakes import relu

OTHER = Target("rk3576")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99, "99 s"), (100, "2 min"), (3_540, "59 min"), (3_600, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("step", "built", "seconds", "words"),
    [
        (Step(BASE, 0, 0, 40), 0, 0.0, "0 built, 40 to build"),
        (Step(BASE, 0, 10, 30), 10, 20.0, "10 built, 30 to build, 60 s left"),
        (
            Step(OTHER, 1, 10, 30, 60),
            10,
            20.0,
            "round 1, 10 built, 30 to build (and up to 60 more), 60 s to 3 min left",
        ),
        (Step(OTHER, 2, 5, 0), 15, 20.0, "round 2, 15 built, 0 to build, 0 s left"),
    ],
)
def test_progress(step: Step, built: int, seconds: float, words: str) -> None:
    assert progress_text(step, built, seconds) == words


def interrupted(*steps: Step) -> None:
    with Progress(Output(), OTHER, 2, 3) as progress:
        for step in steps:
            progress.step(step)
        raise KeyboardInterrupt


def test_rounds_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [(1, 0, 2), (1, 1, 1), (1, 2, 0), (2, 0, 5), (2, 1, 4)]
    with pytest.raises(KeyboardInterrupt):
        interrupted(*(Step(OTHER, *numbers) for numbers in steps))
    assert "[2/3] rk3576 · rknn-toolkit2 2.3.2 · fp16: 3 cases built and kept" in capsys.readouterr().err


def line(size: int, outcome: str) -> dict[str, str]:
    return {"id": relu(size).id, "op": "Relu", "outcome": outcome}


def test_a_summary_counts_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    base = {relu(n).id: line(n, "npu") for n in range(3, 9)}
    here = {relu(n).id: line(n, "npu" if n < 6 else "cpu") for n in range(3, 8)}
    summary({BASE: base, OTHER: here}, base, {each.id: each for each in map(relu, range(3, 9))}, Output())
    table, differing = capsys.readouterr().out.split("\n\n")
    rows = {row.split("  ")[0]: row.split()[-6:] for row in table.splitlines()}
    assert rows[str(BASE)] == ["6", "6", "0", "0", "0", "base"]
    assert rows[str(OTHER)] == ["5", "3", "2", "0", "0", "2"]
    assert differing.splitlines()[-1].split() == ["Relu", "npu", "cpu", "2", relu(6).id]
