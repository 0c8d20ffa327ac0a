from __future__ import annotations

import pytest

from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rulebook.builders import op, table
from tests.rules.harness import diagnostics, view_of

CODE = "RK119"
ML = "agraph (float[1, 8] x) => (float[1, 8] y) { y = ai.onnx.ml.Scaler<offset = [0.5], scale = [2.0]>(x) }"
RELU = "agraph (float[1, 8] x) => (float[1, 8] y) { y = Relu(x) }"


@pytest.mark.parametrize(("imports", "count"), [('"ai.onnx.ml" : 3', 1), ('"ai.onnx.ml" : 3, "" : 17', 0)])
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
