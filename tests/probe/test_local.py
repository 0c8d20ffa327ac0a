"""Threads with a toolkit worker each: what ends them, and that nothing is left."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from rkgraph.errors import ToolkitMissing
from rkgraph.probe.local import LocalExecutor
from rkgraph.probe.measure import measure
from rkgraph.probe.plan import all_cases
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import Toolkit
from tests.probe.fakes import SCRIPT, SCRIPTED_TOOLKIT, relu
from tests.toolkit.conftest import eventually, private_tmp

__all__ = ["private_tmp"]

TARGET = Target()
TEXTS = [relu(size).text for size in range(3, 9)]


def script(monkeypatch: pytest.MonkeyPatch, **stages: list[str]) -> None:
    monkeypatch.setenv(SCRIPT, json.dumps(stages))


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_every_model_is_built(jobs: int, private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, build=["print-error E something is wrong", "fail the reason"])
    with LocalExecutor(lambda _version: SCRIPTED_TOOLKIT, jobs) as executor:
        first = dict(executor.run(TEXTS[:4], TARGET))
        second = dict(executor.run(TEXTS[4:], TARGET))
    assert sorted([*first, *second]) == sorted(TEXTS)
    assert {facts.ended for facts in (*first.values(), *second.values())} == {"build-failed"}
    assert all("the reason" in facts.error for facts in first.values())


def test_nothing_to_do_starts_nothing() -> None:
    def find(_version: str) -> Toolkit:
        raise AssertionError("nobody needs it")

    with LocalExecutor(find) as executor:
        assert list(executor.run([], TARGET)) == []


def test_a_missing_toolkit_is_told() -> None:
    def find(version: str) -> Toolkit:
        raise ToolkitMissing(f"{version} is not installed")

    with LocalExecutor(find) as executor, pytest.raises(ToolkitMissing, match=r"2\.3\.2"):
        next(executor.run(TEXTS, TARGET))


def test_what_a_thread_raises_is_told(private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    with LocalExecutor(lambda _version: SCRIPTED_TOOLKIT, 2) as executor, pytest.raises(Exception, match="ParseError"):
        list(executor.run(["no ONNX text", *TEXTS], TARGET))


def test_closing_ends_what_is_under_way(private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One model is built, the next would take an hour."""
    script(monkeypatch, build=[f"once {private_tmp.parent / 'once'}", "sleep 3600"])
    threads = threading.active_count()
    with LocalExecutor(lambda _version: SCRIPTED_TOOLKIT) as executor:
        results = executor.run(TEXTS, TARGET)
        assert next(results)[0] == TEXTS[0]
        assert eventually(lambda: bool(list(private_tmp.rglob("case.onnx"))))
        results.close()  # type: ignore[attr-defined]  # it is a generator
        assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("action", "ended", "jobs"),
    [
        ("kill SIGKILL", "died", 2),
        ("sleep 3600", "timed-out", 2),
        ("kill SIGSEGV", "died", 1),
        ("fail x", "build-failed", 1),
    ],
)
def test_what_chance_may_have_ended_is_built_again(
    action: str, ended: str, jobs: int, private_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, build=[action])
    with Worker(SCRIPTED_TOOLKIT, Limits(seconds=0.5)) as worker:
        assert measure(TEXTS[0], TARGET, worker).ended == ended
        assert worker._process is not None
        assert worker._process._jobs == jobs


def test_a_worker_that_is_killed_is_replaced(private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    with Worker(SCRIPTED_TOOLKIT) as worker:
        worker.start()
        worker.abort()
        assert measure(TEXTS[0], TARGET, worker).ended == "ok"


@pytest.mark.parametrize("op", ["SequenceLength", "Identity", "Cast", "StringNormalizer", "Relu"])
def test_every_case_can_be_calibrated(op: str, private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the types of its inputs are, sequences and strings too."""
    script(monkeypatch)
    texts = [each.text for each in all_cases().values() if each.op == op][::7] or [TEXTS[0]]
    with LocalExecutor(lambda _version: SCRIPTED_TOOLKIT) as executor:
        found = dict(executor.run(texts, Target("rv1106", "2.3.2", "w8a8")))
    assert {facts.ended for facts in found.values()} == {"ok"}
