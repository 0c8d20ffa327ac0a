from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Safety, Verdict
from rkgraph.engine.fix import FixOutcome
from rkgraph.errors import UsageError
from rkgraph.rulebook.rule import Options
from tests.engine.fixing import fix_text, operators, run
from tests.rules.harness import diagnostics, parse

CODE = "RK321"
ALL = frozenset(Safety) - {Safety.MANUAL}
HEAD = '<ir_version: 8, opset_import: ["" : 18]>'

REVERSED = f"""{HEAD} g (seq(float[2]) x, float[2] z) => (seq(float[2]) y)
<int64 zero = {{0}}, int64 one = {{1}}>
{{ first = SequenceAt(x, zero) second = SequenceAt(x, one) sum = Add(first, z) y = SequenceConstruct(second, sum) }}"""


def optional(rest: str) -> onnx.ModelProto:
    return parse(f"{HEAD} g (optional(float[2]) x) => (float[2] y) {{ {rest} }}")


def fixed(model: str | onnx.ModelProto, folder: Path, **shapes: tuple[int, ...]) -> FixOutcome:
    names = {name.replace("_0", "[0]").replace("_1", "[1]").replace("_2", "[2]"): s for name, s in shapes.items()}
    return fix_text(model, folder, "RK", options=Options(shapes=names), allow=ALL)


def test_sequences_are_found_where_they_come_in_and_go_out() -> None:
    assert {(d.at.value, d.observed["kind"]) for d in diagnostics(REVERSED, CODE)} == {
        ("x", "a sequence"), ("y", "a sequence"),
    }  # fmt: skip


def test_an_optional_tensor_is_found() -> None:
    (found,) = diagnostics(optional("y = OptionalGetElement(x)"), CODE)
    assert found.observed["kind"] == "an optional tensor"


def test_what_the_user_says_opens_an_input_and_what_is_known_an_output(tmp_path: Path) -> None:
    outcome = fixed(REVERSED, tmp_path, x_0=(2,), x_1=(2,))
    main = outcome.model.view().main
    assert main.inputs == ("x[0]", "x[1]", "z")
    assert main.outputs == ("y[0]", "y[1]")
    assert {"SequenceAt", "SequenceConstruct"}.isdisjoint(operators(outcome))
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
    a, b, z = (np.array(pair, np.float32) for pair in ([1, 2], [3, 4], [10, 20]))
    results = run(outcome, {"x[0]": a, "x[1]": b, "z": z})
    np.testing.assert_array_equal(results["y[0]"], b)
    np.testing.assert_array_equal(results["y[1]"], a + z)


def test_an_optional_tensor_that_is_there_keeps_its_name(tmp_path: Path) -> None:
    outcome = fixed(optional("held = OptionalGetElement(x) y = Neg(held)"), tmp_path, x=(2,))
    assert outcome.model.view().main.inputs == ("x",)
    assert operators(outcome) == ["Neg"]


def test_an_optional_sequence_that_is_known_to_be_there_is_opened(tmp_path: Path) -> None:
    text = f"""{HEAD} g (float[2] a, float[2] b) => (optional(seq(float[2])) y)
    {{ n = Neg(b) s = SequenceConstruct(n, a) y = Optional(s) }}"""
    outcome = fixed(text, tmp_path)
    assert outcome.model.view().main.outputs == ("y[0]", "y[1]")
    assert {"SequenceAt", "Optional", "OptionalGetElement"}.isdisjoint(operators(outcome))
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
    a, b = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    results = run(outcome, {"a": a, "b": b})
    np.testing.assert_array_equal(results["y[0]"], -b)
    np.testing.assert_array_equal(results["y[1]"], a)


def test_an_optional_sequence_that_may_be_empty_stays(tmp_path: Path) -> None:
    text = f"{HEAD} g (optional(seq(float[2])) x) => (optional(seq(float[2])) y) {{ y = Identity(x) }}"
    assert fixed(text, tmp_path).model.view().main.outputs == ("y",)


@pytest.mark.parametrize("model", [REVERSED, optional("held = OptionalGetElement(x) y = Neg(held)")])
def test_without_a_word_of_the_user_it_is_refused_with_the_option_that_is_missing(
    model: str | onnx.ModelProto, tmp_path: Path
) -> None:
    outcome = fixed(model, tmp_path)
    (refused,) = [r for r in outcome.fixes.refused if r.code == CODE and r.at.value == "x"]
    assert refused.needs is not None
    assert "--shape" in refused.needs


def test_an_output_of_unknown_length_stays(tmp_path: Path) -> None:
    outcome = fixed(
        f"{HEAD} g (float[4] x, int64[2] at) => (seq(float[n]) y) {{ y = SplitToSequence(x, at) }}", tmp_path
    )
    assert outcome.model.view().main.outputs == ("y",)
    assert any("not known" in refused.reason for refused in outcome.fixes.refused if refused.code == CODE)


def test_tensors_are_no_matter_of_this_rule() -> None:
    assert diagnostics("g (float[n] x) => (float[n] y) { y = Neg(x) }", CODE) == ()


def empty(model: str | onnx.ModelProto, folder: Path, *names: str, **options: Any) -> FixOutcome:
    return fix_text(model, folder, "RK", options=Options(absent=frozenset(names), **options), allow=ALL)


@pytest.mark.parametrize("kind", ["seq(float[2])", "optional(seq(float[2]))", "optional(float[2])"])
def test_what_holds_nothing_goes_and_the_whole_is_proved(kind: str, tmp_path: Path) -> None:
    question = "h = OptionalHasElement(x) n = Cast<to = 7>(h)" if "optional" in kind else "n = SequenceLength(x)"
    text = f"{HEAD} g ({kind} x, int64 z) => (int64 y) {{ {question} y = Add(n, z) }}"
    outcome = empty(text, tmp_path, "x")
    assert outcome.model.view().main.inputs == ("z",)
    (told,) = [fix for fix in outcome.fixes.applied if fix.code == CODE]
    assert (told.at.value, told.allowed_by) == ("x", "--freeze x=none")
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
    assert outcome.after.verdict is Verdict.DEPLOYABLE
    (value,) = outcome.model.view().main.inputs
    shape = [size for size in outcome.model.view().main.value(value).shape or () if isinstance(size, int)]
    assert run(outcome, {"z": np.full(shape, 7, outcome.model.view().main.value(value).dtype)})["y"] == 7


def test_a_sequence_without_elements_that_a_model_adds_to(tmp_path: Path) -> None:
    text = f"{HEAD} g (seq(float[2]) x, float[2] z) => (seq(float[2]) y) {{ a = SequenceInsert(x, z) y = Identity(a) }}"
    outcome = empty(text, tmp_path, "x")
    main = outcome.model.view().main
    assert (main.inputs, main.outputs) == (("z",), ("y[0]",))
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]


@pytest.mark.parametrize(
    ("name", "said"), [("z", "it is a tensor"), ("w", "no input 'w'"), ("y", "no input 'y'"), ("x", "holds something")]
)
def test_what_cannot_hold_nothing_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        empty(REVERSED, tmp_path, name, shapes={"x[0]": (2,)})


def test_an_optional_scalar_that_is_there_is_compared_as_the_scalar_that_it_was(tmp_path: Path) -> None:
    text = f"""{HEAD} g (seq(float) x, float[2] z) => (seq(float) y, float[2] s)
    <int64 zero = {{0}}> {{ y = Identity(x) a = SequenceAt(x, zero) s = Add(a, z) }}"""
    outcome = fixed(text, tmp_path, x_0=())
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
    assert not [d for d in outcome.after.diagnostics if d.code == "RK991"]
