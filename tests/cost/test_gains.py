"""Causes are ranked by what removing them buys, and what others blame, too, stays where it is."""

from __future__ import annotations

from pathlib import Path

from rkgraph.diagnostics import Device
from rkgraph.engine.lint import lint_view
from rkgraph.graph.load import read_view
from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report, Result
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.builders import saved, text_model


def lint(folder: Path, text: str) -> Result:
    return lint_view(read_view(saved(text_model(text), folder)), Target(), load_ruleset("rknn-2.3.2"))


GATHERS = (
    "g (int64[1,4] i, int64[1,4] j) => (float[1,4,8] y) <float[2,8] t = {0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}>"
    " { a = Gather(t, i) b = Gather(t, j) c = Add(a, b) y = Relu(c) }"
)


def test_two_gathers_and_what_each_would_buy(tmp_path: Path) -> None:
    found = lint(tmp_path, GATHERS)
    assert [node.device for node in found.placement][:2] == [Device.CPU, Device.CPU]
    estimate = found.cost["estimate"]
    assert (estimate["cpu_nodes"], estimate["crossings"], estimate["crossing_bytes"]) == (2, 2, 2 * 4 * 8 * 2)
    (together,) = [each for each in found.opportunities or () if each.cpu_nodes == 2]
    assert (together.crossings, together.crossing_bytes, together.blocks) == (2, 128, False)
    alone = [each for each in found.causes or () if each.code == together.code]
    assert [(each.cpu_nodes, each.crossings, each.crossing_bytes) for each in alone] == [(1, 1, 64), (1, 1, 64)]
    assert {each.fingerprint for each in alone} == set(together.findings)


def test_what_blocks_comes_first(tmp_path: Path) -> None:
    text = GATHERS.replace("y = Relu(c)", "d = Relu(c) e = Det(m) y = Add(d, e)")
    text = text.replace("int64[1,4] j)", "int64[1,4] j, float[2,2] m)")
    found = lint(tmp_path, text)
    first = (found.opportunities or ())[0]
    assert first.blocks
    assert any(each.cpu_nodes == 2 and not each.blocks for each in found.opportunities or ())
    order = [(e.blocks, e.no_kernel, e.cpu_nodes) for e in found.opportunities or ()]
    assert order == sorted(order, reverse=True)


def test_what_is_induced_goes_with_its_root(tmp_path: Path) -> None:
    found = lint(tmp_path, GATHERS.replace("int64[1,4] i, int64[1,4] j", "int64[1,n] i, int64[1,n] j"))
    pinned = [each for each in found.causes or () if each.code == "RK301"]
    assert pinned
    assert all(each.blocks for each in pinned)
    roots = {d.induced_by for d in found.diagnostics if not d.cause}
    assert sum(each.induced for each in found.causes or ()) <= sum(not d.cause for d in found.diagnostics)
    assert {each.fingerprint for each in found.causes or () if each.induced} <= roots
    assert found.cost["estimate"]["macs"] is None


def test_a_clean_model_has_none_and_the_report_keeps_them(tmp_path: Path) -> None:
    clean = lint(tmp_path, "g (float[1,16,8,8] x) => (float[1,16,8,8] y) { y = Relu(x) }")
    assert (clean.causes, clean.opportunities) == ((), ())
    found = lint(tmp_path, GATHERS)
    report = Report((found,), {}, {"name": "rkgraph", "version": "0"})
    back = report_from_json(report_to_json(report)).results[0]
    assert (back.causes, back.opportunities, back.cost) == (found.causes, found.opportunities, found.cost)
