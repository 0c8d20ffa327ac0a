from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.rules.harness import context_of, diagnostics, lint_text, parse
from tests.rules.rewriting import fixed, operators, run

CODE = "RK208"
DTYPES = ("int32", "int64")
LOST = {"Abs", "Sign", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "Clip", "Where"}


def numbers(dtype: str) -> st.SearchStrategy[int]:
    info = np.iinfo(dtype)
    edges = [info.min, info.min + 1, -1, 0, 1, 2, 255, 256, 2**24 + 1, info.max - 1, info.max]
    return st.one_of(st.sampled_from(edges), st.integers(-9, 9), st.integers(int(info.min), int(info.max)))


def same(text: str, feeds: dict[str, np.ndarray]) -> list[str]:
    after, edits = fixed(text, CODE)
    assert not any(isinstance(edit, Refusal) for edit in edits), edits
    assert edits
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    return operators(after)


def head(opset: int) -> str:
    return f'<ir_version: 8, opset_import: ["" : {opset}]>'


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["Abs", "Sign", "BitwiseNot", "BitwiseAnd", "BitwiseOr", "BitwiseXor"])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_of_one_or_two(op: str, dtype: str, data: st.DataObject) -> None:
    # ONNX Runtime 1.31 gives the sign of the lower 32 bits of an int64.
    allowed = numbers("int32").filter(lambda n: n > -(2**31)) if op == "Sign" else numbers(dtype)
    values = st.lists(allowed, min_size=16, max_size=16)
    feeds = {name: np.array(data.draw(values), dtype) for name in ("a", "b")}
    operands = "a, b" if op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor") else "a"
    kept = same(f"{head(18)} g ({dtype}[16] a, {dtype}[16] b) => ({dtype}[16] y) {{ y = {op}({operands}) }}", feeds)
    assert LOST.isdisjoint(kept)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["Div", "Mod", "Mod<fmod = 1>"])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_divisions(op: str, dtype: str, data: st.DataObject) -> None:
    least = int(np.iinfo(dtype).min)
    a = data.draw(st.lists(numbers(dtype).filter(lambda n: n > least), min_size=16, max_size=16))
    b = data.draw(st.lists(numbers(dtype).filter(bool), min_size=16, max_size=16))
    text = f"{head(17)} g ({dtype}[16] a, {dtype}[16] b) => ({dtype}[16] y) {{ y = {op}(a, b) }}"
    if not diagnostics(text, CODE):
        assert "fmod" in op
        return
    same(text, {"a": np.array(a, dtype), "b": np.array(b, dtype)})


@pytest.mark.parametrize("opset", [9, 17])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_where(opset: int, data: st.DataObject) -> None:
    a, b = (np.array(data.draw(st.lists(numbers("int32"), min_size=4, max_size=4)), np.int32) for _ in "ab")
    c = np.array(data.draw(st.lists(st.booleans(), min_size=8, max_size=8))).reshape(2, 4)
    text = f"{head(opset)} g (bool[2, 4] c, int32[4] a, int32[1, 4] b) => (int32[2, 4] y) {{ y = Where(c, a, b) }}"
    assert "Where" not in same(text, {"c": c, "a": a, "b": b[None]})


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_clip(absent: int) -> None:
    model = parse("g (int32[3] x) => (int32[3] y) <int32 low = {-3}, int32 high = {7}> { y = Clip(x, low, high) }")
    if absent:
        model.graph.node[0].input[absent] = ""
    feeds = {"x": np.array([-(2**31), 5, 2**31 - 1], np.int32)}
    after, _ = fixed(model, CODE)
    assert "Clip" not in operators(after)
    np.testing.assert_array_equal(run(after, feeds)[0], run(model, feeds)[0])


def test_operands_of_other_shapes() -> None:
    text = f"{head(18)} g (int32[2, 3, 4] a, int32[3, 1] b) => (int32[2, 3, 4] y) {{ y = BitwiseXor(a, b) }}"
    random = np.random.default_rng(0)
    a, b = (random.integers(-(2**31), 2**31, shape, np.int32) for shape in ((2, 3, 4), (3, 1)))
    same(text, {"a": a, "b": b})


def test_too_many_bits_are_refused() -> None:
    size = 2**17 + 1
    text = f"{head(18)} g (int32[{size}] a, int32[{size}] b) => (int32[{size}] y) {{ y = BitwiseAnd(a, b) }}"
    (refusal,) = fixed(text, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "bit planes" in refusal.reason


@pytest.mark.parametrize(
    "rest",
    ["y = Div(a, two)", "e = Equal(b, zero) n = Cast<to = 6>(e) d = Add(n, b) y = Div(a, d)", "y = Mul(a, b)"],
)
def test_what_runs_is_left_alone(rest: str) -> None:
    text = f"g (int32[4] a, int32[4] b) => (int32[4] y) <int32 two = {{2}}, int32 zero = {{0}}> {{ {rest} }}"
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(
    "rest",
    [
        "e = Equal(a, zero) n = Cast<to = 6>(e) d = Add(n, b) y = Div(a, d)",
        "e = Equal(b, two) n = Cast<to = 6>(e) d = Add(n, b) y = Div(a, d)",
    ],
)
def test_what_looks_like_a_guard_and_is_none_is_found(rest: str) -> None:
    text = f"g (int32[4] a, int32[4] b) => (int32[4] y) <int32 two = {{2}}, int32 zero = {{0}}> {{ {rest} }}"
    assert len(diagnostics(text, CODE)) == 1


def test_the_engine_proves_divisions_of_whole_numbers(tmp_path: object) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text("g (int32[9] a, int32[9] b) => (int32[9] y) { y = Div(a, b) }", tmp_path, CODE)  # type: ignore[arg-type]
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_a_guarded_division_is_judged_to_run_on_the_cpu() -> None:
    text = """g (int32[4] a, int32[4] b) => (int32[4] y) <int32 zero = {0}>
        { e = Equal(b, zero) n = Cast<to = 6>(e) d = Add(n, b) y = Div(a, d) }"""
    context = context_of(text)
    assert context.judgement(context.model.main.nodes[-1]).outcome == "cpu"
    assert lint_text(text).verdict is Verdict.DEPLOYABLE


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 2, -1])
def test_elements_by_constant_indices(dtype: str, axis: int) -> None:
    indices = np.random.default_rng(0).integers(-2, 2, 24)
    text = f"""g ({dtype}[2, 3, 4] x) => ({dtype}[2, 3, 4] y)
        <int64[2, 3, 4] i = {{{", ".join(map(str, indices))}}}> {{ y = GatherElements<axis = {axis}>(x, i) }}"""
    kept = same(text, {"x": np.arange(24, dtype=dtype).reshape(2, 3, 4) - 7})
    assert "GatherElements" not in kept


PRODUCTS = [
    ("3,4", "4,2", "3,2"), ("2,3,7", "7,2", "2,3,2"), ("2,1,3,4", "5,4,2", "2,5,3,2"), ("3,5", "2,2,5,1", "2,2,3,1"),
    ("2,3,2,6", "2,3,6,1", "2,3,2,1"), ("4", "4,2", "2"), ("3,1", "1", "3"), ("2,3,5", "5", "2,3"),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a", "b", "y"), PRODUCTS)
def test_products_of_matrices(dtype: str, a: str, b: str, y: str) -> None:
    """Of any numbers: what is too large wraps around, as it does in MatMul."""
    shapes = [tuple(map(int, text.split(","))) for text in (a, b)]
    random, last = np.random.default_rng(0), np.iinfo(dtype).max
    feeds = {name: random.integers(-last, last, s, dtype) for name, s in zip("ab", shapes, strict=True)}
    text = f"g ({dtype}[{a}] a, {dtype}[{b}] b) => ({dtype}[{y}] y) {{ y = MatMul(a, b) }}"
    assert not {"MatMul", "ReduceSum"} & set(same(text, feeds))


def test_small_numbers_are_summed_up_in_one_go() -> None:
    text = """g (int32[3, 4] a, int32[4, 2] b) => (int32[3, 2] y) <int32 low = {-9}, int32 high = {9}>
        { small = Clip(a, low, high) mask = Cast<to = 9>(b) bit = Cast<to = 6>(mask) y = MatMul(small, bit) }"""
    feeds = {"a": np.arange(12, dtype=np.int32).reshape(3, 4), "b": np.eye(4, 2, dtype=np.int32)}
    after, edits = fixed(text, CODE)
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    assert "ReduceSum" in operators(after)
    assert any(edit.assumes for edit in edits if isinstance(edit, Rewrite))


def test_a_slope_of_whole_numbers() -> None:
    text = "g (int32[4] x, int32[4] s) => (int32[4] y) { y = PRelu(x, s) }"
    assert "PRelu" not in same(text, {"x": np.array([-5, 0, 5, -1], np.int32), "s": np.array([2, 3, 4, -7], np.int32)})
