from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed, operators, run

CODE = "RK515"


def model(width: int, columns: list[int], biased: list[bool], rank: int = 3, opset: int = 17) -> onnx.ModelProto:
    """x → a product with a matrix of each number of columns, some with biases, each read by a Neg."""
    outer, random = ["1", "4", "2"][-rank + 1 :], np.random.default_rng(0)
    x = ", ".join([*outer, str(width)])
    lines, outputs, weights = list[str](), list[str](), dict[str, np.ndarray]()
    for i, (count, bias) in enumerate(zip(columns, biased, strict=True)):
        lines.append(
            f"m{i} = MatMul(r, w{i}) " + (f"s{i} = Add(b{i}, m{i}) y{i} = Neg(s{i})" if bias else f"y{i} = Neg(m{i})")
        )
        outputs.append(f"float[{', '.join([*outer, str(count)])}] y{i}")
        weights[f"w{i}"] = random.standard_normal((width, count)).astype(np.float32)
        if bias:
            weights[f"b{i}"] = random.standard_normal(count).astype(np.float32)
    head = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    typed = ", ".join(f"float[{', '.join(map(str, a.shape))}] {name}" for name, a in weights.items())
    body = f"{{ r = Relu(x) {' '.join(lines)} }}"
    made = parse(f"{head} g (float[{x}] x, {typed}) => ({', '.join(outputs)}) {body}")
    made.graph.initializer.extend(onnx.numpy_helper.from_array(a, name) for name, a in weights.items())
    del made.graph.input[1:]
    return made


@settings(max_examples=15, deadline=None)
@given(
    width=st.integers(2, 6),
    sizes=st.lists(st.tuples(st.integers(2, 7), st.booleans()), min_size=2, max_size=4),
    rank=st.integers(2, 4),
    opset=st.sampled_from([11, 13, 18]),
)
def test_all_products_come_of_one(width: int, sizes: list[tuple[int, bool]], rank: int, opset: int) -> None:
    before = model(width, [c for c, _ in sizes], [b for _, b in sizes], rank, opset)
    after, _ = fixed(before, CODE, "RK514")
    assert operators(after).count("MatMul") == len({biased for _, biased in sizes})
    shape = [each.dim_value for each in before.graph.input[0].type.tensor_type.shape.dim]
    feeds = {"x": np.random.default_rng(1).standard_normal(shape).astype("f")}
    for new, old in zip(run(after, feeds), run(before, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), atol=1e-5)


def test_it_waits_for_the_compiler() -> None:
    (found,) = diagnostics(model(4, [4, 2, 2], [True] * 3), CODE)
    assert found.fix is not None


@pytest.mark.parametrize(
    ("width", "columns", "biased"),
    [(4, [4], [False]), (4, [4, 4], [True, False]), (40, [2, 2], [False] * 2), (4, [4096, 4096], [False] * 2)],
)
def test_single_unlike_narrow_and_wide_ones_are_left_alone(width: int, columns: list[int], biased: list[bool]) -> None:
    assert diagnostics(model(width, columns, biased), CODE) == ()


def test_a_gate_is_left_to_another_rule() -> None:
    text = """g (float[1, 4, 2] x, float[2, 3] a, float[2, 3] b) => (float[1, 4, 3] y)
        { r = Relu(x) m = MatMul(r, a) n = MatMul(r, b) s = Sigmoid(m) y = Mul(s, n) }"""
    made = parse(text)
    for name in "ab":
        made.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((2, 3), "f"), name))
    del made.graph.input[1:]
    assert diagnostics(made, CODE) == ()
    assert len(diagnostics(made, "RK516")) == 1
