from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK153"
Array = npt.NDArray[Any]


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(
    rank=st.sampled_from([3, 4]),
    heads=st.integers(1, 3),
    half=st.integers(1, 3),
    more=st.sampled_from([0, 1, 2]),
    batch=st.integers(1, 2),
    positions=st.integers(1, 3),
    interleaved=st.sampled_from([0, 1]),
    numbered=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_rotations(
    *,
    rank: int,
    heads: int,
    half: int,
    more: int,
    batch: int,
    positions: int,
    interleaved: int,
    numbered: bool,
    seed: int,
) -> None:
    size = 2 * half + 2 * more
    shape = (batch, heads, positions, size) if rank == 4 else (batch, positions, heads * size)
    inputs = {"x": numbers(*shape, seed=seed)}
    angles = numbers(*((7,) if numbered else (batch, positions)), half, seed=seed + 1)
    constants = {"c": np.cos(angles), "s": np.sin(angles)}
    if numbered:
        constants["p"] = np.random.default_rng(seed).integers(0, 7, (batch, positions))
    said = {"interleaved": interleaved, "num_heads": heads, "rotary_embedding_dim": 2 * half}
    model = one_node("RotaryEmbedding", inputs, said, opset=23, constants=constants)
    assert_lowered(model, CODE, inputs, gone="RotaryEmbedding")


@pytest.mark.parametrize("axis", [-1, 0, 1, -2])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-2])
def test_root_mean_squares(axis: int, epsilon: float) -> None:
    inputs = {"x": numbers(3, 2, 4)}
    model = one_node(
        "RMSNormalization", inputs, {"axis": axis, "epsilon": epsilon}, opset=23,
        constants={"s": numbers(*inputs["x"].shape[axis:])},
    )  # fmt: skip
    assert_lowered(model, CODE, inputs, gone="RMSNormalization")


def test_a_model_of_opset_23_ends_in_one_that_the_toolkit_loads(tmp_path: Any) -> None:
    from tests.engine.fixing import fix_text, operators

    inputs = {"x": numbers(1, 2, 3, 4)}
    tables = {"c": np.cos(numbers(1, 3, 2)), "s": np.sin(numbers(1, 3, 2))}
    outcome = fix_text(
        one_node("RotaryEmbedding", inputs, opset=23, constants=tables), tmp_path, allow=frozenset(Safety)
    )
    assert outcome.model.view().opset == 19
    assert "RotaryEmbedding" not in operators(outcome)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_a_dynamic_shape_is_refused() -> None:
    text = """<ir_version: 10, opset_import: ["" : 23]>
    g (float[N, 4] x) => (float[N, 4] y) <float[4] s = {1, 2, 3, 4}> { y = RMSNormalization(x, s) }"""
    assert "--shape" in refusal_of(text, CODE)
