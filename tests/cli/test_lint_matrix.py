"""`rkgraph lint --matrix`: one model everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import onnx

from rkgraph.tables.table import load_table
from rkgraph.targets import platforms, toolkits
from tests.cli.harness import Sandbox

TEXT = '<ir_version: 8, opset_import: ["": 17]> g (float[1,4,8,8] x) => (float[1,4,8,8] y) { y = Trilu(x) }'


def model(folder: Path) -> Path:
    path = folder / "m.onnx"
    onnx.save(onnx.parser.parse_model(TEXT), path)
    return path


def test_every_platform_is_a_row_and_every_toolkit_a_column(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("lint", "--matrix", str(model(tmp_path)))
    assert outcome.code == 0
    _name, head, *rows = outcome.stdout.splitlines()
    assert head.split()[0] == "platform"
    assert set(head.split()[1:]) <= set(toolkits())
    assert {row.split()[0] for row in rows[:-1]} == set(platforms("2.3.2"))
    assert next(row for row in rows if row.startswith("rk3588")).count("no kernel") >= 1


def test_the_document_has_a_result_for_every_target(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("lint", "--matrix", "--format", "json", str(model(tmp_path)))
    results = json.loads(outcome.stdout)["results"]
    targets = {(r["target"]["toolkit"], r["target"]["platform"]) for r in results}
    assert len(targets) == len(results) >= len(platforms("2.3.2"))
    measured = set(load_table("2.3.2").measured)
    for result in results:
        if result["target"]["toolkit"] == "2.3.2":
            known = (result["target"]["platform"], result["target"]["precision"]) in measured
            assert (result["confidence"] != "unknown") == known


def test_a_survey_is_not_verified(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("lint", "--matrix", "--verify", str(model(tmp_path)))
    assert outcome.code == 2
