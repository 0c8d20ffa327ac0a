from __future__ import annotations

import tempfile
from itertools import permutations
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT, Rewrite
from rkgraph.rulebook.turned_operators import inverse
from rkgraph.rulebook.turned_region import region_behind, written
from rkgraph.rulebook.writer import Writer
from tests.rules.harness import diagnostics, view_of
from tests.rules.rewriting import fixed, operators, run

CODE = "RK415"
SHAPE = (1, 16, 1024, 16)
ROW = ", ".join("0123456789012345")


def model(body: str, result: str = "1, 16, 1024, 16", constants: str = "") -> str:
    more = f", {constants}" if constants else ""
    return f"""g (float[1, 16, 1024, 16] x) => (float[{result}] y)
    <int64[1] two = {{2}}, int64[2] halves = {{8, 8}}, int64[1] four = {{4}}, float[16] row = {{{ROW}}}{more}>
    {{ r = Relu(x) t = Transpose<perm = [0, 2, 1, 3]>(r) {body} }}"""


BACK = "y = Transpose<perm = [0, 2, 1, 3]>(u)"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (f"m = ReduceMean<axes = [3]>(t) u = Sub(t, m) {BACK}", "1, 16, 1024, 16"),
        (f"m = Mul(t, row) u = Softmax<axis = 2>(m) {BACK}", "1, 16, 1024, 16"),
        (f"a, b = Split<axis = 3>(t, halves) u = Concat<axis = 2>(b, a) {BACK}", "1, 32, 1024, 8"),
        (f"s = Slice(t, two, four, two) u = Relu(s) {BACK}", "1, 2, 1024, 16"),
        (f"s = Sqrt(r) v = Transpose<perm = [0, 2, 1, 3]>(s) u = Add(t, v) {BACK}", "1, 16, 1024, 16"),
        (f"u = ReduceMax<axes = [1]>(t) {BACK}", "1, 16, 1, 16"),
    ],
)
def test_no_transpose_is_left(body: str, result: str) -> None:
    text = model(body, result)
    after, _ = fixed(text, CODE)
    assert "Transpose" not in operators(after)
    _same(text, after)


@pytest.mark.parametrize(
    "body",
    [
        "u = Relu(t) y = Sigmoid(u)",
        f"u = CumSum(t, axis) {BACK}",
        f"s = Slice(t, first, last, two, steps) u = Relu(s) {BACK}",
        f"u = Relu(t) v = Sigmoid(u) w = MaxPool<kernel_shape = [1, 1]>(v) y = Add(u, w) z = {BACK[4:]}",
    ],
)
def test_what_saves_nothing_is_left_alone(body: str) -> None:
    result = {"y = Sigmoid(u)": "1, 1024, 16, 16"}
    shape = next(
        (size for key, size in result.items() if key in body),
        "1, 8, 1024, 16" if "steps" in body else "1, 16, 1024, 16",
    )
    more = "int64 axis = {1}, int64[1] steps = {2}, int64[1] first = {0}, int64[1] last = {16}"
    assert diagnostics(model(body, shape, more), CODE) == ()


def test_two_that_do_not_cancel_become_one() -> None:
    text = model("m = ReduceMean<axes = [3]>(t) u = Sub(t, m) y = Transpose<perm = [0, 3, 2, 1]>(u)", "1, 16, 16, 1024")
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Relu", "ReduceMean", "Sub", "Transpose"]
    _same(text, after)


def test_a_transpose_for_the_npu_is_left_to_the_compiler() -> None:
    small = model(f"m = ReduceMean<axes = [3]>(t) u = Sub(t, m) {BACK}").replace("1024", "64")
    assert diagnostics(small, CODE) == ()


def test_a_value_that_others_need_is_turned_for_them() -> None:
    """Two Transposes go and one comes: the result in the middle is handed out as well."""
    text = model(
        "u = Relu(t) z = Transpose<perm = [0, 2, 1, 3]>(t) w = MaxPool<kernel_shape = [1, 1]>(z) "
        "v = Transpose<perm = [0, 2, 1, 3]>(w) m = Add(u, v) y = Sigmoid(m)",
        "1, 1024, 16, 16",
    )
    after, _ = fixed(text, CODE)
    assert operators(after).count("Transpose") < 3
    _same(text, after)


def _same(text: str | onnx.ModelProto, after: onnx.ModelProto) -> None:
    feeds = {"x": np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)}
    for want, have in zip(run(text, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(have, np.float32), np.asarray(want, np.float32), rtol=1e-4, atol=1e-5)


# Random chains of operators behind any Transpose of small values: the region is written, wherever it leads.


@st.composite
def chains(draw: st.DrawFn) -> tuple[onnx.ModelProto, int]:
    """A Transpose of 2×3×4×5 in any order, up to five operators behind it, and perhaps one back."""
    perm = draw(st.sampled_from(list(permutations(range(4)))[1:]))
    shape = [(2, 3, 4, 5)[axis] for axis in perm]
    random = np.random.default_rng(draw(st.integers(0, 99)))
    nodes, last, earlier = [helper.make_node("Transpose", ["x"], ["t"], perm=perm)], "t", "t"
    constants: list[TensorProto] = []
    sizes = {"t": tuple(shape)}

    def constant(array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(array, f"c{len(constants)}"))
        return constants[-1].name

    def number(*size: int) -> str:
        return constant(random.normal(size=size).astype(np.float32))

    for place in range(draw(st.integers(1, 5))):
        kind, axis = (
            draw(st.sampled_from(["unary", "binary", "row", "softmax", "reduce", "concat", "slice", "matmul"])),
            draw(st.integers(0, 3)),
        )
        size, name = list(sizes[last]), f"v{place}"
        if kind == "unary":
            node = helper.make_node(draw(st.sampled_from(["Relu", "Sigmoid", "Neg"])), [last], [name])
        elif kind == "binary":
            node = helper.make_node("Mul", [last, earlier if sizes[earlier] == sizes[last] else last], [name])
        elif kind == "row":
            node = helper.make_node("Add", [number(*size[4 - draw(st.integers(0, 4)) :]), last], [name])
        elif kind == "softmax":
            node = helper.make_node("Softmax", [last], [name], axis=axis - draw(st.sampled_from([0, 4])))
        elif kind == "reduce":
            node = helper.make_node("ReduceMean", [last], [name], axes=[axis])
            size[axis] = 1
        elif kind == "concat":
            node = helper.make_node("Concat", [last, last, number(*size)], [name], axis=axis)
            size[axis] *= 3
        elif kind == "slice":
            bounds = [constant(np.array([n])) for n in (size[axis] // 2, size[axis], axis)]
            node = helper.make_node("Slice", [last, *bounds], [name])
            size[axis] -= size[axis] // 2
        else:
            node = helper.make_node("MatMul", [last, number(size[-1], 3)], [name])
            size[-1] = 3
        nodes.append(node)
        sizes[name], earlier, last = tuple(size), last, name
    back = inverse(perm) if draw(st.booleans()) else draw(st.sampled_from(list(permutations(range(4)))))
    nodes.append(helper.make_node("Transpose", [last], ["y"], perm=back))
    results = ["y", *([earlier] if earlier != "t" and draw(st.booleans()) else [])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 3, 4, 5))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results], constants,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made), len(results)


@settings(max_examples=60, deadline=None)
@given(chains())
def test_any_region_computes_the_same(chain: tuple[onnx.ModelProto, int]) -> None:
    proto, _ = chain
    graph = view_of(proto).main
    seed = next(graph.nodes_of("Transpose"))
    region = region_behind(graph, seed)
    if region is None:
        return
    write = Writer(graph, "t")
    after = _applied(proto, Rewrite(written(graph, region, write), write.tape, EXACT))
    assert operators(after).count("Transpose") == operators(proto).count("Transpose") - len(region.gone) + len(
        region.come
    )
    feeds = {"x": np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)}
    for want, have in zip(run(proto, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(have, np.float32), np.asarray(want, np.float32), rtol=1e-4, atol=1e-5)


def _applied(proto: onnx.ModelProto, edit: Rewrite) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        held = Model.load(path)
        held.apply(edit)
        return held.proto(weights=True)
