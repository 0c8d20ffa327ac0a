from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from tests.rules.elementwise import in_fp16, result, rewritten
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import operators

CODE = "RK234"
FORMS = {
    "softmax": "p = Softmax<axis = -1>(x) y = Log(p)",
    "softmax over another axis": "p = Softmax<axis = 1>(x) y = Log(p)",
    "sigmoid": "p = Sigmoid(x) y = Log(p)",
    "rest": "p = Sigmoid(x) r = Sub(one, p) y = Log(r)",
}


def model(nodes: str, opset: int = 17) -> str:
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[2, 4, 8] x) => (float[2, 4, 8] y)
    <float one = {{1}}, float two = {{2}}> {{ {nodes} }}"""


def exact(name: str, x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    if name.startswith("softmax"):
        axis = 1 if "another" in name else -1
        most = x.max(axis=axis, keepdims=True)
        return x - most - np.log(np.exp(x - most).sum(axis=axis, keepdims=True))
    return -np.logaddexp(0, -x if name == "sigmoid" else x)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 15.0, 100.0]), st.sampled_from(sorted(FORMS)))
def test_the_new_form_is_the_function(seed: int, scale: float, name: str) -> None:
    x = (np.random.default_rng(seed).normal(size=(2, 4, 8)) * scale).astype(np.float32)
    np.testing.assert_allclose(
        result(rewritten(model(FORMS[name]), CODE), {"x": x}), exact(name, x), rtol=1e-5, atol=2e-6
    )


@pytest.mark.parametrize("name", ["sigmoid", "rest"])
def test_in_fp16_it_is_finite_then(name: str) -> None:
    case = {"x": (np.random.default_rng(0).normal(size=(2, 4, 8)) * 15).astype(np.float16)}
    with np.errstate(all="ignore"):
        assert not np.isfinite(result(in_fp16(parse(model(FORMS[name]))), case)).all()
    assert np.isfinite(result(in_fp16(rewritten(model(FORMS[name]), CODE)), case)).all()


@pytest.mark.parametrize(("opset", "axis"), [(12, 1), (12, 2), (13, 1)])
def test_old_opsets_flatten_both(opset: int, axis: int) -> None:
    text = model(f"p = Softmax<axis = {axis}>(x) y = Log(p)", opset)
    x = {"x": np.random.default_rng(0).normal(size=(2, 4, 8)).astype(np.float32)}
    np.testing.assert_allclose(result(rewritten(text, CODE), x), result(text, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("opset", "axis"), [(12, 1), (13, 2)])
def test_the_axis_that_is_left_out(opset: int, axis: int) -> None:
    after = rewritten(model("p = Softmax(x) y = Log(p)", opset), CODE)
    assert operators(after) == ["LogSoftmax"]
    assert after.graph.node[0].attribute[0].i == axis


@pytest.mark.parametrize(
    "nodes",
    [
        "p = Sigmoid(x) r = Sub(two, p) y = Log(r)",
        "p = Sigmoid(x) r = Sub(p, one) y = Log(r)",
        "p = Sigmoid(x) r = Add(one, p) y = Log(r)",
        "p = Tanh(x) y = Log(p)",
        "p = Softmax<axis = -1>(x) q = Mul(p, two) y = Log(q)",
        "p = Softmax<axis = -1>(x) y = Exp(p)",
    ],
    ids=range(6),
)
def test_other_functions_are_left_alone(nodes: str) -> None:
    assert diagnostics(model(nodes), CODE) == ()


@pytest.mark.parametrize("name", FORMS)
def test_the_engine_proves_it(name: str, tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(model(FORMS[name]), tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}), proof="local")
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
