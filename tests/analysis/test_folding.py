from __future__ import annotations

import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from rkgraph.analysis.folding import folded_nodes
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


def test_chance_never_folds() -> None:
    assert folded("g () => (float[2] y) { r = RandomNormal<shape = [2]>() y = Neg(r) }") == set()


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
