from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, one_node

CODE = "RK163"


def image(*shape: int) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x.flat[0], x.flat[-1] = np.inf, -0.0
    return x


BOUND = st.integers(-9, 9) | st.sampled_from([2**31 - 1, 2**63 - 1, -(2**31), -(2**63)])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 7), BOUND, BOUND, st.sampled_from([1, 2, 3, -1, -2])), min_size=1, max_size=5),
    st.booleans(),
)
def test_slices(axes: list[tuple[int, int, int, int]], from_the_end: bool) -> None:
    shape = [max(size, 1) for size, *_ in axes]
    starts, ends, steps = (np.array([axis[place] for axis in axes]) for place in (1, 2, 3))
    named = np.arange(len(axes)) - (len(axes) if from_the_end else 0)
    x = image(*shape)
    kept = x[tuple(slice(None) for _ in shape)]
    model = one_node("Slice", {"x": x}, constants={"starts": starts, "ends": ends, "axes": named, "steps": steps})
    shape_after = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    if 0 in shape_after or not kept.size or not diagnostics(model, CODE):
        return
    found = assert_lowered(model, CODE, {"x": x}, rtol=0, atol=0)
    assert set(found) <= {"Slice", "Gather", "Reshape"}


@pytest.mark.parametrize(
    ("text", "operators"),
    [
        ("y = Slice(h, b, e, a, two)", ["Sigmoid", "Gather"]),
        ("y = Slice(h, last, least, a, back)", ["Sigmoid", "Gather"]),
    ],
)
def test_strided_slices_are_gathered(text: str, operators: list[str]) -> None:
    model = parse(f"""g (float[1, 8, 16, 16] x) => (float[A, B, C, D] y)
        <int64[1] a = {{2}}, int64[1] b = {{1}}, int64[1] e = {{16}}, int64[1] two = {{2}}, int64[1] last = {{-1}},
        int64[1] least = {{-9223372036854775807}}, int64[1] back = {{-1}}> {{ h = Sigmoid(x) {text} }}""")
    assert assert_lowered(model, CODE, {"x": image(1, 8, 16, 16)}) == operators


@pytest.mark.parametrize("order", [("p0", "p1", "p2", "p3"), ("p0", "p2", "p1", "p3")])
def test_what_the_compiler_makes_a_convolution_of_is_left_alone(order: tuple[str, ...]) -> None:
    model = parse(f"""g (float[1, 4, 8, 8] x) => (float[1, 16, 4, 4] y)
        <int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] end = {{8}}, int64[1] h = {{2}}, int64[1] w = {{3}},
        int64[1] two = {{2}}> {{
        r0 = Slice(x, zero, end, h, two) r1 = Slice(x, one, end, h, two)
        p0 = Slice(r0, zero, end, w, two) p1 = Slice(r1, zero, end, w, two)
        p2 = Slice(r0, one, end, w, two) p3 = Slice(r1, one, end, w, two)
        y = Concat<axis = 1>({", ".join(order)}) }}""")
    assert bool(diagnostics(model, CODE)) == (order[1] == "p2")


@pytest.mark.parametrize("batch", [0, 1])
@pytest.mark.parametrize("width", [1, 2])
def test_tuples(batch: int, width: int) -> None:
    x = image(2, 3, 4, 16)
    random = np.random.default_rng(0)
    shape = (*x.shape[:batch], 2, width)
    indices = np.stack([random.integers(-s, s, shape[:-1]) for s in x.shape[batch : batch + width]], axis=-1)
    model = one_node("GatherND", {"x": x}, {"batch_dims": batch}, constants={"indices": indices})
    found = assert_lowered(model, CODE, {"x": x}, gone="GatherND", rtol=0, atol=0)
    assert found == ["Reshape", "Gather", "Reshape"]


def test_elements_of_a_line() -> None:
    x = image(5)
    model = one_node("GatherElements", {"x": x}, constants={"indices": np.array([0, -1, 3])})
    assert assert_lowered(model, CODE, {"x": x}, rtol=0, atol=0) == ["Gather"]


def test_a_number_behind_a_convolution() -> None:
    model = parse("""g (float[1, 3, 4, 4] x) => (float[1, 4, 4] y)
        <float[4, 3, 1, 1] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}, int64 i = {-2}>
        { c = Conv(x, w) y = Gather<axis = 1>(c, i) }""")
    assert assert_lowered(model, CODE, {"x": np.ones((1, 3, 4, 4), np.float32)}) == ["Conv", "Slice", "Reshape"]


@pytest.mark.parametrize(
    "model",
    [
        one_node(
            "Slice", {"x": image(1, 8, 4)}, constants={n: np.array([v]) for n, v in (("s", 1), ("e", 3), ("a", 1))}
        ),
        one_node("GatherND", {"x": image(4, 2), "i": np.zeros((2, 1), np.int64)}),
        one_node("GatherND", {"x": image(64, 1)}, constants={"i": np.zeros((60, 1), np.int64)}),
        one_node(
            "Slice",
            {"x": image(1, 64, 2)},
            constants={n: np.array([v]) for n, v in (("s", 0), ("e", 64), ("a", 1), ("t", 2))},
        ),
        one_node("Gather", {"x": image(4, 8)}, {"axis": 1}, constants={"i": np.array([1, 3])}),
    ],
    ids=range(5),
)
def test_what_runs_or_is_computed_is_left_alone(model: object) -> None:
    assert diagnostics(model, CODE) == ()  # type: ignore[arg-type]
