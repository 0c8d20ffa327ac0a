from __future__ import annotations

import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.analysis.folding import fold, folded_nodes
from tests.rules.harness import view_of


def folded(model: str | onnx.ModelProto) -> set[str]:
    """The first outputs of the nodes that fold."""
    view = view_of(model)
    gone = folded_nodes(view)
    return {node.outputs[0] for graph in view.graphs() for node in graph.nodes if (node.path, node.index) in gone}


def test_what_constants_and_static_shapes_make_folds() -> None:
    model = """g (float[2, 3] x) => (float[3, 2] y) <int64[2] order = {1, 0}> {
        shape = Shape(x)
        turned = Gather(shape, order)
        y = Reshape(x, turned)
    }"""
    assert folded(model) == {"shape", "turned"}


def test_a_dynamic_shape_does_not_fold() -> None:
    model = "g (float[n, 3] x, float[a, b] z) => (float[a, b] y) { shape = Shape(z) y = Reshape(x, shape) }"
    assert folded(model) == set()


def test_what_feeds_nothing_folds_with_all_that_feeds_only_it() -> None:
    model = "g (float[4] x) => (float[4] y) { a = Neg(x) b = Abs(a) y = Relu(x) }"
    assert folded(model) == {"a", "b"}


def test_chance_folds_where_the_toolkit_draws_while_building() -> None:
    model = view_of("g (float[2] x) => (float[2] y) { r = RandomNormal<shape = [2]>() n = Neg(r) y = Add(x, n) }")
    assert folded_nodes(model) == {("main", 0), ("main", 1)}
    assert folded_nodes(model, folds_random=False) == frozenset()


def test_shape_folds_and_size_does_not() -> None:
    model = "g (float[2, 3] x) => (int64[2] y, int64 z) { y = Shape(x) z = Size(x) }"
    assert folded(model) == {"y"}


def test_size_of_a_constant_folds_like_all_else_of_constants() -> None:
    model = "g (int64 x) => (int64 y) <float[2] c = {1, 2}> { s = Size(c) t = Tan(c) y = Add(x, s) unused = Neg(t) }"
    assert folded(model) == {"s", "t", "unused"}
    assert fold(view_of(model)).dead == frozenset()


def test_what_is_dead_and_what_is_constant_are_told_apart() -> None:
    model = "g (float[4] x) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { a = Neg(x) b = Neg(c) y = Add(x, b) }"
    found = fold(view_of(model))
    assert (found.dead, found.constant) == ({("main", 0)}, {("main", 1)})
    assert found.gone == {("main", 0), ("main", 1)}


LOOP = """g (float[2] x) => (float[2] y) <int64 n = {3}, bool go = {1}, float[2] zero = {0, 0}, float[2] c = {1, 2}> {
    sum = Loop(n, go, zero) <body = b (int64 i, bool g, float[2] v) => (bool h, float[2] w) {
        h = Identity(g)
        w = Add(v, c)
    }>
    y = Add(x, sum)
}"""


def test_a_loop_over_constants_folds_as_a_whole() -> None:
    assert folded(LOOP) == {"sum", "h", "w"}


def test_a_loop_that_reads_data_does_not() -> None:
    assert folded(LOOP.replace("Add(v, c)", "Add(v, x)")) == set()


def test_a_value_that_only_a_subgraph_reads_is_alive() -> None:
    model = """g (bool c, float[4] x) => (float[4] y) {
        used = Neg(x)
        y = If(c) <then_branch = a () => (float[4] p) { p = Relu(used) unused = Abs(used) },
                   else_branch = b () => (float[4] q) { q = Abs(x) }>
    }"""
    assert folded(model) == {"unused"}


def test_a_subgraph_goes_with_its_node() -> None:
    model = """g (bool c, float[4] x) => (float[4] y) {
        z = If(c) <then_branch = a () => (float[4] p) { p = Relu(x) },
            else_branch = b () => (float[4] q) { q = Abs(x) }>
        y = Neg(x)
    }"""
    assert folded(model) == {"z", "p", "q"}


FUNCTIONS = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[4] x) => (float[4] y) { y = own.outer(x) }
<domain: "own", opset_import: ["" : 17, "own" : 1]> outer (a) => (b) { b = own.inner(a) }
<domain: "own", opset_import: ["" : 17]> inner (c) => (d) { d = Neg(c) }
<domain: "own", opset_import: ["" : 17]> unused (e) => (f) { f = Abs(e) }
"""


def test_functions_are_alive_where_they_are_called_also_by_functions() -> None:
    assert folded(FUNCTIONS) == {"f"}


@st.composite
def straight_models(draw: st.DrawFn) -> tuple[onnx.ModelProto, set[str]]:
    """A random graph of Add and Neg over two inputs and a constant, and what the definition of folding says of it."""
    fixed, made = {"c"}, ["x", "z", "c"]
    nodes: list[onnx.NodeProto] = []
    for index in range(draw(st.integers(1, 12))):
        sources = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2))
        output = f"v{index}"
        nodes.append(helper.make_node("Neg" if len(sources) == 1 else "Add", sources, [output]))
        if fixed.issuperset(sources):
            fixed.add(output)
        made.append(output)
    outputs = draw(st.lists(st.sampled_from(made[3:]), min_size=1, max_size=3, unique=True))
    needed, expected = set(outputs), set()
    for node in reversed(nodes):
        if node.output[0] in fixed or node.output[0] not in needed:
            expected.add(node.output[0])
        else:
            needed.update(node.input)
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "z")]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in outputs]
    constant = helper.make_tensor("c", TensorProto.FLOAT, [2], [1.0, 2.0])
    graph = helper.make_graph(nodes, "g", floats, results, [constant])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), expected


@settings(max_examples=60, deadline=None)
@given(straight_models())
def test_random_graphs_fold_by_the_definition(case: tuple[onnx.ModelProto, set[str]]) -> None:
    model, expected = case
    assert folded(model) == expected
