from __future__ import annotations

import numpy as np
import pytest

from tests.rules.lowered import assert_lowered, one_node, refusal_of


@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (1, 1, 2, 7), (2, 3, 2, 3, 4)])
def test_the_same_grid(size: tuple[int, ...], aligned: int) -> None:
    count = len(size) - 2
    theta = np.random.default_rng(0).normal(size=(size[0], count, count + 1)).astype(np.float32)
    held = {"size": np.array(size)}
    model = one_node("AffineGrid", {"theta": theta}, {"align_corners": aligned}, opset=20, constants=held)
    found = assert_lowered(model, "RK169", {"theta": theta}, gone="AffineGrid", rtol=1e-5, atol=1e-5)
    assert found == ["Transpose", "MatMul", "Reshape"]


def test_a_computed_size_is_refused() -> None:
    import onnx

    model = onnx.parser.parse_model("""<ir_version: 9, opset_import: ["" : 20]>
        g (float[1, 2, 3] theta, int64[4] size) => (float[1, H, W, 2] y) { y = AffineGrid(theta, size) }""")
    assert refusal_of(model, "RK169")
