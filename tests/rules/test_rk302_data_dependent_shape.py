from __future__ import annotations

import pytest

from rkgraph.diagnostics import Severity, Verdict
from tests.rulebook.builders import op, table
from tests.rules.harness import diagnostics, lint_text
from tests.rules.limits import found_by

CODE = "RK302"


@pytest.mark.parametrize(
    ("model", "operator"),
    [
        ("g (float[4] x) => (int64[1, n] y) { y = NonZero(x) }", "NonZero"),
        ("g (float[4] x) => (float[n] y) { y = Unique(x) }", "Unique"),
        ("g (float[4] x, bool[4] keep) => (float[n] y) { y = Compress(x, keep) }", "Compress"),
        ("g (float[4] x, int64[2] shape) => (float[a, b] y) { y = Reshape(x, shape) }", "Reshape"),
        ("g (float[4] x, int64[1] times) => (float[n] y) { y = Tile(x, times) }", "Tile"),
        ("g (int64 n) => (int64[m] y) <int64 zero = {0}, int64 one = {1}> { y = Range(zero, n, one) }", "Range"),
        ("g (float[4] x, int64[1] k) => (float[n] y) { y, i = TopK(x, k) }", "TopK"),
        (
            """g (bool c, float[4] x) => (float[4] y) {
                y = If(c) <then_branch = a () => (float[4] p) { p = Neg(x) },
                           else_branch = b () => (float[4] q) { q = Abs(x) }>
            }""",
            "If",
        ),
        (
            "g (float[4] x) => (float[4] y) <int64 zero = {0}> { s = SequenceConstruct(x) y = SequenceAt(s, zero) }",
            "SequenceConstruct",
        ),
    ],
)
def test_data_that_decides_a_shape_is_found(model: str, operator: str) -> None:
    found = diagnostics(model, CODE)
    assert found[0].at.op == operator
    assert found[0].severity is Severity.ERROR
    assert found[0].cause


@pytest.mark.parametrize(
    "model",
    [
        "g (float[4] x) => (float[2, 2] y) <int64[2] shape = {2, 2}> { y = Reshape(x, shape) }",
        "g (float[4] x, float[2, 2] like) => (float[2, 2] y) { shape = Shape(like) y = Reshape(x, shape) }",
        """g (float[4] x) => (float[4] y) <bool no = {0}> {
            y = If(no) <then_branch = a () => (float[4] p) { p = Neg(x) },
                        else_branch = b () => (float[4] q) { q = Abs(x) }>
        }""",
        "g (float[2, 2] x, int64[2] lengths) => (float[2, 2] y) { y = ReverseSequence(x, lengths) }",
        "g (float[4] x) => (float[4] y) { unused = NonZero(x) y = Neg(x) }",
    ],
    ids=["constant", "static shape", "constant condition", "not a sequence", "dead"],
)
def test_what_is_known_before_lowering_is_not(model: str) -> None:
    assert diagnostics(model, CODE) == ()


def test_a_dynamic_input_alone_is_another_rules_business() -> None:
    model = "g (float[n, 4] x, float[n, 2, 2] like) => (float[n, 2, 2] y) { s = Shape(like) y = Reshape(x, s) }"
    assert diagnostics(model, CODE) == ()


def test_every_root_is_found_and_what_follows_is_induced() -> None:
    model = """g (float[4] x, float[8] z) => (float[n] y, float[m] w) <float[1] one = {1}> {
        places = NonZero(x)
        size = Shape(places)
        total = ReduceSum<keepdims = 1>(size)
        y = Expand(one, total)
        w = Unique(z)
    }"""
    found = {d.at.op: d for d in lint_text(model, CODE).diagnostics}
    assert {op: d.cause for op, d in found.items()} == {"NonZero": True, "Expand": False, "Unique": True}
    assert found["Expand"].induced_by == found["NonZero"].fingerprint


def test_the_verdict_is_that_the_build_fails() -> None:
    model = "g (float[4] x) => (int64[1, n] y) { y = NonZero(x) }"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


UNSQUEEZE = "g (float[2, 3] x, int64[1] axis) => (float[a, b, c] y) { y = Unsqueeze(x, axis) }"


def test_what_the_table_knows_to_build_is_a_guess_of_the_compilers() -> None:
    known = found_by(CODE, UNSQUEEZE, table(op("Unsqueeze", "npu")))
    assert "right for that one only" in known.diagnostics[0].message
    assert known.verdict is Verdict.DEPLOYABLE
    unknown = found_by(CODE, UNSQUEEZE, table(op("Relu", "npu")))
    assert "needs every shape" in unknown.diagnostics[0].message
    assert unknown.verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        ("g (float[2, 3] x, int64[2] a) => (float[p, q, r, s] y) { y = Unsqueeze(x, a) }", Verdict.BUILD_FAILS),
        ("g (float[1, 3] x, int64[1] a) => (float[p] y) { y = Squeeze(x, a) }", Verdict.DEPLOYABLE),
        ("g (float[3, 1] x, int64[1] a) => (float[p] y) { y = Squeeze(x, a) }", Verdict.BUILD_FAILS),
    ],
)
def test_axes_that_are_all_zero_fit_or_do_not(model: str, verdict: Verdict) -> None:
    known = table(op("Unsqueeze", "npu"), op("Squeeze", "npu"))
    assert found_by(CODE, model, known).verdict is verdict


def test_what_the_toolkit_checks_ends_the_build_whatever_the_table_says() -> None:
    model = "g (float[4] x, int64[2] shape) => (float[a, b] y) { y = Reshape(x, shape) }"
    assert found_by(CODE, model, table(op("Reshape", "npu"))).verdict is Verdict.BUILD_FAILS


def test_a_dead_node_is_checked_before_it_is_dropped() -> None:
    model = "g (float[4] x, int64[2] shape) => (float[4] y) { unused = Reshape(x, shape) y = Neg(x) }"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


def test_a_sequence_ends_the_loading_wherever_it_stands() -> None:
    model = "g (float[4] x) => (float[4] y) { unused = SequenceConstruct(x) y = Neg(x) }"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


def test_compress_by_a_constant_is_not() -> None:
    model = "g (float[4] x) => (float[2] y) <bool[4] keep = {1, 0, 1, 0}> { y = Compress(x, keep) }"
    assert diagnostics(model, CODE) == ()
