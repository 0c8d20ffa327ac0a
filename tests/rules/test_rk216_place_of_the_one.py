from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.elementwise import result
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed

CODE = "RK216"
OLD = Target("rk3588", "2.3.0")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.integers(0, 7),
    st.sampled_from([11, 13]),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_the_first_of_the_largest_is_one(shape: list[int], place: int, opset: int, seed: int, ties: bool) -> None:
    axis, told, random = place % (2 * len(shape)) - len(shape), ", ".join(map(str, shape)), np.random.default_rng(seed)
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[{told}] x) => (float[{told}] y) {{ y = Hardmax<axis = {axis}>(x) }}"""
    assert len(diagnostics(text, CODE, target=OLD)) == 1
    x = random.integers(0, 2, shape) if ties else random.normal(size=math.prod(shape)).reshape(shape)
    feeds = {"x": np.asarray(x, dtype=np.float32)}
    after, _ = fixed(text, CODE, target=OLD)
    np.testing.assert_array_equal(result(after, feeds), result(text, feeds))


@pytest.mark.parametrize("version", ["2.2.0", "2.3.2", "2.5.0"])
def test_versions_that_run_it_are_left_alone(version: str) -> None:
    text = "g (float[2, 3] x) => (float[2, 3] y) { y = Hardmax(x) }"
    assert diagnostics(text, CODE, target=Target("rk3588", version)) == ()
