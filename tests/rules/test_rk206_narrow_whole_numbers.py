from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK206"
SIZE = 16


def head(opset: int) -> str:
    return f'<ir_version: 8, opset_import: ["" : {opset}]>'


def numbers(dtype: str) -> st.SearchStrategy[int]:
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    return st.one_of(st.sampled_from([low, high, high - 1, high // 2 + 1, 1, 2]), st.integers(low, high))


def drawn(data: st.DataObject, dtype: str, **kinds: str) -> dict[str, np.ndarray]:
    """Values by name: "any", "divisor" (never 0, nor −1 where the least number is divided), "few" (a shift)."""
    found = {}
    for name, kind in kinds.items():
        values = data.draw(st.lists(numbers(dtype), min_size=SIZE, max_size=SIZE))
        if kind == "divisor":
            values = [3 if value in (0, -1) else value for value in values]
        if kind == "few":
            values = [value % 70 for value in values]
        found[name] = np.array(values, dtype)
    return found


def same(text: str, feeds: dict[str, np.ndarray]) -> list[str]:
    after, edits = fixed(text, CODE)
    assert edits
    assert not any(isinstance(edit, Refusal) for edit in edits), edits
    for found, expected in zip(run(after, feeds), run(text, feeds), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    return operators(after)


SUMS = [(op, dtype) for op in ("Add", "Sub", "Mul") for dtype in ("uint8", "int8", "uint32", "uint64")]
BITS = [(f"Bitwise{op}", dtype) for op in ("And", "Or", "Xor") for dtype in ("uint8", "int16", "uint32", "uint64")]
ORDERS = [(op, dtype) for op in ("Max", "Min") for dtype in ("int8", "uint8", "uint32", "uint64")]


@pytest.mark.parametrize(("op", "dtype"), [*SUMS, *BITS, *ORDERS])
@given(data=st.data())
@settings(max_examples=2, deadline=None)
def test_of_two(op: str, dtype: str, data: st.DataObject) -> None:
    text = f"{head(18)} g ({dtype}[{SIZE}] a, {dtype}[{SIZE}] b) => ({dtype}[{SIZE}] y) {{ y = {op}(a, b) }}"
    same(text, drawn(data, dtype, a="any", b="any"))


@pytest.mark.parametrize("op", ["Div", "Mod"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "uint64"])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_divisions(op: str, dtype: str, data: st.DataObject) -> None:
    text = f"{head(17)} g ({dtype}[{SIZE}] a, {dtype}[{SIZE}] b) => ({dtype}[{SIZE}] y) {{ y = {op}(a, b) }}"
    if diagnostics(text, CODE):
        same(text, drawn(data, dtype, a="any", b="divisor"))


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64"])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_shifts_of_any_length(direction: str, dtype: str, data: st.DataObject) -> None:
    signature = f"({dtype}[{SIZE}] a, {dtype}[{SIZE}] b) => ({dtype}[{SIZE}] y)"
    text = f'{head(11)} g {signature} {{ y = BitShift<direction = "{direction}">(a, b) }}'
    kept = same(text, drawn(data, dtype, a="any", b="few"))
    assert "BitShift" not in kept
    assert "Max" not in kept  # opset 11 has it for floats only


@pytest.mark.parametrize("op", ["BitwiseNot", "Abs", "Neg", "Sign"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int16"])
@given(data=st.data())
@settings(max_examples=2, deadline=None)
def test_of_one(op: str, dtype: str, data: st.DataObject) -> None:
    if op == "Neg" and dtype != "int8":
        return
    text = f"{head(18)} g ({dtype}[{SIZE}] a) => ({dtype}[{SIZE}] y) {{ y = {op}(a) }}"
    same(text, drawn(data, dtype, a="any"))


@pytest.mark.parametrize("op", ["Equal", "Less", "GreaterOrEqual"])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_comparisons_of_uint64_have_no_sign(op: str, data: st.DataObject) -> None:
    text = f"{head(19)} g (uint64[{SIZE}] a, uint64[{SIZE}] b) => (bool[{SIZE}] y) {{ y = {op}(a, b) }}"
    try:
        run(text, drawn(data, "uint64", a="any", b="any"))
    except Exception as error:  # ONNX Runtime's exceptions have no public class
        if "NOT_IMPLEMENTED" not in str(error):
            raise
        pytest.skip("ONNX Runtime has no such kernel")
    same(text, drawn(data, "uint64", a="any", b="any"))


@pytest.mark.parametrize(
    "node",
    ["y = Reshape(a, shape)", "y = Transpose<perm = [1, 0]>(a)", "y = Concat<axis = 0>(a, a)",
     "y = Clip(a, low, high)", "y = Gather<axis = 1>(a, places)", "y, z = Split<axis = 0>(a, shape)"],
)  # fmt: skip
def test_what_moves_and_what_keeps_within_bounds(node: str) -> None:
    text = f"""g (uint8[3, 4] a) => (uint8[N, M] y)
        <int64[2] shape = {{1, 2}}, uint8 low = {{3}}, uint8 high = {{200}}, int32[3] places = {{-1, 0, 2}}>
        {{ {node} }}"""
    text = text.replace("shape = {1, 2}", "shape = {2, 6}") if "Reshape" in node else text
    same(text, {"a": np.arange(12, dtype=np.uint8).reshape(3, 4) * 21})


def test_pooling_of_eight_bits_in_floats() -> None:
    text = """g (uint8[1, 2, 5, 5] a) => (uint8[1, 2, 5, 5] y)
        { y = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(a) }"""
    random = np.random.default_rng(0)
    assert "MaxPool" in same(text, {"a": random.integers(0, 256, (1, 2, 5, 5), np.uint8)})


@pytest.mark.parametrize(
    "text",
    ["g (int8[4] a) => (int8[2, 2] y) <int64[2] s = {2, 2}> { y = Reshape(a, s) }",
     "g (int32[4] a) => (int32[4] y) { y = Add(a, a) }",
     "g (uint8[4] a) => (float[4] y) { y = Cast<to = 1>(a) }"],
)  # fmt: skip
def test_what_runs_or_is_another_rules_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("then", "carrier"), [("y = Cast<to = 1>(t)", 1), ("s = Add(t, t) y = Cast<to = 1>(s)", 6)])
def test_bytes_that_are_only_moved_before_they_are_floats_are_floats_from_the_start(then: str, carrier: int) -> None:
    text = f"""g (uint8[1, 4, 4, 3] x) => (float[1, 3, 4, 4] y)
        {{ t = Transpose<perm = [0, 3, 1, 2]>(x) {then} }}"""
    after, _ = fixed(text, CODE)
    transpose = next(node for node in after.graph.node if node.op_type == "Transpose")
    cast = next(node for node in after.graph.node if transpose.input[0] in node.output)
    assert cast.attribute[0].i == carrier
    feeds = {"x": np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3) * 5}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize(
    "text",
    ["g (int16[4] x) => (int16[4] y) { y = Identity(x) }",
     "g (int8[1, 3, 2, 2] x) => (int8[1, 3, 2, 2] y) { y = Identity(x) }",
     "g (int16[4] a, int16[4] b) => (int16[4] y) { y = Mod<fmod = 1>(a, b) }"],
    ids=["refused", "image", "operator that runs"],
)  # fmt: skip
def test_inputs_that_cannot_stay_are_read_by_casts(text: str) -> None:
    after, _ = fixed(text, CODE)
    inputs = {value.name for value in after.graph.input}
    assert {node.op_type for node in after.graph.node if inputs & set(node.input)} == {"Cast"}


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint32", "uint64"])
def test_updates(dtype: str, reduction: str) -> None:
    """Sums and products wrap around, and are not carried in floats, which fp16 rounds above 2048."""
    random, last = np.random.default_rng(0), np.iinfo(dtype).max
    x, u = (random.integers(0, last, size, dtype) for size in (5, 3))
    text = f"""{head(18)} g ({dtype}[5] x, int64[3] i, {dtype}[3] u) => ({dtype}[5] y)
        {{ y = ScatterElements<reduction = "{reduction}">(x, i, u) }}"""
    after, edits = fixed(text, CODE)
    if isinstance(edits[0], Refusal):
        assert (dtype, reduction) in {("uint64", "max"), ("uint64", "min")}
        return
    carriers = {tensor for tensor in ("int64", "float32") if tensor in str(edits[0].detail)}
    assert carriers == {"float32" if dtype.endswith("nt8") and reduction not in ("add", "mul") else "int64"}
    feeds = {"x": x, "i": np.array([3, 0, 3]), "u": u}
    assert run(after, feeds)[0].dtype == dtype
    with np.errstate(over="ignore"):
        wanted = x.copy()
        done = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
        for place, update in zip(feeds["i"], u, strict=True):
            wanted[place] = done[reduction](wanted[place], update) if reduction in done else update
    np.testing.assert_array_equal(run(after, feeds)[0], wanted)


@pytest.mark.parametrize(("stride", "found"), [(3, 1), (2, 0)])
def test_pools_that_leave_numbers_out(stride: int, found: int) -> None:
    """The toolkit makes a convolution of what strides beyond the windows, which int8 has none of."""
    text = f"""{head(18)} g (int8[1, 2, 12] x) => (int8[1, 2, {12 // stride}] y)
        {{ y = MaxPool<kernel_shape = [2], strides = [{stride}]>(x) }}"""
    assert len(diagnostics(text, CODE)) == found
    if found:
        x = np.random.default_rng(0).integers(-128, 128, (1, 2, 12), np.int8)
        same(text, {"x": x})
