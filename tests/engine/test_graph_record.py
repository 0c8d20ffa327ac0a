"""`Result.graph`: every node once, edges that lead where they lead in the model, and bounded rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import onnx.parser
import pytest

from rkgraph.engine import graph_record as module
from rkgraph.engine.graph_record import graph_record
from rkgraph.engine.lint import lint_view
from rkgraph.errors import UsageError
from rkgraph.graph.load import view_of
from rkgraph.graph.view import ModelView
from rkgraph.results import ModelInfo, Report
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.report.validate import check_report

TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
agraph (float[1,4] x, bool flag) => (float[1,4] z) <float[4] w = {1, 2, 3, 4}>
{
    y = Clip(x, , w)
    t = Transpose<perm = [1, 0]>(y)
    u = If(flag) <
        then_branch = a () => (float[4,1] p) { p = Relu(t) },
        else_branch = b () => (float[4,1] q) { q = Abs(t) }
    >
    z = Transpose(u)
}
"""


def view() -> ModelView:
    return view_of(onnx.parser.parse_model(TEXT), Path("m.onnx"), "", {}, {})


@pytest.fixture
def graph() -> dict[str, object]:
    found = graph_record(view().main)
    assert found is not None
    return found


def test_nodes_lead_to_values(graph: dict[str, object]) -> None:
    names = [row[0] for row in graph["values"]]  # type: ignore[attr-defined]
    told = [
        (op, [names[i] if i >= 0 else None for i in inputs], [names[o] for o in outputs], *rest)
        for _, op, inputs, outputs, *rest in graph["nodes"]  # type: ignore[attr-defined]
    ]
    assert told[0] == ("Clip", ["x", None, "w"], ["y"])
    assert told[1] == ("Transpose", ["y"], ["t"], {"perm": (1, 0)})
    assert told[2] == ("If", ["flag", "t"], ["u"], {"then_branch": "1 nodes", "else_branch": "1 nodes"})
    assert [names[i] for i in graph["inputs"]] == ["x", "flag"]  # type: ignore[attr-defined]
    assert [names[i] for i in graph["outputs"]] == ["z"]  # type: ignore[attr-defined]
    assert ("w", "float32", (4,), True) in graph["values"]  # type: ignore[operator]


def test_a_graph_beyond_the_limit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NODES", 3)
    assert graph_record(view().main) is None


def test_a_result_has_it_only_where_it_was_asked_for() -> None:
    seen = view()
    plain, full = (
        lint_view(seen, Target(), load_ruleset("rknn-2.3.2"), Options(with_graph=wanted)) for wanted in (False, True)
    )
    assert plain.graph is None
    assert full.graph == graph_record(seen.main)


def test_a_document_holds_it_and_a_wrong_row_is_refused(graph: dict[str, object]) -> None:
    from rkgraph.report.document import report_from_json, report_to_json

    result = replace(
        lint_view(view(), Target(), load_ruleset("rknn-2.3.2"), Options(with_graph=True)),
        model=ModelInfo("m.onnx"),
    )
    text = report_to_json(Report((result,), {}, {"name": "rkgraph", "version": "0"}))
    assert check_report(text).results[0].graph is not None
    for right, wrong in (('["x", "float32"', '["x", 3'), ("[0, -1, ", "[0, -2, "), ("[0, -1, ", "[0, 77, ")):
        assert right in text
        with pytest.raises(UsageError, match=r"\.graph\.(values|nodes)"):
            report_from_json(text.replace(right, wrong))
