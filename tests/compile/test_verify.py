"""Comparison: right is right, and every way of being wrong is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rkgraph.compile.verify import Verification, compare, normalise, reference_outputs, verify
from rkgraph.errors import UsageError
from tests.builders import saved, text_model

FINITE = hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(-1e3, 1e3, width=32))


@given(FINITE)
def test_equal_arrays_match_entirely(array: np.ndarray) -> None:
    match = compare("y", array, array.copy())
    assert match.largest_error == 0
    assert match.cosine == pytest.approx(1.0)


@given(FINITE, st.data())
def test_one_nan_is_failure_on_either_side(array: np.ndarray, data: st.DataObject) -> None:
    spoilt = array.copy()
    spoilt.flat[data.draw(st.integers(0, array.size - 1))] = np.nan
    for want, have in ((array, spoilt), (spoilt, array), (spoilt, spoilt)):
        match = compare("y", want, have)
        assert match.cosine is None
        assert "NaN" in match.detail
        assert not Verification(0.5, "m", 1, (match,)).passed


def test_infinities_shapes_zeros_and_signs() -> None:
    a = np.array([1.0, -np.inf, 2.0])
    assert compare("y", a, a).cosine == pytest.approx(1.0)
    assert compare("y", a, np.array([1.0, np.inf, 2.0])).cosine is None
    assert compare("y", a, np.array([1.0, -1e4, 2.0])).cosine is None
    assert compare("y", np.ones(4), np.ones((2, 2))).cosine is None
    assert compare("y", np.zeros(3), np.zeros(3)).cosine == 1
    assert compare("y", np.ones(3), np.zeros(3)).cosine == 0
    assert compare("y", np.ones(3), -np.ones(3)).cosine == pytest.approx(-1.0)
    assert compare("y", np.ones(3), np.array([1, 1.5, 1])).largest_error == 0.5
    big = np.full(4, 1e200)
    assert compare("y", big, big).cosine == pytest.approx(1.0)


def test_the_worst_case_counts_and_the_threshold_is_inclusive() -> None:
    good, off = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    result = verify([{"y": good}, {"y": off}], [{"y": good}, {"y": good}], 0.6, "m.onnx")
    assert result.outputs[0].cosine == pytest.approx(0.6)
    assert result.outputs[0].largest_error == pytest.approx(0.8)
    assert result.cases == 2
    cosine = result.outputs[0].cosine
    assert cosine is not None
    assert Verification(cosine, "m", 2, result.outputs).passed
    assert not Verification(float(np.nextafter(cosine, 1)), "m", 2, result.outputs).passed
    assert result.proof.outcome == ("proved" if result.passed else "refuted")


def test_a_record_is_judged_by_a_new_threshold() -> None:
    result = verify([{"y": np.array([0.6, 0.8])}], [{"y": np.array([1.0, 0.0])}], 0.5, "m.onnx")
    assert result.passed
    assert Verification.from_record(result.record, 0.5) == result
    assert not Verification.from_record(result.record, 0.9).passed


def test_no_output_in_common() -> None:
    with pytest.raises(UsageError, match="none of the outputs"):
        verify([{"y": np.ones(1)}], [{"z": np.ones(1)}], 0.9, "m.onnx")
    assert not Verification(0.9, "m", 1, ()).passed


def test_normalisation_is_that_of_the_compiled_model(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    options = {"mean_values": [[1, 2, 3]], "std_values": [[1, 2, 4]]}
    normal = normalise({"x": x}, options)["x"]
    assert normal.dtype == np.float32
    assert np.array_equal(normal[0, 2], (x[0, 2] - 3) / 4)
    assert normalise({"x": x}, {})["x"] is x
    model = saved(text_model("g (float[1,3,2,2] x) => (float[1,3,2,2] y) { y = Neg(x) }"), tmp_path)
    (out,) = reference_outputs(model, [{"x": x}], options)
    assert np.array_equal(out["y"], -normal)
    with pytest.raises(UsageError, match="input x is not one"):
        reference_outputs(model, [{"other": x}], {})
