from __future__ import annotations

from tests.rules.harness import diagnostics

CODE = "RK118"
SCAN = """g (float[2] x, float[3, 2] s) => (float[2] y, float[3, 2] z) <float[2] k = {{1, 2}}> {{
    y, z = Scan<num_scan_inputs = 1, body = b (float[2] v, float[2] t) => (float[2] w, float[2] u) {{
        h = Mul(v, {})
        w = Add(h, t)
        u = Identity(w)
    }}>(x, s)
}}"""


def test_a_body_that_reads_a_constant_from_around_it_is_found() -> None:
    (found,) = diagnostics(SCAN.format("k"), CODE)
    assert found.observed == {"captured": ["k"]}


def test_inputs_of_the_node_and_own_values_are_not() -> None:
    assert diagnostics(SCAN.format("x"), CODE) == ()
    assert diagnostics(SCAN.format("t"), CODE) == ()


def test_what_folds_is_not() -> None:
    folded = SCAN.format("k").replace("g (float[2] x, float[3, 2] s)", "g ()")
    folded = folded.replace(
        "float[2] k = {1, 2}", "float[2] k = {1, 2}, float[2] x = {1, 2}, float[3, 2] s = {1, 2, 3, 4, 5, 6}"
    )
    assert diagnostics(folded, CODE) == ()
