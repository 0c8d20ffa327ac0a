from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import NUMPY, POINTS, agree, node, numbers, refusal, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed

CODE = "RK121"
CALLS = [
    "Celu",
    "Celu<alpha = 2.5>",
    "Celu<alpha = 0.01>",
    "Selu",
    "Selu<alpha = 2.0, gamma = -3.0>",
    "Softsign",
    "Shrink",
    "Shrink<lambd = 0.0>",
    "Shrink<lambd = 1.0, bias = 1.0>",
    "Shrink<lambd = 1.0, bias = 0.25>",
    "Shrink<lambd = 0.5, bias = -2.0>",
    "Shrink<lambd = 0.0002, bias = 0.5>",
    "Mish",
]


def opset_of(call: str) -> int:
    return 18 if call == "Mish" else 17


@pytest.mark.parametrize("call", CALLS)
def test_the_same_function_at_every_size_of_numbers(call: str) -> None:
    feeds = {"x": POINTS.astype(np.float32).reshape(5, 8)}
    agree(node(call, (5, 8), opset=opset_of(call)), CODE, feeds, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CALLS), numbers)
def test_the_numbers_stay(call: str, values: list[float]) -> None:
    feeds = {"x": np.array(values, np.float32).reshape(2, 3)}
    agree(node(call, opset=opset_of(call)), CODE, feeds, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", ["float16", "double"])
def test_other_floats(call: str, dtype: str) -> None:
    """ONNX Runtime has few kernels of them: what is fixed is held against the operator in float32."""
    x = POINTS.reshape(5, 8)
    after = rewritten(node(call, (5, 8), dtype=dtype, opset=opset_of(call)), CODE)
    wanted = result(node(call, (5, 8), opset=opset_of(call)), {"x": x.astype(np.float32)})
    found = result(after, {"x": x.astype(NUMPY[dtype])})
    with np.errstate(over="ignore"):
        wanted = wanted.astype(NUMPY[dtype])
    rtol, atol = (3e-3, 1e-6) if dtype == "float16" else (1e-5, 1e-5)
    np.testing.assert_allclose(found.astype(np.float64), wanted.astype(np.float64), rtol=rtol, atol=atol)


@settings(max_examples=25, deadline=None)
@given(numbers, numbers, st.sampled_from([(2, 3), (1, 3), (2, 1), (3,)]))
def test_a_computed_slope(values: list[float], slopes: list[float], shape: tuple[int, ...]) -> None:
    size = ", ".join(map(str, shape))
    text = f"g (float[2, 3] x, float[{size}] s) => (float[2, 3] y) {{ y = PRelu(x, s) }}"
    slope = np.resize(np.array(slopes, np.float32), shape)
    found = agree(text, CODE, {"x": np.array(values, np.float32).reshape(2, 3), "s": slope}, rtol=1e-6)
    assert sorted(found) == ["Mul", "Neg", "Relu", "Relu", "Sub"]


@pytest.mark.parametrize(("call", "opset", "raised"), [("Selu", 6, 7), ("Softsign", 1, 7), ("Shrink", 9, 10)])
def test_a_model_of_an_old_opset_is_declared_to_be_of_a_newer_one(call: str, opset: int, raised: int) -> None:
    feeds = {"x": POINTS.astype(np.float32).reshape(5, 8)}
    text = node(call, (5, 8), opset=opset)
    after, edits = fixed(text, CODE)
    assert [type(edit).__name__ for edit in edits] == ["SetOpset", "Rewrite"]
    assert after.opset_import[0].version == raised
    np.testing.assert_allclose(result(after, feeds), result(text, feeds), rtol=1e-5, atol=1e-5)


def test_an_operator_that_changed_in_between_forbids_that() -> None:
    text = (
        '<ir_version: 4, opset_import: ["" : 6]> g (float[2, 3] x, float[2] s) => (float[2, 3] y) { y = PRelu(x, s) }'
    )
    assert "PRelu changed" in refusal(text, CODE)
    text = """<ir_version: 4, opset_import: ["" : 9]> g (float[1, 1, 8, 8] x) => (float[1, 1, 4, 4] y) {
        a = Shrink(x) y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a)
    }"""
    assert "MaxPool changed" in refusal(text, CODE)


@pytest.mark.parametrize(
    ("call", "opset", "why"),
    [
        ("Celu<alpha = -1.0>", 17, "alpha"),
        ("Shrink<lambd = -0.5>", 17, "overlap"),
        ("Shrink<lambd = 0.00001, bias = 0.5>", 17, "sign"),
    ],
)
def test_other_functions_are_refused(call: str, opset: int, why: str) -> None:
    assert why in refusal(node(call, opset=opset), CODE)


@pytest.mark.parametrize("call", ["Elu", "Relu", "Softplus", "ThresholdedRelu", "HardSigmoid<alpha = 0.2>"])
def test_what_runs_is_left_alone(call: str) -> None:
    assert diagnostics(node(call), CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = """<ir_version: 8, opset_import: ["" : 18]> g (float[2, 3] x, float[2, 3] s) => (float[2, 3] y) {
        a = Celu<alpha = 0.5>(x) b = Selu(a) c = Mish(x) d = PRelu(b, s) e = Shrink<lambd = 0.3, bias = 0.1>(d)
        f = Softsign(c) y = Add(e, f)
    }"""
    outcome = fix_text(text, tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE] * 6
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
