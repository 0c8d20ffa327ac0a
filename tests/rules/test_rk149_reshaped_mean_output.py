from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered

CODE = "RK149"


def model(flat: str, rows: str, shape: str, *, axes: str = "1", opset: int = 17) -> str:
    rank = len(shape.split(","))
    mean = f"ReduceMean<axes = [{axes}]>(rows)" if opset < 18 else "ReduceMean(rows, axes)"
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[2, 3, 4, 5] x) => (float[{rows}] y, float[{shape}] mean)
    <int64[{rank}] shape = {{{shape}}}, int64[2] two = {{{rows}}}, int64[1] axes = {{{axes}}}>
    {{ rows = {flat} m = {mean} y = Sub(rows, m) mean = Reshape(m, shape) }}"""


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize(
    ("flat", "rows", "shape"),
    [
        ("Flatten<axis = 1>(x)", "2, 60", "2, 1, 1, 1"),
        ("Flatten<axis = 2>(x)", "6, 20", "2, 3, 1, 1"),
        ("Reshape(x, two)", "24, 5", "2, 3, 4"),
    ],
)
def test_the_mean_is_taken_of_the_value_before(flat: str, rows: str, shape: str, opset: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    after = assert_lowered(parse(model(flat, rows, shape, opset=opset)), CODE, {"x": x})
    assert after.count("ReduceMean") == 2


@pytest.mark.parametrize(
    "text",
    [
        model("Flatten<axis = 1>(x)", "2, 60", "1, 2"),
        model("Flatten<axis = 1>(x)", "2, 60", "1, 60", axes="0"),
        model("Flatten<axis = 1>(x)", "2, 60", "2, 1, 1, 1").replace("y = Sub(rows, m)", "y = Relu(rows)"),
    ],
    ids=["another shape", "another axis", "nobody else reads it"],
)
def test_other_outputs_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
