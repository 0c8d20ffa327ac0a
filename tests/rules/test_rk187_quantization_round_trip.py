from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK187"


def trip(body: str, *, dtype: str = "int16", out: str = "1, 2, 3", constants: str = "") -> str:
    return f"""<ir_version: 10, opset_import: ["" : 21]> g (float[1, 2, 3] x) => (float[{out}] y)
    <float s = {{0.01}}, float other = {{0.02}}, {dtype} z = {{5}}, {dtype} nought = {{0}}{constants}> {{ {body} }}"""


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
@pytest.mark.parametrize(
    ("body", "out", "constants", "expected"),
    [
        ("q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)", "1, 2, 3", "", ["Clip"]),
        (
            "q = QuantizeLinear(x, s, z) t = Transpose(q) r = Reshape(t, to) y = DequantizeLinear(r, s, z)",
            "6",
            ", int64[1] to = {6}",
            ["Clip", "Transpose", "Reshape"],
        ),
    ],
)
def test_only_the_range_stays(dtype: str, body: str, out: str, constants: str, expected: list[str]) -> None:
    text = trip(body, dtype=dtype, out=out, constants=constants)
    after, _ = fixed(text, CODE)
    assert operators(after) == expected
    feeds = {"x": np.array([[[-1000, -0.031, 0], [0.5, 7, 1000]]], "f")}
    old, new = (np.asarray(run(model, feeds)[0], "f8") for model in (text, after))
    assert np.abs(old - new).max() <= 0.0051


@pytest.mark.parametrize(
    "body",
    [
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, other, z)",
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, nought)",
        "q = QuantizeLinear(x, s, z) r = Concat<axis = 0>(q) y = DequantizeLinear(r, s, z)",
    ],
)
def test_near_misses_are_left_alone(body: str) -> None:
    assert diagnostics(trip(body), CODE) == ()


def test_eight_bits_are_left_to_the_compiler() -> None:
    assert diagnostics(trip("q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)", dtype="int8"), CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    text = trip("q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)")
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
