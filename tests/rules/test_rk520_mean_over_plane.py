from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK520"


def model(axes: str = "axes = [2, 3], keepdims = 0", *, shape: str = "2, 3, 4, 5", dtype: str = "float") -> str:
    return f"""g ({dtype}[{shape}] x) => ({dtype}[N, C] y) {{ m = ReduceMean<{axes}>(x) y = Neg(m) }}"""


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(*(st.integers(1, 5) for _ in range(4))), st.sampled_from(["2, 3", "-2, -1", "2, -1"]), st.integers(0, 99)
)
def test_the_mean_stays(shape: tuple[int, ...], axes: str, seed: int) -> None:
    before = model(f"axes = [{axes}], keepdims = 0", shape=", ".join(map(str, shape)))
    after, _ = fixed(before, CODE)
    assert operators(after) == ["GlobalAveragePool", "Flatten", "Neg"]
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * np.float32(300)
    found, wanted = (run(each, {"x": x})[0].astype(np.float64) for each in (after, before))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    "axes", ["axes = [3, 2], keepdims = 0", "axes = [2, 3]", "axes = [2], keepdims = 0", "axes = [1, 2], keepdims = 0"]
)
def test_other_means_are_left_alone(axes: str) -> None:
    assert diagnostics(model(axes).replace("float[N, C] y", "float[A, B, C, D] y"), CODE) == ()


def test_a_tensor_of_another_rank_is_left_alone() -> None:
    assert diagnostics(model(shape="2, 3, 4, 5, 6").replace("[N, C] y", "[N, C, D] y"), CODE) == ()


def test_computed_axes_are_left_alone() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]> g (float[2, 3, 4, 5] x, int64[2] axes) => (float[N, C] y) {
        y = ReduceMean<keepdims = 0>(x, axes) }"""
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(
    ("version", "severity", "verdict"),
    [("2.3.2", "error", "build-fails"), ("2.3.0", "warning", None), ("2.2.0", "warning", None)],
)
def test_versions_differ_in_what_they_make_of_it(version: str, severity: str, verdict: str | None) -> None:
    (found,) = diagnostics(model(), CODE, target=Target("rk3588", version, "fp16"))
    assert found.severity.value == severity
    assert version in found.message


def test_a_version_without_the_defect_is_not_warned_of() -> None:
    assert diagnostics(model(), CODE, target=Target("rk3588", "2.5.0", "fp16")) == ()


def test_an_output_is_wrong_but_builds() -> None:
    text = "g (float[2, 3, 4, 5] x) => (float[2, 3] y) { y = ReduceMean<axes = [2, 3], keepdims = 0>(x) }"
    (found,) = diagnostics(text, CODE)
    assert found.severity.value == "warning"


def test_an_unknown_size_is_refused() -> None:
    (refusal,) = fixed(model(shape="2, 3, H, 5"), CODE)[1]
    assert "dynamic" in refusal.reason  # type: ignore[union-attr]
