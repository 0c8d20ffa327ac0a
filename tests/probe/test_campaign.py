"""Plans: all cases on some targets, a selection on others; and the evidence that is written of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rkgraph.errors import UsageError
from rkgraph.probe.campaign import BASE, Campaign, Step, every_target, measured_lines
from rkgraph.probe.case import Case
from rkgraph.probe.evidence import lines_of, measured_targets, models_of, write_evidence
from rkgraph.probe.facts import Facts
from rkgraph.probe.shorthand import shortened
from rkgraph.probe.store import ProbeStore
from rkgraph.probe.summary import count_outcomes, differences
from rkgraph.targets import Target, platforms, precisions, toolkits
from tests.probe.fakes import FakeExecutor, npu, relu

OTHER = Target("rk3576")
CASES = {each.id: each for each in (relu(size) for size in range(3, 43))}
CPU = Facts("ok", "build", layers=(("Relu", "CPU", "probe"),))


@pytest.fixture(autouse=True)
def no_shipped_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rkgraph.probe.evidence.evidence_folder", lambda: tmp_path / "none")


@pytest.fixture
def store(tmp_path: Path) -> ProbeStore:
    return ProbeStore(tmp_path / "store")


def measure(
    store: ProbeStore, target: Target, executor: FakeExecutor, **options: object
) -> dict[str, dict[str, object]]:
    return Campaign(CASES, store, executor).measure(target, **options)  # type: ignore[arg-type]


def test_the_base_gets_all_cases_and_others_a_selection(store: ProbeStore) -> None:
    assert set(measure(store, BASE, FakeExecutor())) == set(CASES)
    executor = FakeExecutor()
    lines = measure(store, OTHER, executor)
    assert len(executor.asked) == len(lines) < len(CASES)
    assert set(measure(store, OTHER, FakeExecutor(), plan="rich")) == set(CASES)


def test_a_selection_follows_what_differs(store: ProbeStore) -> None:
    base = measure(store, BASE, FakeExecutor())
    others = {name for number, name in enumerate(CASES) if number % 2}
    lines = measure(store, OTHER, FakeExecutor({CASES[name].text: CPU for name in others}))
    assert set(lines) == set(CASES)
    (found,) = differences(lines, base)
    assert (found.op, found.base, found.here) == ("Relu", "npu", "cpu")
    assert found.ids == tuple(sorted(others))
    assert count_outcomes(lines) == (20, 20, 0, 0)
    assert count_outcomes(base) == (len(CASES), 0, 0, 0)
    assert differences(base, base) == []


def test_a_selection_without_a_base_is_refused(store: ProbeStore) -> None:
    with pytest.raises(UsageError, match="needs measurements of rk3588") as caught:
        measure(store, OTHER, FakeExecutor())
    assert "rkgraph probe --target rk3588" in caught.value.hint


@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
def test_a_limit_takes_the_same_part_every_time(limit: int, store: ProbeStore) -> None:
    executor = FakeExecutor()
    lines = measure(store, BASE, executor, limit=limit)
    assert len(lines) == min(limit, len(CASES))
    assert measure(store, BASE, executor, limit=limit) == lines
    assert len(executor.asked) == len(lines)


def test_a_run_that_was_interrupted_gives_what_one_run_gives(tmp_path: Path) -> None:
    def interrupt(_text: str) -> None:
        if len(broken.asked) == 9:
            raise KeyboardInterrupt

    facts = {each.text: CPU for number, each in enumerate(CASES.values()) if number % 3}
    whole, parts = ProbeStore(tmp_path / "whole"), ProbeStore(tmp_path / "parts")
    for store in (whole, parts):
        measure(store, BASE, FakeExecutor())
    expected = measure(whole, OTHER, FakeExecutor(facts))
    broken = FakeExecutor(facts, interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure(parts, OTHER, broken)
    rest = FakeExecutor(facts)
    assert measure(parts, OTHER, rest) == expected
    assert len(broken.asked) + len(rest.asked) == len(expected)


def test_steps_count_what_is_left(store: ProbeStore) -> None:
    steps: list[Step] = []
    campaign = Campaign(CASES, store, FakeExecutor(), steps.append)
    campaign.measure(BASE)
    assert [(s.built, s.left) for s in steps] == [(n, len(CASES) - n) for n in range(len(CASES) + 1)]
    steps.clear()
    campaign.measure(BASE)
    assert [(s.built, s.left) for s in steps] == [(0, 0)]


def test_evidence_is_the_same_bytes_every_time(store: ProbeStore, tmp_path: Path) -> None:
    measure(store, BASE, FakeExecutor())
    measure(
        store,
        OTHER,
        FakeExecutor({relu(3).text: CPU, relu(4).text: Facts("build-failed", "build", "no ›")}),
        plan="rich",
    )
    folders = tmp_path / "first", tmp_path / "second"
    for folder, cases in zip(folders, (CASES, dict(reversed(CASES.items()))), strict=True):
        lines = {t: measured_lines(cases.values(), t, store).values() for t in (BASE, OTHER)}
        size = write_evidence(cases, lines, folder)
        assert size == sum(path.stat().st_size for path in folder.rglob("*.jsonl"))
    first, second = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*.jsonl")} for f in folders)
    assert first == second
    assert models_of(folders[0]) == CASES
    assert measured_targets("2.3.2", folders[0]) == (OTHER, BASE)
    found = lines_of(OTHER, folders[0])
    assert found[relu(3).id] == {"id": relu(3).id, "outcome": "cpu", "layers": ["Relu@CPU"]}
    assert found[relu(4).id] == {"id": relu(4).id, "outcome": "build-fails", "error": "build: no ›"}


def test_evidence_holds_only_models_that_it_is_about(store: ProbeStore, tmp_path: Path) -> None:
    line = {"id": relu(3).id, "op": "Relu", "outcome": "npu", "layers": []}
    write_evidence(CASES, {BASE: [line]}, tmp_path)
    (only,) = (tmp_path / "cases.jsonl").read_text().splitlines()
    assert json.loads(only) == {"id": relu(3).id, "op": "Relu", "model": shortened(relu(3).text)}


def line_of(size: int, outcome: str = "npu") -> dict[str, object]:
    return {"id": relu(size).id, "op": "Relu", "outcome": outcome, "layers": []}


def test_other_targets_and_their_models_stay(tmp_path: Path) -> None:
    write_evidence(CASES, {BASE: [line_of(3), line_of(4)]}, tmp_path)
    write_evidence(CASES, {OTHER: [line_of(4), line_of(5)]}, tmp_path)
    assert set(lines_of(BASE, tmp_path)) == {relu(3).id, relu(4).id}
    assert set(models_of(tmp_path)) == {relu(3).id, relu(4).id, relu(5).id}


def test_a_part_of_the_cases_renews_its_lines_only(tmp_path: Path) -> None:
    write_evidence(CASES, {BASE: [line_of(3), line_of(4)]}, tmp_path)
    part = {relu(4).id: relu(4), relu(5).id: relu(5)}
    write_evidence(part, {BASE: [line_of(5, "cpu")]}, tmp_path, whole=False)
    assert {name: line["outcome"] for name, line in lines_of(BASE, tmp_path).items()} == {
        relu(3).id: "npu",
        relu(5).id: "cpu",
    }
    write_evidence(part, {BASE: [line_of(5, "cpu")]}, tmp_path)
    assert set(lines_of(BASE, tmp_path)) == set(models_of(tmp_path)) == {relu(5).id}


def test_two_models_of_one_id_are_refused(tmp_path: Path) -> None:
    write_evidence({relu(3).id: Case(relu(3).id, "Relu", "another model")}, {BASE: [line_of(3)]}, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    with pytest.raises(UsageError, match=r"rk3588-fp16\.jsonl: is about another model of Relu"):
        write_evidence(CASES, {OTHER: [line_of(3)]}, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == before
    write_evidence(CASES, {OTHER: [line_of(3)], BASE: [line_of(3)]}, tmp_path)
    assert models_of(tmp_path) == {relu(3).id: relu(3)}


def test_what_is_no_evidence_is_told(tmp_path: Path) -> None:
    (tmp_path / "rknn-2.3.2").mkdir()
    (tmp_path / "rknn-2.3.2" / "rk3566-fp16.jsonl").write_text("{")
    with pytest.raises(UsageError, match="is no evidence"):
        write_evidence(CASES, {OTHER: [line_of(3)]}, tmp_path)


def test_shipped_evidence_stands_in_for_a_base_that_was_not_measured(
    store: ProbeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "none"
    other_text = Case(relu(4).id, "Relu", "another model")
    lines = [{"id": relu(n).id, "op": "Relu", "outcome": "npu", "layers": ["Relu@NPU"]} for n in (3, 4)]
    write_evidence({relu(3).id: relu(3), relu(4).id: other_text}, {BASE: lines}, shipped)
    assert set(measure(store, OTHER, FakeExecutor())) == {relu(3).id}
    assert store.find(relu(3).text, OTHER) == npu()


def test_every_target_has_its_ordinary_precision() -> None:
    found = every_target()
    assert len(found) == len(set(found)) == sum(len(platforms(version)) for version in toolkits())
    assert BASE in found
    assert all(each.precision in precisions(each.platform, each.toolkit) for each in found)
    assert {each.precision for each in found if each.platform == "rv1106"} == {"w8a8"}
