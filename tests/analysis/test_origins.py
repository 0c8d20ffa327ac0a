from __future__ import annotations

import pytest

from rkgraph.analysis.origins import Origin, value_origins
from tests.rules.harness import view_of

FIXED, SHAPE, DATA = Origin


def origin(model: str, name: str = "y", path: str = "main") -> Origin:
    return value_origins(view_of(model))[path][name]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("g () => (float[2] y) <float[2] c = {1, 2}> { y = Neg(c) }", FIXED),
        ("g (float[4] x) => (float[4] y) { y = Neg(x) }", DATA),
        ("g (float[4] x) => (float[4] y) <float[1] c = {1}> { y = Add(x, c) }", DATA),
        ("g (float[4] x) => (int64[1] y) { y = Shape(x) }", FIXED),
        ("g (float[n] x) => (int64[1] y) { y = Shape(x) }", SHAPE),
        ("g (float[n, 4] x) => (int64[1] y) { y = Shape<start = 1>(x) }", FIXED),
        ("g (float[n, 4] x) => (int64[1] y) { y = Shape<end = -1>(x) }", SHAPE),
        ("g (float[n, 4] x) => (int64 y) { y = Size(x) }", SHAPE),
        ("g (float[n] x) => (int64[1] y) { s = Shape(x) y = Neg(s) }", SHAPE),
        ("g (float[4] x) => (int64[2] y) { n = NonZero(x) y = Shape(n) }", DATA),
        ("g (float[4] x) => (int64[2] y) { n = NonZero(x) m = Neg(n) y = Shape(m) }", DATA),
        ("g (float[4] x, int64[2] s) => (int64[2] y) { r = Reshape(x, s) y = Shape(r) }", DATA),
        ("g () => (float[2] y) { y = RandomNormal<shape = [2]>() }", DATA),
        ("g () => (float[2] y) <float[2] c = {1, 2}> { y = RandomUniformLike(c) }", DATA),
        ("g () => (float[2] y) <float[2] c = {1, 2}> { y = Dropout(c) }", FIXED),
        ("g () => (float[2] y) <float[2] c = {1, 2}, float r = {0.5}, bool t = {1}> { y = Dropout(c, r, t) }", DATA),
        ("g () => (float[2] y) <float[2] c = {1, 2}, float r = {0.5}, bool t = {0}> { y = Dropout(c, r, t) }", FIXED),
        ("g (float[n] x) => (float[m] y) { s = Shape(x) y = ConstantOfShape(s) }", SHAPE),
    ],
)
def test_origin(model: str, expected: Origin) -> None:
    assert origin(model) is expected


def test_an_operator_that_nobody_knows_is_a_source_unless_it_has_inputs() -> None:
    header = '<ir_version: 8, opset_import: ["" : 17, "own" : 1]>'
    assert origin(f"{header} g () => (float[2] y) {{ y = own.Camera() }}") is DATA
    assert origin(f"{header} g () => (float[2] y) <float[2] c = {{1, 2}}> {{ y = own.Scale(c) }}") is FIXED


LOOP = """g (float[4] x) => (float[4] y) <int64 trips = {3}, bool go = {1}, float[4] zero = {0, 0, 0, 0}> {
    y = Loop(trips, go, zero) <body = b (int64 i, bool c, float[4] carried) => (bool d, float[4] sum) {
        d = Identity(c)
        far = Neg(carried)
        sum = Add(carried, %s)
    }>
}"""


def test_a_loop_over_constants_is_fixed_with_all_inside() -> None:
    model = LOOP % "carried"
    assert origin(model) is FIXED
    (inner,) = [path for path in value_origins(view_of(model)) if path != "main"]
    assert origin(model, "far", inner) is FIXED


def test_a_loop_that_reads_data_carries_data() -> None:
    model = LOOP % "x"
    assert origin(model) is DATA
    (inner,) = [path for path in value_origins(view_of(model)) if path != "main"]
    assert origin(model, "far", inner) is DATA
