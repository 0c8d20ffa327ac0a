from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.rulebook.elementary import ERRORS
from tests.rules.elementwise import POINTS, node, result, rewritten
from tests.rules.harness import diagnostics

CODE = "RK125"
EXACT = {
    "Acos": np.arccos,
    "Acosh": np.arccosh,
    "Asin": np.arcsin,
    "Asinh": np.arcsinh,
    "Atan": np.arctan,
    "Atanh": np.arctanh,
}
ENDS = {"Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-1, 1), "Acosh": (1, 65504)}


def within(op: str, x: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """As many numbers, all of them in the domain of the function."""
    low, high = ENDS.get(op, (-65504, 65504))
    return np.where((x >= low) & (x <= high), x, np.asarray(1.0 if op == "Acosh" else 0.25, x.dtype))


def compare(op: str, x: npt.NDArray[np.floating], dtype: str, rtol: float, atol: float = 0.0) -> None:
    after = rewritten(node(op, x.shape, dtype=dtype), CODE)
    with np.errstate(all="ignore"):
        wanted = EXACT[op](x.astype(np.float64))
    np.testing.assert_allclose(result(after, {"x": x}).astype(np.float64), wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("op", EXACT)
def test_the_error_is_the_one_that_is_stated(op: str) -> None:
    dense = np.concatenate([np.linspace(-1, 1, 2000), np.geomspace(1e-6, 65504, 2000)]).astype(np.float32)
    compare(op, within(op, dense).reshape(4, 1000), "float", 1.2 * ERRORS[op] + 1e-6, 2e-6)


@pytest.mark.parametrize("op", EXACT)
def test_doubles_are_computed_in_float32(op: str) -> None:
    compare(op, within(op, POINTS.astype(np.float64)).reshape(5, 8), "double", 1e-5, 2e-6)


@pytest.mark.parametrize("op", EXACT)
def test_every_number_that_fp16_holds(op: str) -> None:
    """A few roundings of 2^-11; near their zero at 1, Acos and Acosh keep their digits, too."""
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = within(op, np.where(np.isfinite(x) & ((np.abs(x) > 6e-5) | (x == 0)), x, np.float16(0)))
    compare(op, x.reshape(2, -1), "float16", 4e-3, 1e-6)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(EXACT)), st.lists(st.floats(-1000, 1000, width=32), min_size=6, max_size=6))
def test_what_lies_outside_of_the_domain_is_no_number(op: str, values: list[float]) -> None:
    x = np.array(values, np.float32).reshape(2, 3)
    compare(op, x, "float", 2e-5, 2e-5)


def test_infinities_turn() -> None:
    compare("Atan", np.array([[np.inf, -np.inf, np.nan]], np.float32), "float", 1e-6)
    compare("Asinh", np.array([[np.inf, np.nan, 1]], np.float32), "float", 1e-5)


def test_what_runs_is_left_alone() -> None:
    assert diagnostics(node("Sin"), CODE) == () == diagnostics(node("Sinh"), CODE)


@pytest.mark.parametrize("op", EXACT)
def test_the_engine_proves_it_where_errors_are_allowed(op: str, tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    assert fix_text(node(op), tmp_path, CODE).fixes.applied == ()
    outcome = fix_text(node(op), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
