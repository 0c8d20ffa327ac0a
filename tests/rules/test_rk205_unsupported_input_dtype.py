from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.targets import refused_inputs
from tests.rules.harness import diagnostics, lint_text

CODE = "RK205"
REFUSED = ("int16", "uint16", "uint32", "uint64", "string", "bfloat16", "complex64", "complex128")


def model(dtype: str) -> str:
    """An input that goes through a Squeeze, beside a float path."""
    return f"g ({dtype}[1, 4] b, float[1, 4] x) => (float[1, 4] y, {dtype}[4] c) {{ y = Relu(x) c = Squeeze(b) }}"


@pytest.mark.parametrize("dtype", REFUSED)
def test_refused_dtypes_are_found(dtype: str) -> None:
    (found,) = diagnostics(model(dtype), CODE)
    assert (found.at.value, found.observed["dtype"]) == ("b", dtype)
    assert dtype in found.limit["refused"]
    assert lint_text(model(dtype), CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("dtype", ["float", "float16", "double", "int32", "int64", "bool", "uint8", "int8"])
def test_others_are_not(dtype: str) -> None:
    assert diagnostics(model(dtype), CODE) == ()


def test_constants_and_inner_values_are_not_inputs() -> None:
    inner = "g (float[1, 4] x) => (float[1, 4] y) { c = Cast<to = 5>(x) y = Cast<to = 1>(c) }"
    assert diagnostics(inner, CODE) == ()


def test_what_was_not_measured_is_not_claimed() -> None:
    assert "int16" in refused_inputs("2.3.2")
    assert refused_inputs("2.2.0") == frozenset()
