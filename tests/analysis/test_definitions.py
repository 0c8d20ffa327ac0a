"""What ONNX Runtime has no kernel of on a CPU is evaluated by its definition, and rewrites of it are proved by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rkgraph.analysis.definitions import with_definitions
from rkgraph.analysis.evaluator import EvaluationError, Evaluator
from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import Array, floats, microsoft

IMAGE = floats(0, 1, 3, 5, 4)
ROWS, MATRIX, VECTOR = floats(3, 2, 3, 4), floats(4, 4, 6), floats(5, 4)
NORM: dict[str, Any] = {"groups": 2, "activation": 1, "epsilon": 1e-3}


def silu_of_groups(x: Array) -> Array:
    apart = x.astype("f8").reshape(1, 15, 2, 2)
    normed = (apart - apart.mean((1, 3), keepdims=True)) / np.sqrt(apart.var((1, 3), keepdims=True) + 1e-3)
    y = normed.reshape(x.shape) * VECTOR + VECTOR
    return np.asarray(y / (1 + np.exp(-y)))


def gelu(x: Array) -> Array:
    return np.asarray(x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


def softmax(x: Array) -> Array:
    return np.asarray(np.exp(x) / np.exp(x).sum((-2, -1), keepdims=True))


def each() -> list[tuple[str, dict[str, Array], dict[str, Array], dict[str, Any], Array]]:
    vector = {"g": VECTOR, "b": VECTOR}
    point = floats(6, 2, 1, 1, 4)
    pointwise = np.einsum("nhwc,mc->nhwm", IMAGE.astype("f8"), point[:, 0, 0])
    two = IMAGE[:, 0, 0]
    return [
        ("BiasAdd", {"x": ROWS, "b": VECTOR, "s": ROWS}, {}, {}, 2 * ROWS + VECTOR),
        ("BiasSoftmax", {"x": ROWS, "b": VECTOR}, {}, {"axis": 1, "is_inner_broadcast": 1}, softmax(ROWS + VECTOR)),
        ("GemmFastGelu", {"x": ROWS}, {"w": MATRIX}, {}, gelu(ROWS @ MATRIX)),
        ("GemmFastGelu", {"x": ROWS}, {"w": MATRIX, "b": MATRIX[0]}, {}, gelu(ROWS @ MATRIX + MATRIX[0])),
        ("GroupNorm", {"x": IMAGE}, vector, NORM, silu_of_groups(IMAGE)),
        ("SkipGroupNorm", {"x": IMAGE}, vector | {"s": IMAGE}, NORM, silu_of_groups(2 * IMAGE)),
        ("SkipGroupNorm", {"x": IMAGE}, vector | {"s": two}, NORM, silu_of_groups(IMAGE + two)),
        ("NhwcConv", {"x": IMAGE}, {"w": point}, {"kernel_shape": [1, 1]}, pointwise),
        ("NhwcFusedConv", {"x": IMAGE}, {"w": point.transpose(0, 3, 1, 2)}, {"activation": "Relu"},
         np.maximum(pointwise, 0)),
    ]  # fmt: skip


def case_of(number: int, opset: int) -> tuple[onnx.ModelProto, dict[str, Array], Array]:
    op, feeds, constants, attributes, wanted = each()[number]
    inputs = [*feeds, *constants]
    model = microsoft(op, inputs, {"y": wanted.shape}, fed=feeds, constants=constants, opset=opset, **attributes)
    return model, feeds, wanted


@pytest.mark.parametrize("opset", [9, 17, 21])
@pytest.mark.parametrize("number", range(len(each())))
def test_it_is_what_the_documentation_says(number: int, opset: int) -> None:
    model, feeds, wanted = case_of(number, opset)
    np.testing.assert_allclose(Evaluator(model).run(feeds)["y"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", range(len(each())))
def test_what_takes_its_place_is_proved(number: int, tmp_path: Path) -> None:
    model, _, _ = case_of(number, 17)
    code = {"Bias": "RK191", "Grou": "RK192", "Skip": "RK192"}.get(model.graph.node[0].op_type[:4], "RK194")
    outcome = fix_text(model, tmp_path, code, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [code]
    assert {proof.outcome for proof in outcome.proofs if proof.kind == "local"} == {"proved"}


def test_halves_and_their_gelu() -> None:
    model = microsoft("BiasSplitGelu", ["x", "b"], {"y": (2, 3, 2)}, fed={"x": ROWS}, constants={"b": VECTOR})
    left, right = np.split(ROWS.astype("f8") + VECTOR, 2, -1)
    found = Evaluator(model).run({"x": ROWS})["y"]
    np.testing.assert_allclose(found, left * gelu(right), atol=2e-3)  # tanh for erf


def test_a_model_without_them_stays_itself() -> None:
    model = microsoft("Gelu", ["x"], {"y": ROWS.shape}, fed={"x": ROWS})
    assert with_definitions(model) is model


def test_a_node_without_its_attributes_is_not_evaluated() -> None:
    constants = {"g": VECTOR, "b": VECTOR}
    model = microsoft("GroupNorm", ["x", "g", "b"], {"y": IMAGE.shape}, fed={"x": IMAGE}, constants=constants)
    with pytest.raises(EvaluationError, match="cannot load"):
        Evaluator(model)


def test_what_is_not_defined_is_not_evaluated() -> None:
    model = microsoft(
        "NhwcFusedConv", ["x", "w"], {"y": (1, 3, 5, 2)}, fed={"x": IMAGE}, constants={"w": floats(6, 2, 4, 1, 1)},
        activation="Swish",
    )  # fmt: skip
    with pytest.raises(EvaluationError):
        Evaluator(model)
