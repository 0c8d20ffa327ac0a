from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.microsoft_models import assert_same, floats, microsoft
from tests.rules.rewriting import fixed

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
