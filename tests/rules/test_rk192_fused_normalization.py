from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.microsoft_models import Array, assert_same, floats, microsoft
from tests.rules.rewriting import fixed, run

CODE = "RK192"
SHAPE = (2, 3, 8)
ROWS = {"g": floats(1, 8), "b": floats(2, 8), "c": floats(3, 8)}


def rows(*names: str) -> dict[str, object]:
    return {name: ROWS[name] for name in names}


@pytest.mark.parametrize("opset", [9, 17, 18])
@pytest.mark.parametrize(
    ("op", "inputs", "total"),
    [
        ("SkipLayerNormalization", ["x", "s", "g"], False),
        ("SkipLayerNormalization", ["x", "s", "g", "b"], True),
        ("SkipLayerNormalization", ["x", "s", "g", "b", "c"], True),
        ("SkipSimplifiedLayerNormalization", ["x", "s", "g"], True),
        ("SkipSimplifiedLayerNormalization", ["x", "s", "g", "c"], False),
    ],
)
def test_residual_normalisations(op: str, inputs: list[str], total: bool, opset: int) -> None:
    feeds = {"x": floats(4, *SHAPE), "s": floats(5, *SHAPE)}
    outputs = {"y": SHAPE, **({"m": None, "d": None, "sum": SHAPE} if total else {})}
    constants = {name: ROWS[name] for name in inputs[2:]}
    model = microsoft(op, inputs, outputs, fed=feeds, constants=constants, opset=opset, epsilon=1e-5)
    assert_same(model, feeds, CODE)


def test_the_simplified_one_of_the_standard_domain() -> None:
    feeds = {"x": floats(4, *SHAPE)}
    constants = {"g": ROWS["g"]}
    model = microsoft(
        "SimplifiedLayerNormalization", ["x", "g"], {"y": SHAPE}, fed=feeds, constants=constants, domain="", axis=-1
    )
    assert_same(model, feeds, CODE)


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("segments", [False, True])
def test_embeddings(segments: bool, positions: bool) -> None:
    random = np.random.default_rng(0)
    feeds = {"ids": random.integers(0, 9, (2, 3)).astype("i4")}
    constants = {"w": floats(6, 9, 8), "p": floats(7, 5, 8), "g": ROWS["g"], "b": ROWS["b"]}
    inputs = ["ids", "", "w", "p", "", "g", "b"]
    if segments:
        feeds["seg"] = random.integers(0, 2, (2, 3)).astype("i4")
        constants["sw"] = floats(8, 2, 8)
        inputs[1], inputs[4] = "seg", "sw"
    if positions:
        feeds["pos"] = random.integers(0, 5, (2, 3)).astype("i4")
        inputs += ["", "pos"]
    model = microsoft("EmbedLayerNormalization", inputs, {"y": SHAPE}, fed=feeds, constants=constants, epsilon=1e-5)
    model.graph.node[0].output.append("mask_index")
    assert_same(model, feeds, CODE)


def test_a_mean_that_is_read_is_refused() -> None:
    feeds = {"x": floats(4, *SHAPE), "s": floats(5, *SHAPE)}
    outputs = {"y": SHAPE, "mean": (2, 3, 1)}
    model = microsoft("SkipLayerNormalization", ["x", "s", "g"], outputs, fed=feeds, constants={"g": ROWS["g"]})
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "mean" in refusal.reason


def test_an_early_layer_normalization_and_a_missing_import(tmp_path: Path) -> None:
    """So ONNX Runtime's optimiser writes them; the onnx checker knows neither, before the fix or between two."""
    feeds = {"x": floats(4, *SHAPE)}
    constants = {"g": ROWS["g"], "b": ROWS["b"]}
    model = microsoft(
        "LayerNormalization",
        ["x", "g", "b"],
        {"y": SHAPE},
        fed=feeds,
        constants=constants,
        opset=14,
        domain="",
        axis=-1,
    )
    model.graph.node[0].output[0] = "m"
    model.graph.node.add(op_type="SkipLayerNormalization", domain="com.microsoft", input=["m", "x", "g"], output=["y"])
    del model.opset_import[1]
    outcome = fix_text(model, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE, CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_a_standard_layer_normalization_is_left_alone() -> None:
    feeds = {"x": floats(4, *SHAPE)}
    model = microsoft("LayerNormalization", ["x", "g"], {"y": SHAPE}, fed=feeds, constants={"g": ROWS["g"]}, domain="")
    assert diagnostics(model, CODE) == ()


def _group_normed(x: Array, groups: int, gamma: Array, beta: Array, *, silu: bool, epsilon: float) -> Array:
    """By the definition of GroupNorm; x is (N, H, W, C), double precision."""
    n, h, w, c = x.shape
    apart = x.astype("f8").reshape(n, h * w, groups, c // groups)
    mean, variance = apart.mean((1, 3), keepdims=True), apart.var((1, 3), keepdims=True)
    y = ((apart - mean) / np.sqrt(variance + epsilon)).reshape(x.shape) * gamma + beta
    return np.asarray(y / (1 + np.exp(-y)) if silu else y)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(2, 4)),
    groups=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    flags=st.tuples(st.booleans(), st.booleans()),
    skip=st.sampled_from(["none", "whole", "plane", "vector"]),
    opset=st.sampled_from([9, 17]),
)
def test_groups_of_channels(
    sizes: tuple[int, int, int], groups: tuple[int, int], flags: tuple[bool, bool], skip: str, opset: int
) -> None:
    channels, silu, last = groups[0] * groups[1], flags[0], flags[1] or skip != "none"
    n, h, w = sizes
    x = floats(0, n, h, w, channels)
    feeds = {"x": x if last else x.transpose(0, 3, 1, 2)}
    constants = {"g": floats(1, channels), "b": floats(2, channels)}
    inputs, outputs, total = ["x", "g", "b"], {"y": feeds["x"].shape}, x
    if skip != "none":
        shape = {"whole": x.shape, "plane": (n, 1, 1, channels), "vector": (n, channels)}[skip]
        feeds["s"], constants["o"] = floats(3, *shape), floats(4, channels)
        total = x + (feeds["s"] if skip != "vector" else feeds["s"][:, None, None]) + constants["o"]
        inputs, outputs = [*inputs, "s", "o"], outputs | {"sum": x.shape}
    model = microsoft(
        "GroupNorm" if skip == "none" else "SkipGroupNorm", inputs, outputs, fed=feeds, constants=constants,
        opset=opset, groups=groups[0], activation=int(silu), channels_last=int(last), epsilon=1e-3,
    )  # fmt: skip
    after, _ = fixed(model, CODE)
    assert all(not node.domain for node in after.graph.node)
    wanted = _group_normed(total, groups[0], constants["g"], constants["b"], silu=silu, epsilon=1e-3)
    y, *sums = run(after, feeds)
    np.testing.assert_allclose(y if last else y.transpose(0, 2, 3, 1), wanted, rtol=1e-3, atol=1e-4)
    assert len(sums) == (skip != "none")
    for found in sums:
        np.testing.assert_allclose(found, total, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("op", "skip", "attributes"),
    [
        ("GroupNorm", None, {"groups": 3, "activation": 0}),
        ("GroupNorm", None, {"groups": 2, "activation": 2}),
        ("SkipGroupNorm", (1, 4, 4, 1), {"groups": 2, "activation": 0}),
        ("SkipGroupNorm", (1, 4, 4, 4), {"groups": 2, "activation": 0, "channels_last": 0}),
    ],
)
def test_other_groups_are_refused(op: str, skip: tuple[int, ...] | None, attributes: dict[str, int]) -> None:
    feeds = {"x": floats(0, 1, 4, 4, 4)} | ({} if skip is None else {"s": floats(1, *skip)})
    constants = {"g": floats(1, 4), "b": floats(2, 4)}
    inputs = ["x", "g", "b", *(["s"] if skip else [])]
    model = microsoft(op, inputs, {"y": (1, 4, 4, 4)}, fed=feeds, constants=constants, **attributes)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
