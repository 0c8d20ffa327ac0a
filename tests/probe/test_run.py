"""Cases are built once, each result is kept as it comes, and an interrupted run goes on where it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.probe.case import Case
from rkgraph.probe.facts import Facts
from rkgraph.probe.run import run_cases, unmeasured
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target
from tests.probe.fakes import FakeExecutor, npu, relu

TARGET = Target()
OTHERS = (Target("rk3576"), Target("rk3588", "2.5.0"), Target("rk3588", "2.3.2", "w8a8"))


def test_every_case_is_built_once(tmp_path: Path) -> None:
    store, executor, cases = ProbeStore(tmp_path), FakeExecutor(), [relu(3), relu(4)]
    told: list[str] = []
    run_cases(cases, TARGET, executor, store, lambda each: told.append(each.id))
    run_cases([*cases, relu(5)], TARGET, executor, store, lambda each: told.append(each.id))
    assert executor.asked == [relu(3).text, relu(4).text, relu(5).text]
    assert told == [relu(3).id, relu(4).id, relu(5).id]
    assert all(store.find(each.text, TARGET) == npu() for each in cases)


def test_cases_with_one_model_are_built_together(tmp_path: Path) -> None:
    twin = Case("Relu/twin,alone", "Relu", relu(3).text)
    executor, told = FakeExecutor(), []
    run_cases([relu(3), twin], TARGET, executor, ProbeStore(tmp_path), lambda each: told.append(each.id))
    assert executor.asked == [relu(3).text]
    assert told == [relu(3).id, twin.id]


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    def interrupt(text: str) -> None:
        if text == relu(5).text:
            raise KeyboardInterrupt

    store, cases = ProbeStore(tmp_path), [relu(size) for size in range(3, 8)]
    with pytest.raises(KeyboardInterrupt):
        run_cases(cases, TARGET, FakeExecutor(before=interrupt), store)
    assert unmeasured(cases, TARGET, store) == cases[2:]
    executor = FakeExecutor()
    run_cases(cases, TARGET, executor, store)
    assert executor.asked == [each.text for each in cases[2:]]
    assert not unmeasured(cases, TARGET, store)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_target_knows_nothing_of_another(other: Target, tmp_path: Path) -> None:
    store = ProbeStore(tmp_path)
    store.keep(relu(3).text, TARGET, npu())
    assert store.find(relu(3).text, TARGET) == npu()
    assert store.find(relu(3).text, other) is None
    assert store.find(relu(4).text, TARGET) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"ended": "ok"}', b"\xff"])
def test_what_cannot_be_read_is_measured_again(content: bytes, tmp_path: Path) -> None:
    store = ProbeStore(tmp_path)
    store.keep(relu(3).text, TARGET, npu())
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(content)
    assert store.find(relu(3).text, TARGET) is None


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    facts = Facts("died", "build", "error › 1", (("A", "CPU", "n:1"),), (("probe", "Trilu"),), ("RK901",))
    store = ProbeStore(tmp_path)
    store.keep("text", TARGET, facts)
    assert store.find("text", TARGET) == facts
