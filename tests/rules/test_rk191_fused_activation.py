from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.microsoft_models import assert_same, floats, microsoft
from tests.rules.rewriting import fixed, run

CODE = "RK191"
SHAPE = (2, 3, 8)


@pytest.mark.parametrize("opset", [9, 12, 17, 18])
@pytest.mark.parametrize(
    ("op", "bias", "attributes"),
    [
        ("Gelu", False, {}),
        ("FastGelu", False, {}),
        ("FastGelu", True, {}),
        ("BiasGelu", True, {}),
        ("QuickGelu", False, {}),
        ("QuickGelu", False, {"alpha": 1.0}),
    ],
)
def test_activations(op: str, bias: bool, attributes: dict[str, Any], opset: int) -> None:
    feeds = {"x": floats(0, *SHAPE, spread=3.0)}
    constants = {"b": floats(1, 8)} if bias else {}
    inputs = ["x", *constants]
    model = microsoft(op, inputs, {"y": SHAPE}, fed=feeds, constants=constants, opset=opset, **attributes)
    assert_same(model, feeds, CODE)


def test_shapes_behind_it_are_known() -> None:
    """Inference looks through ONNX Runtime's operators: the second one is judged and rewritten at once."""
    from tests.rules.harness import view_of

    feeds = {"x": floats(0, *SHAPE)}
    model = microsoft("Gelu", ["x"], {"y": SHAPE}, fed=feeds)
    model.graph.node[0].output[0] = "m"
    model.graph.node.add(op_type="QuickGelu", domain="com.microsoft", input=["m"], output=["y"])
    assert view_of(model).main.value("m").shape == SHAPE
    assert len(fixed(model, CODE)[1]) == 2


def test_an_odd_width_is_refused() -> None:
    feeds = {"x": floats(0, 1, 3, 5)}
    model = microsoft("BiasSplitGelu", ["x", "b"], {"y": (1, 3, 2)}, fed=feeds, constants={"b": floats(1, 5)})
    assert isinstance(fixed(model, CODE)[1][0], Refusal)


@pytest.mark.parametrize("bias", [(4, 1, 1, 6), (1, 1, 5, 6), (5, 6), (4, 3, 5, 6)])
@pytest.mark.parametrize("axis", [3, -1, 2])
@pytest.mark.parametrize("opset", [9, 17])
def test_softmax_of_a_sum(bias: tuple[int, ...], axis: int, opset: int) -> None:
    feeds = {"x": floats(0, 4, 3, 5, 6), "b": floats(1, *bias)}
    inner = int(len(bias) == 4 and bias[1] == 1 and bias[0] > 1)
    model = microsoft(
        "BiasSoftmax", ["x", "b"], {"y": (4, 3, 5, 6)}, fed=feeds, opset=opset, axis=axis, is_inner_broadcast=inner
    )
    after, _ = fixed(model, CODE)
    assert all(not node.domain for node in after.graph.node)
    joint = (2, 3) if axis == 2 else 3
    raised = np.exp(feeds["x"].astype("f8") + feeds["b"])
    np.testing.assert_allclose(run(after, feeds)[0], raised / raised.sum(joint, keepdims=True), rtol=1e-4, atol=1e-6)


def test_a_bias_that_does_not_fit_is_refused() -> None:
    feeds = {"x": floats(0, 4, 6), "b": floats(1, 2, 6)}
    model = microsoft("BiasSoftmax", ["x", "b"], {"y": (4, 6)}, fed=feeds, axis=1, is_inner_broadcast=1)
    assert isinstance(fixed(model, CODE)[1][0], Refusal)
