from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import Array, assert_same, floats, microsoft
from tests.rules.rewriting import fixed, operators, run

CODE = "RK199"
B, S, WIDTH, H, N = 2, 5, 6, 12, 3
MASKS = {
    "none": None,
    "tokens": [[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]],
    "left padding": [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]],
    "ends": [3, 5],
    "ends and starts": [3, 5, 1, 2],
    "queries": [[[1] * (q + 1) + [0] * (S - q - 1) for q in range(S)]] * B,
}
NAMES = ("x", "w", "b", "xs", "ws", "m", "xz", "wz", "past")


def whole(dtype: str, seed: int, *shape: int) -> Array:
    low = np.iinfo(dtype).min
    return np.random.default_rng(seed).integers(low, low + 256, shape).astype(dtype)


def quantised(
    feeds: dict[str, Array], constants: dict[str, Array], steps: int = S, **attributes: Any
) -> onnx.ModelProto:
    given = {**feeds, **constants}
    inputs = [name if name in given else "" for name in NAMES]
    while not inputs[-1]:
        inputs.pop()
    outputs: dict[str, Any] = {"y": (B, steps, H)}
    if "past" in given:
        outputs["present"] = (2, B, N, steps + given["past"].shape[3], H // N)
    return microsoft("QAttention", inputs, outputs, fed=feeds, constants=constants, num_heads=N, **attributes)


def weights(dtype: str, columns: int, zero: int | None) -> dict[str, Array]:
    scales = np.random.default_rng(5).uniform(0.002, 0.01, 3 * H if columns > 1 else ()).astype("f")
    given = {"w": whole(dtype, 1, WIDTH, 3 * H), "b": floats(2, 3 * H), "ws": scales}
    return given if zero is None else given | {"wz": np.full(scales.shape, zero, dtype)}


@settings(max_examples=30, deadline=None)
@given(
    kinds=st.tuples(st.sampled_from(list(MASKS)), st.sampled_from([0, 1])),
    of_weights=st.tuples(
        st.sampled_from(["uint8", "int8"]), st.sampled_from([1, 3 * H]), st.sampled_from([None, 0, 5])
    ),
    x_zero=st.sampled_from([None, 0, 128]),
    computed=st.booleans(),
    more=st.sampled_from([{}, {"scale": 0.3}, {"mask_filter_value": -500.0}]),
)
def test_it_is_what_onnx_runtime_computes(
    kinds: tuple[str, int],
    of_weights: tuple[str, int, int | None],
    x_zero: int | None,
    computed: bool,
    more: dict[str, Any],
) -> None:
    mask, causal = kinds
    feeds, constants = {"x": whole("uint8", 0, B, S, WIDTH)}, weights(*of_weights)
    (feeds if computed else constants)["xs"] = np.array(0.02, "f")
    if x_zero is not None:
        constants["xz"] = np.array(x_zero, "u1")
    if MASKS[mask] is not None:
        feeds["m"] = np.array(MASKS[mask], "i4")
    assert_same(quantised(feeds, constants, unidirectional=causal, **more), feeds, CODE, atol=1e-4)


@pytest.mark.parametrize("causal", [0, 1])
def test_earlier_steps(causal: int, tmp_path: Path) -> None:
    feeds = {"x": whole("uint8", 0, B, 2, WIDTH), "past": floats(3, 2, B, N, 4, H // N)}
    constants = weights("int8", 3 * H, 3) | {"xs": np.array(0.02, "f"), "xz": np.array(99, "u1")}
    model = quantised(feeds, constants, 2, unidirectional=causal)
    assert_same(model, feeds, CODE, atol=1e-4)
    outcome = fix_text(model, tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_signed_activations_of_which_onnx_runtime_has_no_kernel() -> None:
    feeds = {"x": whole("int8", 0, B, S, WIDTH)}
    constants = weights("int8", 3 * H, 3) | {"xs": np.array(0.02, "f"), "xz": np.array(-7, "i1")}
    after, _ = fixed(quantised(feeds, constants), CODE)
    x = (feeds["x"].astype("f8") + 7) * 0.02
    matrix = (constants["w"].astype("f8") - 3) * constants["ws"].astype("f8")
    q, k, v = np.split(x @ matrix + constants["b"], 3, -1)
    q, k, v = (part.reshape(B, S, N, H // N).transpose(0, 2, 1, 3) for part in (q, k, v))
    scores = np.exp(q @ k.transpose(0, 1, 3, 2) / np.sqrt(H // N))
    seen = scores / scores.sum(-1, keepdims=True) @ v
    (y,) = run(after, feeds)
    np.testing.assert_allclose(y, seen.transpose(0, 2, 1, 3).reshape(B, S, H), rtol=1e-4, atol=1e-4)


def measured(swapped: bool = False) -> onnx.ModelProto:
    """QAttention of what DynamicQuantizeLinear made of floats; `swapped`: with a scale that is not its."""
    feeds = {"f": floats(0, B, S, WIDTH, spread=0.3)}
    constants = weights("int8", 3 * H, 3) | {"other": np.array(0.02, "f")}
    model = microsoft("QAttention", ["x", "w", "b", "xs", "ws", "", "xz", "wz"], {"y": (B, S, H)}, fed=feeds,
                      constants=constants, num_heads=N)  # fmt: skip
    model.graph.node.insert(0, helper.make_node("DynamicQuantizeLinear", ["f"], ["x", "xs", "xz"]))
    if swapped:
        model.graph.node[1].input[3] = "other"
    return model


def test_measured_activations_are_taken_as_the_floats_that_they_were(tmp_path: Path) -> None:
    outcome = fix_text(measured(), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    after, _ = fixed(measured(), CODE)
    assert "DynamicQuantizeLinear" not in operators(after)
    feeds = {"f": floats(0, B, S, WIDTH, spread=0.3)}
    (old,), (new,) = run(measured(), feeds), run(after, feeds)
    assert np.linalg.norm(new - old) <= 0.02 * np.linalg.norm(old)


def test_what_measures_them_goes_with_it(tmp_path: Path) -> None:
    """RK188, which would write the measuring as arithmetic, leaves it to this rule."""
    outcome = fix_text(measured(), tmp_path, CODE, "RK188", allow=frozenset({Safety.APPROXIMATE, Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]


def test_numbers_read_with_another_scale_stay_rounded() -> None:
    after, _ = fixed(measured(swapped=True), CODE)
    assert "DynamicQuantizeLinear" in operators(after)
    feeds = {"f": floats(0, B, S, WIDTH, spread=0.3)}
    np.testing.assert_allclose(run(after, feeds)[0], run(measured(swapped=True), feeds)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("mask", "attributes"),
    [(np.zeros(3 * B + 2, "i4"), {}), (None, {"do_rotary": 1}), (np.zeros((B, 1, 5, 5), "i4"), {})],
)
def test_what_is_not_known_is_refused(mask: Array | None, attributes: dict[str, Any]) -> None:
    feeds = {"x": whole("uint8", 0, B, S, WIDTH), **({} if mask is None else {"m": mask})}
    constants = weights("int8", 1, 3) | {"xs": np.array(0.02, "f"), "xz": np.array(99, "u1")}
    (refusal,) = fixed(quantised(feeds, constants, **attributes), CODE)[1]
    assert isinstance(refusal, Refusal)


def test_several_scales_of_the_activation_are_refused() -> None:
    feeds = {"x": whole("uint8", 0, B, S, WIDTH)}
    constants = weights("int8", 1, None) | {"xs": np.full(WIDTH, 0.02, "f")}
    (refusal,) = fixed(quantised(feeds, constants), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "several scales" in refusal.reason
