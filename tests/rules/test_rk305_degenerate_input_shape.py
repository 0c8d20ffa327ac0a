from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.rules.rk305_degenerate_input_shape import MOST_ELEMENTS
from tests.rules.harness import diagnostics, lint_text

CODE = "RK305"


@pytest.mark.parametrize("shape", ["", "[0]", "[0, 4]", "[n, 0]"])
def test_scalars_and_empty_tensors_are_found(shape: str) -> None:
    model = f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}"
    (found,) = diagnostics(model, CODE)
    assert found.at.value == "x"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("shape", ["[1]", "[1, 1]", "[n, 4]", "[1, 4]"])
def test_what_has_elements_is_not(shape: str) -> None:
    assert diagnostics(f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}", CODE) == ()


def test_each_input_is_found() -> None:
    model = "g (float a, float[4] b, float[0] c) => (float[4] y, float[0] z) { y = Mul(a, b) z = Neg(c) }"
    assert [d.at.value for d in diagnostics(model, CODE)] == ["a", "c"]


@pytest.mark.parametrize("shape", [f"[{2**62}]", f"[n, {2**32}]", "[65536, 65536]", f"[{MOST_ELEMENTS + 1}]"])
def test_more_elements_than_the_runtime_can_count_are_found(shape: str) -> None:
    model = f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}"
    (found,) = diagnostics(model, CODE)
    assert (found.at.value, found.limit) == ("x", {"elements": MOST_ELEMENTS})
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("shape", [f"[{MOST_ELEMENTS}]", "[65536, 65535]"])
def test_as_many_as_it_can_count_are_not(shape: str) -> None:
    assert diagnostics(f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}", CODE) == ()
