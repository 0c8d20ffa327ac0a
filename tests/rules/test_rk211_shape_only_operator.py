from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, run

CODE = "RK211"


@pytest.mark.parametrize("shape", ["3, 4", "4, 3", "1, 1"])
@pytest.mark.parametrize("k", [-4, -1, 0, 2, 9])
@pytest.mark.parametrize(
    ("given", "attribute", "made"),
    [
        ("float", "", "float"),
        ("int32", "", "int32"),
        ("int32", ", dtype = 11", "double"),
        ("float", ", dtype = 7", "int64"),
    ],
)
def test_a_matrix_of_one_diagonal(shape: str, k: int, given: str, attribute: str, made: str) -> None:
    text = f"g ({given}[{shape}] x) => ({made}[{shape}] y) {{ y = EyeLike<k = {k}{attribute}>(x) }}"
    feeds = {"x": np.full([int(n) for n in shape.split(",")], 7, "float32" if given == "float" else given)}
    after, _ = fixed(text, CODE)
    found, expected = run(after, feeds)[0], run(text, feeds)[0]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_number_of_elements() -> None:
    text = "g (float[3, 4] x) => (float[3, 4] y) { n = Size(x) f = Cast<to = 1>(n) y = Mul(x, f) }"
    feeds = {"x": np.ones((3, 4), np.float32)}
    np.testing.assert_array_equal(run(fixed(text, CODE)[0], feeds)[0], run(text, feeds)[0])


def test_a_dynamic_shape_is_refused() -> None:
    (refusal,) = fixed("g (float[N, 4] x) => (float[N, 4] y) { y = EyeLike(x) }", CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "--shape" in refusal.reason


def test_of_constants_it_folds() -> None:
    text = "g (float[2] x) => (float[2] y) <float[2] c = {1, 2}> { n = Size(c) f = Cast<to = 1>(n) y = Mul(x, f) }"
    assert diagnostics(text, CODE) == ()
