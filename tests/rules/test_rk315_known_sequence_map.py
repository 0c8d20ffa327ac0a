from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.engine.fixing import fix_text, operators, run
from tests.rules.harness import diagnostics

CODE = "RK315"
X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


ONE = "body = b (float[2, 3] e) => (float[2, 3] r)"
TWO = "body = b (float[2, 3] e, float[2, 3] f) => (float[2, 3] r)"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"m = SequenceMap<{ONE} {{ r = Relu(e) }}>(s)", [np.maximum(X, 0), np.maximum(-X, 0)]),
        (f"m = SequenceMap<{TWO} {{ r = Sub(e, f) }}>(s, x)", [X - X, -X - X]),
        (f"m = SequenceMap<{TWO} {{ r = Sub(e, f) }}>(s, t)", [X + X, -X - X]),
        (f"m = SequenceMap<{ONE} {{ w = Mul(e, n) r = Neg(w) }}>(s)", [X * X, -X * X]),
        (f"k = SequenceMap<{ONE} {{ r = Neg(e) }}>(s) m = SequenceMap<{ONE} {{ r = Abs(e) }}>(k)", [abs(X), abs(X)]),
    ],
    ids=["one sequence", "a tensor", "two sequences", "a value from around it", "one after the other"],
)
def test_the_body_is_written_out_for_each_element(
    body: str, expected: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    text = f"""g (float[2, 3] x) => (float[4, 3] y) {{
        n = Neg(x) s = SequenceConstruct(x, n) t = SequenceConstruct(n, x) {body}
        y = ConcatFromSequence<axis = 0>(m) }}"""
    outcome = fix_text(text, tmp_path, CODE, "RK314", "RK319")
    assert not any("Sequence" in op for op in operators(outcome))
    np.testing.assert_array_equal(run(outcome, {"x": X})["y"], np.concatenate(expected))
    assert "refuted" not in {proof.outcome for proof in outcome.proofs}


def test_sequences_from_outside_are_left() -> None:
    text = """g (seq(float[2, 3]) s) => (seq(float[2, 3]) y) {
        y = SequenceMap<body = b (float[2, 3] e) => (float[2, 3] r) { r = Relu(e) }>(s) }"""
    assert diagnostics(text, CODE) == ()
