from __future__ import annotations

import pytest

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.graph.rewrite import PinShapes, Refusal
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from tests.rules.harness import context_of, diagnostics, lint_text

CODE = "RK301"
TEXT = "g (float[batch, 3, n] x, float[2] w) => (float[batch, 3, n] y) { y = Relu(x) }"
RULE = next(rule for rule in load_rules() if rule.code == CODE)


def edit(options: Options) -> object:
    context = context_of(TEXT, options=options)
    (finding,) = RULE.check(context)
    assert RULE.fix is not None
    return RULE.fix(context, finding)


def test_every_dynamic_input_is_found_and_no_other() -> None:
    (found,) = diagnostics(TEXT, CODE)
    assert (found.at.value, found.severity) == ("x", Severity.ERROR)
    assert "[batch, 3, n]" in found.message
    assert lint_text(TEXT, CODE).verdict is Verdict.BUILD_FAILS


def test_pinned_inputs_are_not_found() -> None:
    assert diagnostics(TEXT, CODE, shapes={"x": (1, 3, 5)}) == ()


@pytest.mark.parametrize(
    "options", [Options(shapes={"x": (1, 3, 5)}), Options(dims={"batch": 1, "n": 5})], ids=["shape", "dims"]
)
def test_the_fix_pins_what_the_user_said(options: Options) -> None:
    assert edit(options) == PinShapes({"x": (1, 3, 5)})


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        (Options(), "--shape x=1x3xN"),
        (Options(dims={"n": 7}), "--shape x=1x3x7"),
        (Options(suggested_shapes={"x": (1, 3, 224)}), "--shape x=1x3x224"),
    ],
)
def test_without_a_shape_the_refusal_suggests_one(options: Options, needs: str) -> None:
    refusal = edit(options)
    assert isinstance(refusal, Refusal)
    assert refusal.needs == needs
