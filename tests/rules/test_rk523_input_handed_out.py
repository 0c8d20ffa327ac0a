from __future__ import annotations

import numpy as np
import pytest

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK523"
TEXT = """g ({0} m) => ({0} same, float{1} z) {{ same = Identity(m) z = Cast<to = 1>(m) }}"""


@pytest.mark.parametrize("shape", ["[3]", "[2, 3]", "[2, 1, 3]"])
@pytest.mark.parametrize("opset", [9, 17])
def test_all_of_the_input_is_handed_out(shape: str, opset: int) -> None:
    before = f'<ir_version: 8, opset_import: ["" : {opset}]> ' + TEXT.format(f"int64{shape}", shape)
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert sorted(operators(after)) == ["Cast", "Reshape"]
    m = np.arange(np.prod(sizes := [int(n) for n in shape.strip("[]").split(",")])).reshape(sizes)
    np.testing.assert_array_equal(run(after, {"m": m})[0], m)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.format("int32[2]", "[2]"),
        "g (int64[2] m) => (int64[2] same) { same = Identity(m) }",
        "g (int64[2] m) => (int64[2] y, float[2] z) { same = Identity(m) y = Neg(same) z = Cast<to = 1>(m) }",
        "g (int64[2] m) => (int64[2] same, float[2] z) { n = Neg(m) same = Identity(n) z = Cast<to = 1>(n) }",
    ],
    ids=["int32", "nothing else reads it", "no output", "no input"],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_versions() -> None:
    text = TEXT.format("int64[2]", "[2]")
    assert len(diagnostics(text, CODE, target=Target("rk3588", "2.2.0", "fp16"))) == 1
    assert diagnostics(text, CODE, target=Target("rk3588", "2.5.0", "fp16")) == ()
