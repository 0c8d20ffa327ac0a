from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text, operators, run
from tests.rules.harness import diagnostics

CODE = "RK317"
RANGE = "g () => (float[3] y) <float a = {1}, float b = {4}, float s = {1}> { y = Range(a, b, s) }"


@pytest.mark.parametrize("text", [RANGE, "g () => (float[2] y) { y = Constant<value = float[2] {1, 2}>() }"])
def test_a_model_without_inputs_gets_one_that_does_not_matter(text: str, tmp_path: Path) -> None:
    assert len(diagnostics(text, CODE)) == 1
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.INTERFACE}))
    assert outcome.model.view().main.inputs == ("unused",)
    assert "Add" in operators(outcome)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    for number in (0.0, -5.0, np.inf):
        found = run(outcome, {"unused": np.array([number], np.float32)})["y"]
        np.testing.assert_array_equal(found, [1, 2, 3][: len(found)])


def test_without_leave_the_interface_stays(tmp_path: Path) -> None:
    outcome = fix_text(RANGE, tmp_path, CODE)
    assert outcome.model.view().main.inputs == ()
    assert (
        outcome.fixes.refused[-1].needs == "--allow interface" or outcome.fixes.refused[0].needs == "--allow interface"
    )


def test_a_name_that_is_taken_is_not_taken_again(tmp_path: Path) -> None:
    text = "g () => (float[1] y) <float[1] unused = {2}> { y = Neg(unused) }"
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.INTERFACE}))
    assert outcome.model.view().main.inputs == ("unused_0",)
    np.testing.assert_array_equal(run(outcome, {"unused_0": np.ones(1, np.float32)})["y"], [-2])


def test_a_model_with_an_input_is_left() -> None:
    assert diagnostics("g (float[2] x) => (float[2] y) { y = Neg(x) }", CODE) == ()
