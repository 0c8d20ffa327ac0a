from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import run

CODE = "RK212"
ALLOW = frozenset({Safety.INTERFACE})


@pytest.mark.parametrize(
    ("given", "read", "wanted"),
    [("uint8", "f = Cast<to = 1>(x) y = Neg(f)", "float32"), ("uint8", "f = Cast<to = 6>(x) y = Neg(f)", "int32"),
     ("uint8", "f = Cast<to = 1>(x) g = Cast<to = 7>(x) z = Neg(g) y = Neg(f)", "int32")],
)  # fmt: skip
def test_an_input_takes_the_dtype_in_which_it_is_read(given: str, read: str, wanted: str, tmp_path: Path) -> None:
    dtype = "int32" if "Cast<to = 6>(x) y" in read else "float"
    text = f"g ({given}[4] x) => ({dtype}[4] y) {{ {read} }}"
    outcome = fix_text(text, tmp_path, CODE, allow=ALLOW)
    main = outcome.model.view().main
    assert main.value("x").dtype == wanted
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    after, feeds = outcome.model.proto(weights=True), np.array([0, 1, 200, 255])
    np.testing.assert_array_equal(run(after, {"x": feeds.astype(wanted)})[0], run(text, {"x": feeds.astype(given)})[0])


def test_an_output_becomes_int32_and_the_whole_model_is_compared(tmp_path: Path) -> None:
    text = "g (float[4] x) => (uint8[4] y) <float l = {0}, float h = {255}> { c = Clip(x, l, h) y = Cast<to = 2>(c) }"
    outcome = fix_text(text, tmp_path, CODE, allow=ALLOW)
    assert outcome.model.view().main.value("y").dtype == "int32"
    assert {proof.kind: proof.outcome for proof in outcome.proofs}["model"] == "proved"
    assert outcome.fixes.applied[0].detail == "y: uint8 → int32"


def test_nothing_changes_that_is_not_allowed(tmp_path: Path) -> None:
    outcome = fix_text("g (uint8[4] x) => (float[4] y) { y = Cast<to = 1>(x) }", tmp_path, CODE)
    assert outcome.fixes.applied == ()
    assert outcome.fixes.refused[0].needs == "--allow interface"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("g (int32[4] x) => (uint8[4] y) { y = Cast<to = 2>(x) }", "range of uint8"),
     ("g (float[4] x) => (uint8[4] y, float[4] z) { c = Sigmoid(x) y = Cast<to = 2>(c) z = Cast<to = 1>(y) }",
      "read in the model")],
)  # fmt: skip
def test_what_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    outcome = fix_text(text, tmp_path, CODE, allow=ALLOW)
    assert outcome.fixes.applied == ()
    assert any(reason in refused.reason for refused in outcome.fixes.refused)


@pytest.mark.parametrize(
    "text",
    ["g (int8[4] x) => (float[4] y) { y = Cast<to = 1>(x) }", "g (float[4] x) => (int8[4] y) { y = Cast<to = 3>(x) }",
     "g (uint8[4] x) => (uint8[4] y) { y = Identity(x) }", "g (uint16[4] x) => (float[4] y) { y = Cast<to = 1>(x) }"],
)  # fmt: skip
def test_what_runs_or_is_no_cast_or_is_refused_anyway(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_narrow_arithmetic_from_edge_to_edge(tmp_path: Path) -> None:
    text = "g (uint8[4] x, uint16[4] z) => (uint8[4] y) { n = Cast<to = 2>(z) s = Add(x, n) y = Mul(s, x) }"
    outcome = fix_text(text, tmp_path, "RK2", "RK401", allow=ALLOW)
    main = outcome.model.view().main
    assert {main.value(name).dtype for name in ("x", "z", "y")} == {"int32"}
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    x, z = np.array([0, 7, 200, 255]), np.array([65535, 300, 255, 1])
    after = outcome.model.proto(weights=True)
    found = run(after, {"x": x.astype("int32"), "z": z.astype("int32")})[0]
    np.testing.assert_array_equal(found, run(text, {"x": x.astype("uint8"), "z": z.astype("uint16")})[0])
