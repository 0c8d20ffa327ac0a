"""Builds of which the toolkit dies are made again in new processes, a few times, and that is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rkgraph.compile.deaths import diagnostics_of_deaths, in_how_many
from rkgraph.compile.toolchain import Toolchain
from rkgraph.toolkit.deaths import MOST
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from tests.toolkit.conftest import FAKE_TOOLKIT

Build = Callable[..., tuple[JobResult, list[str], int]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds a model of which the toolkit dies the first `count` times; the result, what was told, how many builds."""

    def run(signal: str, count: int, takes: int = MOST) -> tuple[JobResult, list[str], int]:
        model, times, told = tmp_path / "model.onnx", tmp_path / "times", list[str]()
        model.write_text(json.dumps({"build": [f"kill-first {signal} {count} {times}"]}))
        export = tmp_path / "m.rknn"
        with Toolchain(lambda: FAKE_TOOLKIT, Limits(30), takes=takes) as chain:
            done = chain.run(Job(model, export=export), told.append)
        assert export.exists() == done.ok
        return done, told, len(times.read_text())

    return run


@pytest.mark.parametrize("signal", ["SIGFPE", "SIGSEGV", "SIGABRT"])
def test_a_death_by_chance_costs_another_build(build: Build, signal: str) -> None:
    done, told, builds = build(signal, 1)
    assert (done.ok, done.deaths, builds) == (True, (signal,), 2)
    assert f"the toolkit died of {signal}: build again in a new process" in told
    assert told.count("start rknn-toolkit2 2.3.2") == 2, "a fork of the same process would share its memory"


def test_a_model_that_always_kills_it_is_left_alone_after_a_few(build: Build) -> None:
    done, _, builds = build("SIGSEGV", 99)
    assert (done.outcome, done.signal, builds) == ("died", "SIGSEGV", MOST)
    assert done.deaths == ("SIGSEGV",) * (MOST - 1)


def test_what_goes_well_or_was_ended_from_outside_is_built_once(build: Build) -> None:
    done, _, builds = build("SIGFPE", 0)
    assert (done.ok, done.deaths, builds) == (True, (), 1)


def test_kill_comes_from_outside(build: Build) -> None:
    done, _, builds = build("SIGKILL", 99)
    assert (done.signal, builds) == ("SIGKILL", 1)


def test_who_counts_deaths_gets_the_first(build: Build) -> None:
    done, _, builds = build("SIGFPE", 1, takes=1)
    assert (done.outcome, done.deaths, builds) == ("died", (), 1)


def test_the_report_says_how_often() -> None:
    assert diagnostics_of_deaths(()) == ()
    (found,) = diagnostics_of_deaths(("SIGFPE",))
    assert found.message.startswith("the toolkit died of SIGFPE in 1 of 2 builds; it does so by chance")
    assert in_how_many(()) == ""
    assert in_how_many(("SIGFPE", "SIGFPE")) == " (in each of 3 builds, each in a new process)"
