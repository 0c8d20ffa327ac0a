"""`rkgraph rule` and `rkgraph rules` as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rkgraph.cli.app import build_app
from rkgraph.rulebook.registry import MODULES
from rkgraph.toolkit.log_table import LOG_TABLE, OUTCOME_TABLE, UNKNOWN_ERROR, UNKNOWN_WARNING
from tests.cli.harness import Sandbox


@pytest.mark.parametrize("word", ["RK302", "data-dependent-shape"])
def test_a_card_is_printed_plain_in_a_pipe(word: str, tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("rule", word)
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0] == "# RK302 data-dependent-shape"
    assert "## Why it matters on RKNN" in lines
    assert "+++" not in lines


def test_an_unknown_rule_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("rule", "RK3O2")
    assert outcome.code == 2
    assert "RK3O2" in outcome.error_line
    assert "RK302" in outcome.hint_line


def test_every_code_that_the_toolkit_leads_to_is_explained(tmp_path: Path) -> None:
    codes = {entry.code for entry in (*LOG_TABLE, *OUTCOME_TABLE.values())} | {UNKNOWN_ERROR, UNKNOWN_WARNING, "RK991"}
    for code in sorted(codes):
        result = CliRunner().invoke(build_app(frozenset({"rule"})), ["rule", code.lower()])
        assert result.exit_code == 0
        assert result.output.startswith(f"# {code}")
    assert "pin it" in Sandbox(tmp_path).run("rule", "RK912").stdout
    assert Sandbox(tmp_path).run("rule", "RK999").code == 2


def test_all_rules_are_listed(tmp_path: Path) -> None:
    lines = Sandbox(tmp_path).run("rules").stdout.splitlines()
    assert lines[0].split() == ["code", "name", "severity", "fix", "safety"]
    assert [line.split()[0].lower() for line in lines[1:]] == [stem.partition("_")[0] for stem in MODULES]


def test_all_rules_as_json(tmp_path: Path) -> None:
    rules = json.loads(Sandbox(tmp_path).run("rules", "--format", "json").stdout)
    by_code = {rule["code"]: rule for rule in rules}
    assert len(by_code) == len(MODULES)
    assert by_code["RK302"]["severity"] == "error"
    assert "NonZero" in by_code["RK302"]["applies_to"]


def test_a_card_costs_no_heavy_import(tmp_path: Path) -> None:
    code = """
import sys
sys.argv = ["rkgraph", "rule", "RK302"]
from rkgraph.cli.app import main
try:
    main()
finally:
    heavy = {"onnx", "numpy", "rich", "google.protobuf", "jsonschema", "networkx"} & set(sys.modules)
    print("heavy:", sorted(heavy), file=sys.stderr)
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stderr
