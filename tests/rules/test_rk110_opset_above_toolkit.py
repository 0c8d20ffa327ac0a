from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Verdict
from tests.engine.fixing import fix_text, operators
from tests.rules.harness import diagnostics, lint_text

CODE = "RK110"


def model(opset: int, body: str = "y = Relu(x)", constants: str = "") -> str:
    return f"""<ir_version: 9, opset_import: ["" : {opset}]>
    g (float[2, 4] x) => (float[2, 4] y) {constants} {{ {body} }}"""


@pytest.mark.parametrize(("opset", "found"), [(11, 0), (19, 0), (20, 1), (23, 1)])
def test_only_opsets_above_19_are_found(opset: int, found: int) -> None:
    assert len(diagnostics(model(opset), CODE)) == found


def test_the_verdict_is_that_the_build_fails() -> None:
    assert lint_text(model(20), CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize(
    ("body", "constants"),
    [
        ("y = Relu(x)", ""),
        ("y = Transpose<perm = [0, 1]>(x)", ""),
        ("s = Shape(x) y = Reshape(x, s)", ""),
        ("c = Cast<to = 10>(x) y = Cast<to = 1>(c)", ""),
        ("y = Clip(x, low)", "<float low = {0.0}>"),
    ],
)
def test_a_model_that_means_the_same_is_lowered(body: str, constants: str, tmp_path: Path) -> None:
    outcome = fix_text(model(22, body, constants), tmp_path, CODE)
    assert outcome.model.view().opset == 19
    assert outcome.after.diagnostics == ()
    assert [p.outcome for p in outcome.proofs] == ["proved", "proved"]


def test_while_a_node_needs_the_newer_opset_it_stays(tmp_path: Path) -> None:
    outcome = fix_text(model(20, "y = Gelu(x)"), tmp_path, CODE)
    assert outcome.model.view().opset == 20
    assert "Gelu exists from opset 20 on" in outcome.fixes.refused[0].reason


def test_with_the_rule_that_rewrites_the_node_it_goes(tmp_path: Path) -> None:
    outcome = fix_text(model(20, "y = Gelu(x)"), tmp_path, "RK11")
    assert outcome.model.view().opset == 19
    assert operators(outcome) == ["Div", "Erf", "Add", "Mul", "Mul"]
    assert outcome.fixes.refused == ()
