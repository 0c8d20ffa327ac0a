from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.engine.lint import lint_view
from rkgraph.graph.rewrite import Refusal
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.rules.rk119_unreadable_header import check, fix
from rkgraph.targets import Target
from tests.engine.fixing import fix_text
from tests.rulebook.builders import op, table
from tests.rules.harness import context_of, diagnostics, view_of

CODE = "RK119"
ML = "agraph (float[1, 8] x) => (float[1, 8] y) { y = ai.onnx.ml.Scaler<offset = [0.5], scale = [2.0]>(x) }"
RELU = "agraph (float[1, 8] x) => (float[1, 8] y) { y = Relu(x) }"


@pytest.mark.parametrize(("imports", "count"), [('"ai.onnx.ml" : 3', 1), ('"" : 17, "ai.onnx.ml" : 3', 0)])
def test_a_model_without_the_standard_domain_is_found(imports: str, count: int) -> None:
    assert len(diagnostics(f"<ir_version: 8, opset_import: [{imports}]>\n{ML}", CODE)) == count


@pytest.mark.parametrize(
    ("version", "toolkit", "count"), [(11, "2.2.0", 0), (12, "2.2.0", 1), (12, "2.3.0", 0), (12, "2.5.0", 0)]
)
def test_ir_versions_matter_to_2_2_0_only(version: int, toolkit: str, count: int) -> None:
    view = view_of(f'<ir_version: {version}, opset_import: ["" : 17]>\n{RELU}')
    ruleset = RuleSet("test", toolkit, (CODE,))
    result = lint_view(view, Target("rk3588", toolkit, "fp16"), ruleset, table=table(op("Relu", "npu")))
    assert len(result.diagnostics) == count


@pytest.mark.parametrize(
    ("imports", "count"),
    [('"com.microsoft" : 1, "" : 17', 1), ('"com.microsoft" : 17, "" : 17', 0), ('"" : 17, "com.microsoft" : 1', 0)],
)
def test_the_standard_domain_has_to_be_the_first(imports: str, count: int) -> None:
    assert len(diagnostics(f"<ir_version: 8, opset_import: [{imports}]>\n{RELU}", CODE)) == count


@pytest.mark.parametrize("imports", ['"ai.onnx.ml" : 3', '"ai.onnx.ml" : 3, "" : 13', '"a.b" : 1, "ai.onnx.ml" : 3'])
def test_the_fix_imports_it_first_and_keeps_the_others(imports: str, tmp_path: Path) -> None:
    outcome = fix_text(f"<ir_version: 8, opset_import: [{imports}]>\n{ML}", tmp_path, CODE)
    opsets = outcome.model.view().main.opsets
    assert next(iter(opsets)) == ""
    assert opsets[""] == (13 if '"" : 13' in imports else 17)
    assert opsets["ai.onnx.ml"] == 3
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]


def test_an_ir_version_is_left_as_it_is() -> None:
    context = context_of(f'<ir_version: 12, opset_import: ["" : 17]>\n{RELU}', target=Target("rk3588", "2.2.0", "fp16"))
    (finding,) = check(context)
    assert isinstance(fix(context, finding), Refusal)
