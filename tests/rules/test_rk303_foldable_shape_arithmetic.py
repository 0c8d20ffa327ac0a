from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.analysis.evaluator import evaluate
from rkgraph.rules.rk303_foldable_shape_arithmetic import LARGEST
from tests.engine.fixing import fix_text, operators
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed

CODE = "RK303"
EXPAND = """g (float[1, 1, 1, 8] x) => (float[1, 1, 8, 8] y) <int64[4] s = {1, 1, 8, 8}, int64 minus = {-1}> {
    size = Shape(s)
    ones = ConstantOfShape<value = int64[1] {1}>(size)
    scaled = Mul(ones, minus)
    same = Equal(s, scaled)
    target = Where(same, ones, s)
    y = Expand(x, target)
}"""
SCALE = """g (float[1, 2, 16] x) => (float[1, 2, 16] y)
<int64[1] last = {-1}, int64[1] end = {9223372036854775807}, float[1] one = {1.0}> {
    shape = Shape(x) size = Slice(shape, last, end) wide = Cast<to = 1>(size) root = Sqrt(wide)
    scale = Div(one, root) y = Mul(x, scale)
}"""


@pytest.mark.parametrize(("text", "left"), [(EXPAND, ["Expand"]), (SCALE, ["Mul"])])
def test_chains_become_one_constant(text: str, left: list[str], tmp_path: Path) -> None:
    (found,) = diagnostics(text, CODE)
    outcome = fix_text(text, tmp_path, CODE)
    assert operators(outcome) == left
    (fix,) = outcome.fixes.applied
    assert len(fix.removed) == found.observed["nodes"]


def test_a_length_that_comes_in_as_an_input_is_data() -> None:
    text = """g (float[1, 8] x, int64[1] n) => (float[1, m] y) <int64[1] one = {1}, int64[1] zero = {0}> {
        twice = Mul(n, one) y = Slice(x, zero, twice, one) }"""
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("size", "folds"), [(LARGEST, True), (LARGEST + 1, False)])
def test_large_results_stay_computed(size: int, folds: bool) -> None:
    text = f"""g (float[{size}] x) => (float[{size}] y) <float[1] one = {{2.0}}> {{
        shape = Shape(x) ones = Expand(one, shape) y = Mul(x, ones) }}"""
    names = [d.at.value for d in diagnostics(text, CODE)]
    assert names == (["ones"] if folds else ["shape"])


def test_outputs_of_the_model_are_never_constants() -> None:
    assert diagnostics("g (float[2, 3] x) => (int64[2] y) { y = Shape(x) }", CODE) == ()


def test_random_values_are_not_fixed() -> None:
    text = "g (float[2] x) => (float[2] y) { r = RandomNormal<shape = [2]>() n = Neg(r) y = Add(x, n) }"
    assert diagnostics(text, CODE) == ()


# As onnx expands RMSNormalization: Range reads vectors of one element, which no runtime takes from constants.
AXES = """g (float[3, 4] x) => (float[3, 4] y) <int64[1] one = {1}> {
    shape = Shape(x) rank = Size(shape) first = Identity(one) axes = Range(first, rank, one)
    scale = ReduceSum(x, axes) y = Div(x, scale)
}"""
# The positions are too many to be written down, so that Range stays, and what it reads is to be folded.
POSITIONS = """g (float[1, 70000] x) => (float[1, 70000] y) <int64 last = {1}, int64[SIZE] one = {1}> {
    shape = Shape(x) size = Gather(shape, last) step = Identity(one) start = Sub(one, step)
    p = Range(start, size, step) f = Cast<to = 1>(p) y = Add(x, f)
}"""


def test_axes_that_a_range_counts_from_a_vector_are_folded_as_a_whole(tmp_path: Path) -> None:
    assert [d.at.value for d in diagnostics(AXES, CODE)] == ["axes"]
    outcome = fix_text(AXES, tmp_path, proof="model")
    assert operators(outcome) == ["ReduceSum", "Div"]
    assert [p.outcome for p in outcome.proofs if p.kind == "model"] == ["proved"]
    assert not outcome.is_refuted


@pytest.mark.parametrize(("size", "refused"), [("", 0), ("[1]", 2)], ids=["scalars", "vectors"])
def test_in_front_of_a_range_that_stays_scalars_stay_scalars_and_vectors_stay(
    size: str, refused: int, tmp_path: Path
) -> None:
    outcome = fix_text(POSITIONS.replace("[SIZE]", size), tmp_path, CODE, proof="model")
    main = outcome.model.view().main
    (positions,) = main.nodes_of("Range")
    shapes = {main.constant(name).shape for name in positions.inputs if main.constant(name) is not None}
    assert shapes == {()}
    assert len(outcome.fixes.refused) == refused
    assert all("a Range reads this vector" in r.reason for r in outcome.fixes.refused)
    assert not outcome.is_refuted


STEPS = ["Add({0}, {1})", "Mul({0}, {1})", "Sub({0}, {1})", "Neg({0})", "Abs({0})", "Max({0}, {1})", "Identity({0})"]


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=6),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    data=st.data(),
)
def test_folding_changes_no_result(steps: list[str], sizes: tuple[int, int], data: st.DataObject) -> None:
    names = ["shape", "two"]
    lines = []
    for index, step in enumerate(steps):
        chosen = [data.draw(st.sampled_from(names)) for _ in range(2)]
        lines.append(f"v{index} = {step.format(*chosen)}")
        names.append(f"v{index}")
    text = f"""g (float[{sizes[0]}, {sizes[1]}] x) => (float[{sizes[0]}, {sizes[1]}] y, float[2] z)
    <int64[2] two = {{2, 7}}, float[2] w = {{0.5, 1.5}}> {{
        y = Relu(x) shape = Shape(x) {" ".join(lines)} c = Cast<to = 1>({names[-1]}) t = Sub(w, c)
        first = ReduceSum<keepdims = 0>(x) z = Add(t, first)
    }}"""
    after, _ = fixed(text, CODE)
    x = np.arange(sizes[0] * sizes[1], dtype=np.float32).reshape(sizes)
    expected, found = evaluate(parse(text), {"x": x}), evaluate(after, {"x": x})
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    assert "Cast" not in [node.op_type for node in after.graph.node]
