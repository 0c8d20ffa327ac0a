from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, one_node, refusal_of
from tests.rules.rewriting import fixed, run

CODE = "RK144"
Array = npt.NDArray[Any]
TIMES = st.sampled_from([1e-2, 1.0, 100.0])


def numbers(random: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    return (random.normal(size=shape) * scale).astype(np.float32)


@settings(max_examples=12, deadline=None)
@given(
    groups=st.integers(1, 3),
    each=st.integers(1, 3),
    batch=st.integers(1, 2),
    places=st.lists(st.integers(2, 3), min_size=1, max_size=3),
    opset=st.sampled_from([18, 21]),
    scale=TIMES,
    seed=st.integers(0, 2**31),
)
def test_groups_are_normalised_alike(
    *, groups: int, each: int, batch: int, places: list[int], opset: int, scale: float, seed: int
) -> None:
    """Held against the formula: ONNX Runtime 1.19 has no kernel of opset 21, and its body of opset 18 is expanded."""
    random = np.random.default_rng(seed)
    shape, factors = (batch, groups * each, *places), groups if opset == 18 else groups * each
    inputs = {"x": numbers(random, *shape, scale=scale), "s": numbers(random, factors), "b": numbers(random, factors)}
    model = one_node("GroupNormalization", inputs, {"num_groups": groups}, opset=opset, like="x")
    after, edits = fixed(model, CODE)
    assert not any(isinstance(edit, Refusal) for edit in edits)
    rows = inputs["x"].astype(np.float64).reshape(batch, groups, -1)
    normed = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 1e-5)
    repeat = each if opset == 18 else 1
    place = (1, groups * each, *[1] * len(places))
    factor, offset = (np.repeat(inputs[name], repeat).reshape(place) for name in ("s", "b"))
    found: Array = run(after, inputs)[0]
    np.testing.assert_allclose(found, normed.reshape(shape) * factor + offset, rtol=1e-4, atol=1e-4)


@settings(max_examples=12, deadline=None)
@given(
    shape=st.lists(st.integers(2, 4), min_size=4, max_size=4),
    scale=TIMES,
    seed=st.integers(0, 2**31),
    axes=st.sampled_from([None, [0, 2, 3], [0, 1, 2, 3]]),
)
def test_mean_and_variance(shape: list[int], scale: float, seed: int, axes: list[int] | None) -> None:
    inputs = {"x": numbers(np.random.default_rng(seed), *shape, scale=scale)}
    said = {} if axes is None else {"axes": axes}
    model = one_node("MeanVarianceNormalization", inputs, said, opset=13, like="x")
    assert_lowered(model, CODE, inputs, gone="MeanVarianceNormalization", rtol=1e-4, atol=1e-4)


@settings(max_examples=12, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    training=st.booleans(),
    epsilon=st.sampled_from([1e-5, 1e-2]),
    seed=st.integers(0, 2**31),
)
def test_batch_normalization_by_computed_statistics(
    shape: list[int], training: bool, epsilon: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    shape = [max(shape[0], 2), *shape[1:]] if training else shape
    vectors = {name: np.abs(numbers(random, shape[1])) + np.float32(0.1) for name in ("s", "b", "m", "v")}
    inputs = {"x": numbers(random, *shape), **vectors}
    said = {"epsilon": epsilon, **({"training_mode": 1, "momentum": 0.8} if training else {})}
    outputs = ("y", "mean", "var") if training else ("y",)
    model = one_node("BatchNormalization", inputs, said, opset=15, outputs=outputs)
    assert_lowered(model, CODE, inputs, gone="BatchNormalization", rtol=1e-4, atol=1e-4)


ALONE, WITH_MEAN, WITH_ALL = ("y",), ("y", "mean"), ("y", "mean", "inverse")


@pytest.mark.parametrize(
    ("axis", "outputs"),
    [(1, ALONE), *((axis, outputs) for axis in (0, 1, -2) for outputs in (WITH_MEAN, WITH_ALL))],
)
def test_layers_over_several_axes_are_one(axis: int, outputs: tuple[str, ...]) -> None:
    random = np.random.default_rng(0)
    inputs = {"x": numbers(random, 2, 3, 8, 5)}
    factors = {"s": numbers(random, *inputs["x"].shape[axis:]), "b": numbers(random, *inputs["x"].shape[axis:])}
    said = {"axis": axis, "epsilon": 1e-5}  # where it is left out, RK112 comes first
    model = one_node("LayerNormalization", inputs, said, opset=17, outputs=outputs, constants=factors)
    after = assert_lowered(model, CODE, inputs, rtol=1e-4, atol=1e-4)
    assert after.count("LayerNormalization") == 1


def test_a_constant_plane_is_not_a_number_before_and_after() -> None:
    inputs = {"x": np.full((2, 3, 4, 5), 1.5, np.float32)}
    model = one_node("MeanVarianceNormalization", inputs, opset=13, like="x")
    assert_lowered(model, CODE, inputs)


@pytest.mark.parametrize(
    ("shape", "opset", "outputs", "said"),
    [
        ("N, 2, 3", 15, "y", "--shape"),
        ("1, 2, 3", 9, "y, z, a, b, c", "in training"),
    ],
)
def test_what_is_not_known_is_refused(shape: str, opset: int, outputs: str, said: str) -> None:
    more = ", float[2] z" if "z" in outputs else ""
    vectors = ", ".join(f"float[2] {name}" for name in "stuv")
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[{shape}] x, {vectors}) => (float[{shape}] y{more}) {{ {outputs} = BatchNormalization(x, s, t, u, v) }}"""
    assert said in refusal_of(text, CODE)


@pytest.mark.parametrize(
    ("outputs", "node"),
    [
        ("float[2, 3] y", "y = LayerNormalization<epsilon = 0.00001>(x, s)"),
        ("float[2, 3] y, float[2, 1] m", "y, m = LayerNormalization<axis = -1, epsilon = 0.00001>(x, s)"),
    ],
)
def test_what_the_table_has_no_word_on(outputs: str, node: str) -> None:
    text = f"g (float[2, 3] x) => ({outputs}) <float[3] s = {{1, 2, 3}}> {{ {node} }}"
    assert len(diagnostics(text, CODE)) == 1
    assert_lowered(parse(text), CODE, {"x": numbers(np.random.default_rng(0), 2, 3)}, rtol=1e-4, atol=1e-4)


def test_constant_statistics_are_left_alone() -> None:
    text = """g (float[1, 2, 3] x) => (float[1, 2, 3] y)
    <float[2] s = {1, 2}, float[2] b = {0, 1}, float[2] m = {0, 0}, float[2] v = {1, 1}>
    { y = BatchNormalization(x, s, b, m, v) }"""
    assert diagnostics(text, CODE) == ()
