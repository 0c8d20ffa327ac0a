"""`rkgraph ops` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.harness import Sandbox


def test_all_operators_in_one_table(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("ops", "--target", "rk3588", "--target", "rk3566")
    assert outcome.code == 0
    head, *rows = outcome.stdout.splitlines()
    assert head.split() == ["operator", "rk3588", "2.3.2", "rk3566", "2.3.2", "models"]
    assert [row.split()[0] for row in rows] == sorted(row.split()[0] for row in rows)
    assert any(row.startswith("Conv ") and "NPU *" in row for row in rows)


def test_one_operator_with_its_limits_in_words(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("ops", "gather", "--toolkit", "2.3.2")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith("Gather on rk3588 · 2.3.2 · fp16: ")
    assert lines[1].endswith("models built")
    assert any(line.endswith(", unless:") for line in lines)
    assert any("`indices`" in line for line in lines)
    assert lines[-1].startswith("  evidence: probe:Gather/")


def test_a_misspelt_operator_gets_a_suggestion(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("ops", "Gathr")
    assert outcome.code == 2
    assert "did you mean Gather?" in outcome.hint_line


@pytest.mark.parametrize(
    ("words", "error"), [(("diff", "2.3.2"), "two toolkit versions"), (("diff", "2.3.2", "9.9"), "9.9")]
)
def test_a_diff_needs_two_toolkits_that_exist(tmp_path: Path, words: tuple[str, ...], error: str) -> None:
    outcome = Sandbox(tmp_path).run("ops", *words)
    assert outcome.code == 2
    assert error in outcome.error_line


def test_an_upgrade_gains_and_loses(tmp_path: Path) -> None:
    """2.5.0 lowers CumSum and GridSample, which 2.3.2 does not (toolkit-facts), and nothing differs from itself."""
    outcome = Sandbox(tmp_path).run("ops", "diff", "2.3.2", "2.5.0", "--format", "json")
    assert outcome.code == 0
    changes = {change["op"]: change for change in json.loads(outcome.stdout)}
    assert changes["GridSample"]["before"] == "no-kernel"
    assert changes["GridSample"]["after"] in ("npu", "cpu")
    back = {
        c["op"]: c
        for c in json.loads(Sandbox(tmp_path).run("ops", "diff", "2.5.0", "2.3.2", "--format", "json").stdout)
    }
    assert {op: (c["before"], c["after"]) for op, c in changes.items()} == {
        op: (c["after"], c["before"]) for op, c in back.items()
    }
    assert {op: c["lifted"] for op, c in changes.items()} == {op: c["added"] for op, c in back.items()}
    same = Sandbox(tmp_path).run("ops", "diff", "2.3.2", "2.3.2")
    assert same.stdout.splitlines() == ["rk3588: 2.3.2 → 2.3.2, 0 operators differ"]


def test_json_for_programs(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("ops", "Trilu", "--format", "json")
    (record,) = json.loads(outcome.stdout)
    assert (record["op"], record["outcome"], record["measured"]) == ("Trilu", "no-kernel", True)
    assert record["evidence"]
