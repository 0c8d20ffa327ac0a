from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from rkgraph.analysis.schemas import MEANS_SOMETHING_ELSE
from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text, operators
from tests.rules.harness import diagnostics

CODE = "RK111"


def model(opset: int, body: str, inputs: str = "float[2, 4] x", output: str = "float[2, 4] y") -> str:
    return f"""<ir_version: 9, opset_import: ["" : {opset}]> g ({inputs}) => ({output}) {{ {body} }}"""


NEWER = [
    (20, "y = Gelu(x)", "float[2, 4] x", ["Div", "Erf", "Add", "Mul", "Mul"]),
    (
        20,
        'y = Gelu<approximate = "tanh">(x)',
        "float[2, 4] x",
        ["Pow", "Mul", "Add", "Mul", "Tanh", "Add", "Mul", "Mul"],
    ),
    (20, "y = Gelu(x)", "float16[2, 4] x", ["Div", "Erf", "Add", "Mul", "Mul"]),
    (24, "y = Swish(x)", "float[2, 4] x", ["Sigmoid", "Mul"]),
    (24, "y = Swish<alpha = 1.5>(x)", "float[2, 4] x", ["Mul", "Sigmoid", "Mul"]),
    (23, "y = RMSNormalization(x, s)", "float[2, 4] x, float[4] s", None),
    (21, "y = GroupNormalization<num_groups = 2>(x, s, s)", "float[2, 4, 3] x, float[4] s", None),
]


@pytest.mark.parametrize(("opset", "body", "inputs", "expected"), NEWER)
def test_newer_operators_are_written_with_older_ones(
    opset: int, body: str, inputs: str, expected: list[str] | None, tmp_path: Path
) -> None:
    output = inputs.split(",  ", maxsplit=1)[0].split(" x", maxsplit=1)[0] + " y"
    text = model(opset, body, inputs, output)
    assert len(diagnostics(text, CODE)) == 1
    outcome = fix_text(text, tmp_path, "RK11")
    assert outcome.fixes.refused == ()
    assert outcome.model.view().opset == 19
    assert expected is None or operators(outcome) == expected
    assert {p.outcome for p in outcome.proofs} == {"proved"}
    onnx.checker.check_model(outcome.model.proto(weights=True))


@pytest.mark.parametrize("body", ["y = Relu(x)", "y = Transpose<perm = [0, 1]>(x)", "y = Mish(x)"])
def test_operators_that_only_take_more_dtypes_are_not_found(body: str) -> None:
    assert diagnostics(model(22, body), CODE) == ()


def test_an_attribute_that_says_what_is_the_case_anyway_is_dropped(tmp_path: Path) -> None:
    text = model(24, 'y = Cast<to = 10, round_mode = "up">(x)', output="float16[2, 4] y")
    outcome = fix_text(text, tmp_path, "RK11")
    (node,) = outcome.model.view().main.nodes
    assert dict(node.attributes) == {"to": 10}


@pytest.mark.parametrize(("mode", "opset"), [('mode = "linear", ', 19), ("", 19), ('mode = "cubic", ', 20)])
def test_a_grid_sample_by_the_default_mode_means_the_same_before(mode: str, opset: int, tmp_path: Path) -> None:
    text = f"""<ir_version: 9, opset_import: ["" : 20]> g (float[1, 2, 4, 4] x, float[1, 3, 3, 2] grid)
    => (float[1, 2, 3, 3] y) {{ y = GridSample<{mode}align_corners = 1>(x, grid) }}"""
    outcome = fix_text(text, tmp_path, "RK110", "RK111")
    assert outcome.model.view().opset == opset
    assert {proof.outcome for proof in outcome.proofs} <= {"proved"}


def test_an_operator_without_a_body_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = model(26, "y = CumProd(x, a)", "float[2, 4] x, int64 a")
    outcome = fix_text(text, tmp_path, CODE)
    assert "does not say how to write CumProd" in outcome.fixes.refused[0].reason


def test_no_operator_changed_its_meaning_unseen() -> None:
    """A new version since 20 with other attributes, inputs or defaults is in the table, or only adds to the old one."""
    changed = set()
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain or schema.since_version < 20 or schema.since_version > 26:
            continue
        try:
            old = onnx.defs.get_schema(schema.name, 19)
        except onnx.defs.SchemaError:
            continue
        gone = set(old.attributes) - set(schema.attributes)
        other = [n for n, a in old.attributes.items() if n in schema.attributes
                 and a.default_value != schema.attributes[n].default_value]  # fmt: skip
        if gone or other or len(schema.inputs) != len(old.inputs):
            changed.add(schema.name)
    assert changed <= set(MEANS_SOMETHING_ELSE)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_a_gelu_is_written_in_the_form_that_the_compiler_fuses(approximate: str, tmp_path: Path) -> None:
    text = model(20, f'y = Gelu<approximate = "{approximate}">(x)')
    outcome = fix_text(text, tmp_path, "RK11")
    assert diagnostics(outcome.model.proto(weights=True), "RK503") == ()


def test_an_rms_normalization_ends_in_the_form_that_the_compiler_fuses(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["" : 23]> g (float[2, 4] x) => (float[2, 4] y)
    <float[4] s = {1, 2, 3, 4}> { y = RMSNormalization(x, s) }"""
    outcome = fix_text(text, tmp_path, "RK11", "RK303", "RK4", "RK5", allow=frozenset({Safety.FP16_RANGE}))
    assert sorted(operators(outcome)) == ["Add", "Div", "Mul", "Mul", "Pow", "ReduceMean", "Sqrt"]


HEADS = "float[1, 2, 4, 8] q, float[1, 2, 6, 8] k, float[1, 2, 6, 8] v"


@pytest.mark.parametrize("outputs", ["y", "y, , , s"])
def test_attention_is_proved_though_large_scores_tie(outputs: str, tmp_path: Path) -> None:
    more = ", float[1, 2, 4, 6] s" if "s" in outputs else ""
    text = model(23, f"{outputs} = Attention(q, k, v)", HEADS, f"float[1, 2, 4, 8] y{more}")
    outcome = fix_text(text, tmp_path, "RK11")
    named = ["RK115"] if "s" in outputs else []
    assert [fix.code for fix in outcome.fixes.applied] == [*named, "RK111", "RK110"]
    assert {p.outcome for p in outcome.proofs} == {"proved"}
