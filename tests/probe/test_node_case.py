"""Nodes of a user's model as cases of their own: what is carried over, and what stays with its owner."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.parser
import pytest

from rkgraph.engine.lint import make_context
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.probe.case import parse
from rkgraph.probe.instances import Instance, find_instances
from rkgraph.probe.node_case import cases_of
from rkgraph.rulebook.rule import Options
from rkgraph.targets import Target

HEAD = '<ir_version: 8, opset_import: ["" : 17, "my.domain" : 3]> secret '


def graph_of(text: str) -> GraphView:
    return view_of(onnx.parser.parse_model(HEAD + text), Path("m.onnx"), "", {}, {}).main


def place(text: str, op: str) -> tuple[Node, GraphView]:
    graph = graph_of(text)
    return next(node for node in graph.nodes if node.op == op), graph


def probe_of(text: str) -> tuple[onnx.NodeProto, onnx.ModelProto]:
    model = parse(text)
    onnx.checker.check_model(model) if "my.domain" not in text else None
    return next(node for node in model.graph.node if node.name == "probe"), model


def instances(text: str, *, known_too: bool = True) -> list[Instance]:
    view = view_of(onnx.parser.parse_model(HEAD + text), Path("m.onnx"), "", {}, {})
    return find_instances(make_context(view, Target(), Options()), known_too=known_too)


def test_operator_attributes_types_and_small_constants_are_carried_over() -> None:
    text = """(float[2,6] owner) => (float[2,4] z) <int64[1] s = {1}, int64[1] e = {5}, int64[1] a = {1}>
    { own = Relu(owner) z = Slice(own, s, e, a) }"""
    (made, _, alone) = cases_of(*place(text, "Slice"))
    assert (made.op, made.id.rpartition(",")[2], alone.id.rpartition(",")[2]) == ("Slice", "between", "alone")
    for each in (made, alone):
        node, model = probe_of(each.text)
        constants = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
        assert [constants.get(name) for name in node.input] == [None, [1], [5], [1]]
        assert "own" not in each.text
        assert "secret" not in each.text


def test_attributes_of_every_plain_kind() -> None:
    text = """(float[1,3,8,8] x) => (float[1,4,4,4] z) <float[4,3,3,3] w>
    { z = Conv<strides = [2,2], pads = [1,1,1,1], auto_pad = "NOTSET", group = 1>(x, w) }"""
    text = text.replace(" <float[4,3,3,3] w>", "").replace("x) =>", "x, float[4,3,3,3] w) =>")
    node, _ = probe_of(cases_of(*place(text, "Conv"), positions=("alone",))[0].text)
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    assert found == {"strides": [2, 2], "pads": [1, 1, 1, 1], "auto_pad": b"NOTSET", "group": 1}
    (made,) = cases_of(
        *place("(float[2,3] x) => (float[2,3] z) { z = Elu<alpha = 0.25>(x) }", "Elu"), positions=("alone",)
    )
    assert onnx.helper.get_attribute_value(probe_of(made.text)[0].attribute[0]) == 0.25


def test_weights_stay_with_their_owner() -> None:
    values = ", ".join(f"{0.111 * n:.4f}" for n in range(17))
    text = f"(float[2,17] x) => (float[2,17] z) <float[17] w = {{{values}}}> {{ z = Add(x, w) }}"
    (made,) = cases_of(*place(text, "Add"), positions=("alone",))
    assert "0.111" not in made.text
    assert "float[17] w" in made.text


def test_inputs_left_out_twice_or_made_by_a_node() -> None:
    clip = "(float[2,3] x) => (float[2,3] z) <float h = {6.0}> { z = Clip(x, , h) }"
    assert list(probe_of(cases_of(*place(clip, "Clip"), positions=("alone",))[0].text)[0].input)[1] == ""
    square = "(float[2,3] x) => (float[2,3] z) { z = Mul(x, x) }"
    first, second = probe_of(cases_of(*place(square, "Mul"), positions=("alone",))[0].text)[0].input
    assert first == second
    made = "(float[2,3] x) => (float[2,3] z) { c = Constant<value = float {2.0}>() z = Pow(x, c) }"
    _, model = probe_of(cases_of(*place(made, "Pow"), positions=("alone",))[0].text)
    assert "Constant" in [node.op_type for node in model.graph.node]


def test_operators_of_other_domains() -> None:
    text = "(float[2,3] x) => (float[2,3] z) { z = my.domain.Thing<k = 3>(x) }"
    (made,) = cases_of(*place(text, "Thing"))
    node, model = probe_of(made.text)
    assert (made.op, node.domain, node.op_type) == ("my.domain::Thing", "my.domain", "Thing")
    assert {o.domain: o.version for o in model.opset_import} == {"": 17, "my.domain": 3}


@pytest.mark.parametrize(
    ("text", "op"),
    [
        ("(float[N,3] x) => (float[N,3] z) { z = Relu(x) }", "Relu"),
        ("() => (float[3] z) <int64[1] s = {3}> { z = ConstantOfShape<value = float[1] {1.0}>(s) }", "ConstantOfShape"),
    ],
)
def test_what_cannot_be_cut_out(text: str, op: str) -> None:
    assert cases_of(*place(text, op)) == ()


def test_equal_nodes_are_one_instance() -> None:
    text = """(float[2,3] x) => (float[2,3] z, float[2,3] y)
    { [first] a = Relu(x) [second] b = Tanh(a) [third] c = Relu(b) [fourth] z = Relu(c) [fifth] y = Abs(c) }"""
    found = {each.nodes: each for each in instances(text)}
    assert set(found) == {("first", "third", "fourth"), ("second",), ("fifth",)}
    assert all(len(each.cases) == 2 for each in found.values())
    assert {each.op for each in found.values()} == {"Relu", "Tanh", "Abs"}


def test_only_what_lint_does_not_know() -> None:
    text = "(float[2,3] x) => (float[2,3] z) { a = Relu(x) z = my.domain.Thing(a) }"
    assert [each.op for each in instances(text)] == ["Relu", "my.domain::Thing"]
    (only,) = instances(text, known_too=False)
    assert (only.op, only.predicted) == ("my.domain::Thing", "unknown")


def test_shapes_that_fold_are_carried_over() -> None:
    text = """(float[2,6] x) => (float[4,3] z) <int64[1] two = {2}, int64[1] one = {1}, int64[1] nil = {0}>
    { s = Shape(x) n = Gather(s, nil) d = Mul(n, two) h = Slice(s, one, two) k = Div(h, two) t = Concat<axis = 0>(d, k)
      a = Relu(x) z = Reshape(a, t) }"""
    found = {each.op: each for each in instances(text)}
    assert set(found) == {"Relu", "Reshape"}
    node, model = probe_of(found["Reshape"].cases[0].text)
    (target,) = [t for t in model.graph.initializer if t.name == node.input[1]]
    assert onnx.numpy_helper.to_array(target).tolist() == [4, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(float[N,3] x) => (float[N,3] z) { z = Relu(x) }", "--shape"),
        (
            """(float[2] x, bool c) => (float[2] z) { z = If<then_branch = b () => (float[2] r) { r = Relu(x) },
            else_branch = b () => (float[2] r) { r = Abs(x) }>(c) }""",
            "subgraph",
        ),
    ],
)
def test_why_not(text: str, words: str) -> None:
    (only,) = instances(text)
    assert only.cases == ()
    assert words in only.why_not
