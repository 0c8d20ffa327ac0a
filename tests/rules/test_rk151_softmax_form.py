from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK151"
OPS = ("Softmax", "LogSoftmax", "Hardmax")


@settings(max_examples=25, deadline=None)
@given(
    op=st.sampled_from(OPS),
    shape=st.lists(st.integers(2, 3), min_size=2, max_size=6),
    place=st.integers(0, 11),
    opset=st.sampled_from([11, 13]),
    seed=st.integers(0, 2**31),
)
def test_every_form_gives_the_same_numbers(*, op: str, shape: list[int], place: int, opset: int, seed: int) -> None:
    axis = place % (2 * len(shape)) - len(shape)
    inputs = {"x": np.random.default_rng(seed).normal(size=shape).astype(np.float32)}
    model = one_node(op, inputs, {"axis": axis}, opset=opset)
    if diagnostics(model, CODE):
        assert_lowered(model, CODE, inputs)
    else:
        assert opset == 13 or axis >= -1


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(("opset", "axis"), [(11, 1), (11, 0), (11, -1), (13, -1), (13, -2), (13, 0)])
def test_what_comes_out_right_is_left_alone(op: str, opset: int, axis: int) -> None:
    inputs = {"x": np.zeros((2, 3, 4), np.float32)}
    assert diagnostics(one_node(op, inputs, {"axis": axis}, opset=opset), CODE) == ()


@pytest.mark.parametrize("op", OPS)
def test_an_axis_from_the_end_of_an_old_opset_is_found_whatever_the_rank(op: str) -> None:
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5)):
        inputs = {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
        after = assert_lowered(one_node(op, inputs, {"axis": -2}, opset=11), CODE, inputs, rtol=0, atol=0)
        assert after == [op]


def test_a_dynamic_shape_is_refused() -> None:
    text = """<ir_version: 6, opset_import: ["" : 11]>
    g (float[N, 3] x) => (float[N, 3] y) { y = Softmax<axis = -2>(x) }"""
    assert "--shape" in refusal_of(text, CODE)


TURNED = """g (float[2, 3, 4] x) => (float[2, 4, 3] y) {{ t = Transpose<perm = [0, 2, 1]>(x) {nodes} }}"""


@pytest.mark.parametrize("between", ["", "r = Relu(t)"])
@pytest.mark.parametrize(("axis", "counted"), [("<axis = -1>", 2), ("<axis = -2>", 1), ("", 2)])
def test_behind_a_transpose_the_axis_is_counted_from_the_front(between: str, axis: str, counted: int) -> None:
    text = TURNED.format(nodes=f"{between} y = LogSoftmax{axis}({'r' if between else 't'})")
    after = rewritten(text, CODE)
    (node,) = [each for each in after.graph.node if each.op_type == "LogSoftmax"]
    assert node.attribute[0].i == counted
    x = {"x": np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)}
    np.testing.assert_array_equal(result(after, x), result(text, x))


@pytest.mark.parametrize("nodes", ["y = LogSoftmax<axis = 2>(t)", "y = Softmax<axis = -1>(t)"])
def test_other_softmaxes_behind_a_transpose_are_left_alone(nodes: str) -> None:
    assert diagnostics(TURNED.format(nodes=nodes), CODE) == ()
