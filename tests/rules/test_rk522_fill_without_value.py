from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK522"


@pytest.mark.parametrize("opset", [9, 13, 17])
def test_the_default_is_written_out(opset: int) -> None:
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[2, 3] x) => (float[2, 3] y) {{
        s = Shape(x) z = ConstantOfShape(s) y = Add(x, z) }}"""
    after, edits = fixed(text, CODE)
    assert len(edits) == 1
    assert operators(after) == ["Shape", "ConstantOfShape", "Add"]
    assert after.graph.node[1].attribute[0].t.dims == [1]
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(run(after, {"x": x})[0], x)


def test_a_value_that_is_there_is_left_alone() -> None:
    text = """g (float[2] x) => (float[2] y) <int64[1] s = {2}> {
        z = ConstantOfShape<value = int64[1] {3}>(s) f = Cast<to = 1>(z) y = Add(x, f) }"""
    assert diagnostics(text, CODE) == ()
