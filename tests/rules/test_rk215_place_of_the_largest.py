from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK215"


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(("opset", "last"), [(11, ""), (13, ", select_last_index = 1")])
def test_the_place_stays(op: str, keep: int, opset: int, last: str) -> None:
    shape = "[2, 1, 4]" if keep else "[2, 4]"
    after, _ = fixed(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g (int64[2, 3, 4] x) => (int64{shape} y) '
        f"{{ y = {op}<axis = 1, keepdims = {keep}{last}>(x) }}",
        CODE,
    )
    assert operators(after) == ["Cast", op]
    x = np.random.default_rng(0).integers(-3, 3, (2, 3, 4)) * 2**29
    wanted = getattr(np, op.lower())(x[:, ::-1] if last else x, axis=1, keepdims=bool(keep))
    np.testing.assert_array_equal(run(after, {"x": x})[0], 2 - wanted if last else wanted)


def test_the_range_is_an_assumption() -> None:
    _, (edit,) = fixed("g (int64[2, 3] x) => (int64[2, 1] y) { y = ArgMax<axis = 1>(x) }", CODE)
    (bounds,) = edit.within.values()  # type: ignore[union-attr]
    assert (bounds.low, bounds.high, bounds.integer) == (-(2**31), 2**31 - 1, True)


@pytest.mark.parametrize(
    "text",
    [
        "g (int32[2, 3] x) => (int64[2, 1] y) { y = ArgMax<axis = 1>(x) }",
        "g (float[2, 3] x) => (int64[2, 1] y) { y = ArgMin<axis = 1>(x) }",
        "g (int64[2, 3] x) => (int64[2, 1] y) { y = ReduceMax<axes = [1]>(x) }",
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
