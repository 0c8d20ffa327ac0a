from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.targets import refused_inputs, toolkits
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


def test_an_input_that_nothing_reads_is_dropped_in_time() -> None:
    assert diagnostics("g (int16[4] b, float[4] x) => (float[4] y) { y = Relu(x) }", CODE) == ()


def test_all_versions_refuse_the_same() -> None:
    assert {refused_inputs(version) for version in toolkits()} == {refused_inputs("2.3.2")}
