from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK524"
HEAD = "g (float[2, 4, 4] x, float[2, 4, 4] z) => (float[2, 4, 4] y) <float h = {0.5}, int64[3] s = {2, 4, 4}> "
CHAINS = {
    "t = Transpose<perm = [0, 2, 1]>(x)": True,
    "a = Mul(x, h) t = Transpose<perm = [0, 2, 1]>(a)": True,
    "a = Mul(h, x) t = Transpose<perm = [0, 2, 1]>(a)": True,
    "a = Neg(x) b = Div(a, h) t = Transpose<perm = [0, 2, 1]>(b)": True,
    "a = Reshape(x, s) t = Transpose<perm = [0, 2, 1]>(a)": True,
    "t = Transpose<perm = [0, 2, 1]>(z)": False,
    "a = Add(x, h) t = Transpose<perm = [0, 2, 1]>(a)": False,
    "a = Sigmoid(x) t = Transpose<perm = [0, 2, 1]>(a)": False,
    "a = Mul(x, z) t = Transpose<perm = [0, 2, 1]>(a)": False,
    "a = Clip(x) t = Transpose<perm = [0, 2, 1]>(a)": False,
}
PRODUCTS = {"m = MatMul(x, t)": True, "m = MatMul(t, x)": True, "m = MatMul(t, t)": False, "m = MatMul(z, t)": False}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CHAINS)), st.sampled_from(sorted(PRODUCTS)), st.integers(0, 2**31), st.booleans())
def test_products_of_a_value_with_itself(chain: str, product: str, seed: int, extreme: bool) -> None:
    text = HEAD + f"{{ {chain} {product} y = Relu(m) }}"
    other = chain.endswith("(z)") and product == "m = MatMul(z, t)"
    found = (CHAINS[chain] and PRODUCTS[product]) or other
    assert len(diagnostics(text, CODE)) == found
    if found:
        random = np.random.default_rng(seed)
        feeds = {name: random.normal(size=(2, 4, 4)).astype(np.float32) for name in "xz"}
        if extreme:
            feeds["x"].flat[random.integers(32)] = random.choice([np.inf, -np.inf, np.nan, 3e38])
        after = rewritten(text, CODE)
        np.testing.assert_array_equal(result(after, feeds), result(text, feeds))
        assert operators(after).count("Clip") == 1
        assert diagnostics(after, CODE) == ()


ATTENTION = """g (float[1, 4, 8] q, float[1, 4, 8] k, float[1, 4, 8] v, float[1, 4, 4] a) => (float[1, 4, 8] y)
<float h = {{0.25}}> {{ t = Transpose<perm = [0, 2, 1]>({k}) m = MatMul({q}, t) n = Mul(m, h) o = Add(n, a)
w = {weights}(o) y = MatMul(w, {v}) }}"""


@pytest.mark.parametrize(
    ("values", "weights", "versions"),
    [("v", "Softmax", ()), ("k", "Softmax", ("2.3.2",)), ("q", "Softmax", ("2.3.2",)), ("k", "Sigmoid", ())],
)
@pytest.mark.parametrize("version", ["2.2.0", "2.3.0", "2.3.2", "2.5.0"])
def test_attention_of_two_values(values: str, weights: str, versions: tuple[str, ...], version: str) -> None:
    text = ATTENTION.format(q="q", k="k", v=values, weights=weights)
    assert len(diagnostics(text, CODE, target=Target("rk3588", version))) == (version in versions)


@pytest.mark.parametrize(("version", "count"), [("2.2.0", 1), ("2.3.0", 1), ("2.3.2", 2), ("2.5.0", 0)])
def test_attention_of_one_value_sets_off_both(version: str, count: int) -> None:
    text = ATTENTION.format(q="q", k="q", v="q", weights="Softmax")
    assert len(diagnostics(text, CODE, target=Target("rk3588", version))) == count


@pytest.mark.parametrize(("attributes", "found"), [("<transB = 1>", 1), ("<transA = 1>", 1), ("", 0)])
def test_gemm(attributes: str, found: int) -> None:
    text = f"g (float[4, 4] x) => (float[4, 4] y) {{ m = Gemm{attributes}(x, x) y = Relu(m) }}"
    assert len(diagnostics(text, CODE)) == found


@pytest.mark.parametrize(("equation", "found"), [("ij,kj->ik", 1), ("ij, jk -> ik", 1), ("ij,ij->i", 0), ("ij->ji", 0)])
def test_einsum(equation: str, found: int) -> None:
    operands = "x, x" if "," in equation else "x"
    text = f"""g (float[4, 4] x) => (float y) {{ m = Einsum<equation = "{equation}">({operands}) y = Relu(m) }}"""
    assert len(diagnostics(text, CODE)) == found


def test_the_engine_proves_it_once(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(ATTENTION.format(q="q", k="q", v="q", weights="Softmax"), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE, CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
