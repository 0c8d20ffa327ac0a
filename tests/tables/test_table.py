"""The table as rules use it: judging nodes, the index, and speed-free loading."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rkgraph.derived import derive, index_of, read_derived
from rkgraph.diagnostics import Confidence
from rkgraph.errors import TargetError, UsageError
from rkgraph.resources import data_folder
from rkgraph.tables.index import SCHEMA, index_table
from rkgraph.tables.table import OpTable, load_table
from rkgraph.targets import Target
from tests.tables.views import graph, node

X = ("float32", (1, 12, 24))
SOURCES = [*sorted(data_folder("op_tables").glob("rknn-*.toml")), data_folder("op_tables") / "toolkits.toml"]


def table(*entries) -> OpTable:
    header = {
        "schema": SCHEMA,
        "toolkit": "2.3.2",
        "measured": [{"platform": "rk3588", "precision": "fp16", "cases": 1}],
    }
    return OpTable({"digest": "0", **index_table({**header, "op": list(entries)}, "t.toml")}, "t.toml")


GATHER = {
    "op": "Gather",
    "outcome": "npu",
    "evidence": ["probe:default"],
    "limit": [
        {"kind": "constant", "index": 1, "label": "indices", "outcome": "cpu", "evidence": ["probe:computed"]},
        {
            "kind": "dtype",
            "index": 0,
            "label": "data",
            "allowed": ["float32"],
            "outcome": "no-kernel",
            "confidence": "field report",
            "evidence": ["field:one", "field:two"],
            "platforms": ["rk3588"],
            "when": [{"kind": "constant", "index": 1, "constant": False}],
        },
    ],
}


def judge(data_type="float32", *, constant=False, target=None, entries=(GATHER,), opset=17, op="Gather"):
    probed = node(op, ("x", "i"))
    types = {"x": (data_type, (6, 24)), "i": ("int64", (2,))}
    view = graph((probed,), types, ("i",) if constant else (), opset=opset)
    return table(*entries).judge(probed, view, target or Target(), view.is_constant)


def test_within_all_limits():
    judged = judge(constant=True)
    assert (judged.outcome, judged.violations) == ("npu", ())
    assert (judged.evidence, judged.confidence) == (("probe:default",), Confidence.PROBED)


def test_outside_one_limit():
    judged = judge()
    (violation,) = judged.violations
    assert judged.outcome == "cpu"
    assert violation.limit.check.kind == "constant"
    assert violation.observed == "computed"
    assert violation.message == "`indices` must be a constant; here computed; on rk3588 with 2.3.2 this runs on the CPU"
    assert judged.evidence == ("probe:computed",)


def test_the_worst_limit_decides():
    judged = judge("int64")
    assert [v.limit.check.kind for v in judged.violations] == ["constant", "dtype"]
    assert judged.outcome == "no-kernel"
    assert judged.evidence == ("field:one", "field:two")
    assert judged.confidence is Confidence.FIELD_REPORT


def test_a_condition_that_does_not_hold():
    assert judge("int64", constant=True).outcome == "npu"


def test_limits_of_another_platform_do_not_apply_and_confidence_falls():
    judged = judge("int64", target=Target("rk3576"))
    assert [v.limit.check.kind for v in judged.violations] == ["constant"]
    assert (judged.outcome, judged.confidence) == ("cpu", Confidence.UNKNOWN)
    assert judge(target=Target(precision="w8a8")).confidence is Confidence.UNKNOWN


def test_an_absent_operator_is_unknown():
    judged = judge(op="Frobnicate")
    assert (judged.outcome, judged.evidence, judged.confidence) == ("unknown", (), Confidence.UNKNOWN)


def test_entries_by_opset_and_platform():
    old, new = {**GATHER, "opsets": [1, 12], "outcome": "build-fails"}, {**GATHER, "opsets": [13, 19]}
    assert judge(constant=True, entries=(new, old), opset=12).outcome == "build-fails"
    assert judge(constant=True, entries=(new, old), opset=13).outcome == "npu"
    assert judge(constant=True, entries=(new, old), opset=20).outcome == "unknown"
    elsewhere = {**GATHER, "platforms": ["rk3576"]}
    assert judge(constant=True, entries=(elsewhere,)).outcome == "unknown"


def test_queries():
    tables = table(GATHER, {**GATHER, "op": "Abs"}, {**GATHER, "domain": "com.microsoft"})
    assert [(e.domain, e.op) for e in tables.entries()] == [("", "Abs"), ("", "Gather"), ("com.microsoft", "Gather")]
    assert tables.entry("Gather", "rk3588", "ai.onnx") is tables.entry("Gather", "rk3588")
    assert tables.entry("Gather", "rk3588", "com.microsoft").domain == "com.microsoft"
    assert tables.entry("Frobnicate", "rk3588") is None
    assert "Abs" in tables
    assert "Frobnicate" not in tables


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_the_committed_index_is_current(source, tmp_path):
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes())
    fresh = derive(copy, dict if source.stem == "toolkits" else lambda d: index_table(d, source.name))
    assert fresh.read_bytes() == index_of(source).read_bytes(), "run: python -m rkgraph.tables.index"


def test_an_index_of_another_text_is_refused(tmp_path):
    source = tmp_path / "t.toml"
    source.write_text("a = 1\n")
    derive(source, dict)
    assert read_derived(source)["a"] == 1
    source.write_text("a = 2\n")
    with pytest.raises(UsageError, match=r"derived from another text of t\.toml") as caught:
        read_derived(source)
    assert caught.value.hint == "run: python -m rkgraph.tables.index"


def test_a_missing_or_broken_index_is_refused(tmp_path):
    source = tmp_path / "t.toml"
    source.write_text("a = 1\n")
    with pytest.raises(UsageError, match="is missing"):
        read_derived(source)
    index_of(source).write_text("{")
    with pytest.raises(UsageError, match="is not JSON"):
        read_derived(source)


def test_a_source_that_is_not_toml_is_refused(tmp_path):
    source = tmp_path / "t.toml"
    source.write_text("a = \n")
    with pytest.raises(UsageError, match=r"t\.toml: is not TOML: .*line 1"):
        derive(source, dict)


def test_a_version_without_a_table():
    with pytest.raises(TargetError, match=r"no op table of toolkit 1\.0\.0") as caught:
        load_table("1.0.0")
    assert "2.3.2" in caught.value.hint


def test_loading_imports_nothing_heavy():
    code = (
        "import sys; from rkgraph.tables.table import load_table; from rkgraph.targets import resolve_target;"
        "load_table('2.3.2'); resolve_target('rk3588', '2.3.2', 'fp16');"
        "print([m for m in ('numpy', 'onnx', 'tomllib', 'tomli', 'difflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_says_what_it_was_made_from():
    loaded = load_table("2.3.2")
    assert loaded.version == "2.3.2"
    assert loaded.digest == json.loads(index_of(SOURCES[0].with_name("rknn-2.3.2.toml")).read_text())["digest"]
    assert Path(SOURCES[0]).parent == data_folder("op_tables")
