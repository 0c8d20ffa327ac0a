from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Rewrite
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK210"


@pytest.mark.parametrize(
    ("source", "like", "code"),
    [("float", "int32", 6), ("int64", "float", 1), ("bool", "float16", 10), ("double", "float", 1)],
)
def test_it_becomes_the_cast(source: str, like: str, code: int) -> None:
    text = f"g ({source}[3] x, {like}[1] z) => ({like}[3] y) {{ y = CastLike(x, z) }}"
    after, _ = fixed(text, CODE)
    (node,) = after.graph.node
    assert (node.op_type, node.attribute[0].i) == ("Cast", code)
    dtype = {"float": "float32", "double": "float64"}.get(source, source)
    feeds = {
        "x": np.array([0, 1, 3]).astype(dtype),
        "z": np.zeros(1, np.float32).astype({6: "int32", 1: "float32"}.get(code, "float16")),
    }
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_one_to_its_own_dtype_vanishes() -> None:
    after, (edit,) = fixed("g (float[3] x, float[1] z) => (float[3] y) { c = CastLike(x, z) y = Neg(c) }", CODE)
    assert isinstance(edit, Rewrite)
    assert operators(after) == ["Neg"]


def test_how_eight_bit_floats_round_is_kept() -> None:
    text = """<ir_version: 9, opset_import: ["" : 19]>
        g (float[3] x, float8e4m3fn[1] z) => (float8e4m3fn[3] y) { y = CastLike<saturate = 0>(x, z) }"""
    (node,) = fixed(text, CODE)[0].graph.node
    assert {attribute.name: attribute.i for attribute in node.attribute} == {"to": 17, "saturate": 0}


def test_a_constant_one_folds() -> None:
    text = "g (float[3] x) => (float[3] y) <int64 two = {2}, float z = {0}> { c = CastLike(two, z) y = Mul(x, c) }"
    assert diagnostics(text, CODE) == ()
