"""Suppressions and baselines: which findings count, and what is said of entries that nothing needs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.config.baseline import Baseline, Entry, compared, key_of, read_baseline, write_baseline
from rkgraph.config.suppressions import Suppression, suppressed, today, unused
from rkgraph.diagnostics import Diagnostic, Location, Severity
from rkgraph.errors import UsageError
from rkgraph.results import ModelInfo, Result
from rkgraph.targets import Target

A, B = "0123456789abcdef", "fedcba9876543210"
DAY = date(2030, 1, 2)


def finding(code: str, fingerprint: str) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, Location(node="n", op="Add"), "m", fingerprint)


def result(*findings: Diagnostic) -> Result:
    return Result(ModelInfo("m.onnx"), Target(), diagnostics=findings)


def entry(code: str, fingerprint: str, expires: date | None = None) -> Suppression:
    return Suppression(code, fingerprint, "because", expires, "rkgraph.toml:3")


def test_a_suppressed_finding_stays_and_does_not_count() -> None:
    done, used = suppressed(result(finding("RK101", A), finding("RK102", A)), [entry("RK101", A)], DAY)
    first, second = done.diagnostics
    assert first.suppressed is not None
    assert (first.suppressed.reason, first.suppressed.source) == ("because", "rkgraph.toml:3")
    assert (first.counts, second.counts) == (False, True)
    assert used == {entry("RK101", A)}


def test_places_that_look_alike_are_covered_together_if_asked_for() -> None:
    findings = [finding("RK101", word) for word in (A, f"{A}#2", f"{A}#3", B)]
    alone, _ = suppressed(result(*findings), [entry("RK101", f"{A}#2")], DAY)
    family, _ = suppressed(result(*findings), [entry("RK101", f"{A}#*")], DAY)
    assert [d.counts for d in alone.diagnostics] == [True, False, True, True]
    assert [d.counts for d in family.diagnostics] == [False, False, False, True]


@pytest.mark.parametrize(("day", "counts"), [(date(2030, 1, 1), True), (DAY, False), (date(2031, 1, 1), False)])
def test_after_its_last_day_a_suppression_is_a_finding_itself(day: date, counts: bool) -> None:
    done, _ = suppressed(result(finding("RK101", A)), [entry("RK101", A, day)], DAY)
    assert done.diagnostics[0].counts is counts
    assert [d.code for d in done.diagnostics[1:]] == (["RK907"] if counts else [])


def test_what_covers_nothing_is_a_finding() -> None:
    entries = [entry("RK101", A), entry("RK101", B)]
    _, used = suppressed(result(finding("RK101", A)), entries, DAY)
    (one,) = unused(entries, used)
    assert one.code == "RK906"
    assert "rkgraph.toml:3" in one.message
    assert B in one.message


def test_the_day_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert today() == date(1970, 1, 2)


def test_against_a_baseline_only_new_findings_count() -> None:
    known = [Entry(A, "RK101", "n (Add)"), Entry(B, "RK102", "gone (Mul)")]
    done = compared(result(finding("RK101", A), finding("RK103", f"{B}#2")), known)
    assert [(d.code, d.baseline, d.counts) for d in done.diagnostics] == [
        ("RK101", "unchanged", False),
        ("RK103", "new", True),
        ("RK908", None, True),
    ]
    assert str(done.diagnostics[2].at) == "gone (Mul)"


def test_a_baseline_grows_or_only_shrinks() -> None:
    first = Baseline().with_result("m.onnx", result(finding("RK101", A), finding("RK102", B)))
    assert first.count == 2
    now = result(finding("RK102", B), finding("RK103", f"{A}#2"))
    target = str(Target())
    assert [e.code for e in first.with_result("m.onnx", now).entries("m.onnx", target) or ()] == ["RK102", "RK103"]
    pruned = first.with_result("m.onnx", now, grow=False)
    assert [e.code for e in pruned.entries("m.onnx", target) or ()] == ["RK102"]
    assert first.entries("other.onnx", target) is None


NAMES = st.text(min_size=1, max_size=8)
ENTRIES = st.lists(st.builds(Entry, NAMES, NAMES, NAMES), max_size=3).map(tuple)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, ENTRIES, max_size=3), max_size=3))
def test_reading_is_the_inverse_of_writing(models: dict[str, dict[str, tuple[Entry, ...]]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "baseline.json"
        write_baseline(path, Baseline(models))
        assert read_baseline(path) == Baseline(models)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "rkgraph.baseline/1"}', '{"schema": "rkgraph.baseline/1", "models": {"a": 3}}']
)
def test_what_is_no_baseline_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_models_are_known_by_their_path_from_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert key_of("models/a.onnx", Path("ci/known.json")) == "../models/a.onnx"
    assert key_of(str(tmp_path / "ci" / "a.onnx"), Path("ci/known.json")) == "a.onnx"


def test_what_is_said_of_the_configuration_is_in_no_baseline() -> None:
    notices = unused([entry("RK101", B)], set())
    expired, _ = suppressed(result(finding("RK101", A)), [entry("RK101", A, date(2029, 1, 1))], DAY)
    said = result(*expired.diagnostics, *notices)
    assert {d.code for d in said.diagnostics} == {"RK101", "RK906", "RK907"}
    written = Baseline().with_result("m.onnx", said)
    assert {code for _, _, code in written.fingerprints} == {A}
    again = compared(said, written.entries("m.onnx", str(said.target)) or ())
    assert {d.code for d in again.diagnostics if d.counts} == {"RK906", "RK907"}
