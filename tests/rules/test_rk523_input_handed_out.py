from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK523"
TEXT = """g ({0} m) => ({0} same, float{1} z) {{ same = Identity(m) z = Cast<to = 1>(m) }}"""
NUMPY = {"float": "float32"}


@pytest.mark.parametrize("dtype", ["int64", "int32", "float", "float16"])
@pytest.mark.parametrize("opset", [9, 17])
def test_all_of_the_input_is_handed_out(dtype: str, opset: int) -> None:
    before = f'<ir_version: 8, opset_import: ["" : {opset}]> ' + TEXT.format(f"{dtype}[1, 48]", "[1, 48]")
    after, edits = fixed(before, CODE)
    assert not any(isinstance(edit, Refusal) for edit in edits)
    whole = dtype.startswith("int")
    both = dtype == "float"  # a Cast of float to float hands it out, too
    assert sorted(operators(after)) == sorted(["Max" if whole else "LeakyRelu", "LeakyRelu" if both else "Cast"])
    low, high = (-(2**31), 2**31 - 1) if whole else (-60000, 60000)
    m = np.linspace(low, high, 48).reshape(1, 48).astype(NUMPY.get(dtype, dtype))
    np.testing.assert_array_equal(run(after, {"m": m})[0], m)


@pytest.mark.parametrize(
    "text",
    [
        "g (float[1, 64] m) => (float[1, 64] o) <int64[2] s = {1, 64}> { o = Reshape(m, s) }",
        "g (float[1, 64] m) => (float[1, 64] o) { o = Dropout(m) }",
        "g (float[1, 64] m) => (float[1, 64] o) { o = Cast<to = 1>(m) }",
        "g (float[1, 64] m) => (float[1, 64] o) { q = Identity(m) o = Identity(q) }",
        "g (float[1, 64] m) => (float[1, 64] o) <float[1] k = {1}> { o = Mul(m, k) }",
    ],
    ids=["reshape", "dropout", "cast", "twice", "times one"],
)
def test_whatever_changes_nothing_is_seen_through(text: str) -> None:
    after, edits = fixed(text, CODE)
    assert len(edits) == 1
    m = np.linspace(-3, 3, 64, dtype=np.float32).reshape(1, 64)
    np.testing.assert_array_equal(run(after, {"m": m})[0], m)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.format("int64[1, 32]", "[1, 32]"),
        TEXT.format("int64[1, 65]", "[1, 65]"),
        TEXT.format("int64[2, 64]", "[2, 64]"),
        TEXT.format("int64[64]", "[64]"),
        TEXT.format("int64[1, 1, 64]", "[1, 1, 64]"),
        TEXT.format("int64[1, N]", "[1, N]"),
        "g (int64[1, 64] m) => (int64[1, 64] y, float[1, 64] z) { s = Identity(m) y = Neg(s) z = Cast<to = 1>(m) }",
        "g (int64[1, 64] m) => (int64[1, 64] o, float[1, 64] z) { n = Neg(m) o = Identity(n) z = Cast<to = 1>(n) }",
        "g (float[1, 64] m) => (float[1, 8, 8] o) <int64[3] s = {1, 8, 8}> { o = Reshape(m, s) }",
    ],
    ids=["short", "no multiple of 8", "two rows", "rank 1", "rank 3", "dynamic", "no output", "no input", "reshaped"],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_other_dtypes_are_refused() -> None:
    _, edits = fixed("g (bool[1, 64] m) => (bool[1, 64] o) { o = Identity(m) }", CODE)
    assert [type(edit) for edit in edits] == [Refusal]


@pytest.mark.parametrize("version", ["2.2.0", "2.3.0", "2.3.2", "2.5.0"])
def test_versions(version: str) -> None:
    text = TEXT.format("int64[1, 64]", "[1, 64]")
    assert len(diagnostics(text, CODE, target=Target("rk3588", version, "fp16"))) == 1
