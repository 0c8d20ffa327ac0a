from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.engine.identity import Identities, Identity, identities_of, numbered
from tests.rules.harness import diagnostics, view_of

MODEL = """g (float[4] x) => (float[4] y) <float[1] k = {2}> {
    a = Neg(x)
    b = Mul(a, k)
    c = Softmax<axis = -1>(b)
    y = Relu(c)
}"""


def identity(model: str, output: str) -> Identity:
    graph = view_of(model).main
    node = graph.producer(output)
    assert node is not None
    return Identities(graph).of_node(node)


def test_names_do_not_count() -> None:
    renamed = MODEL.replace("a =", "first =").replace("(a,", "(first,").replace("k", "scale")
    assert identity(renamed, "b") == identity(MODEL, "b")


def test_constants_may_be_initializers_or_nodes() -> None:
    as_node = MODEL.replace("<float[1] k = {2}>", "").replace("a = Neg", "k = Constant<value = float[1] {2}>() a = Neg")
    assert identity(as_node, "b") == identity(MODEL, "b")


def test_shapes_do_not_count() -> None:
    assert identity(MODEL.replace("float[4]", "float[n]"), "b") == identity(MODEL, "b")


def test_operator_attributes_and_neighbours_count() -> None:
    others = [
        MODEL.replace("b = Mul", "b = Add"),
        MODEL.replace("axis = -1", "axis = 0"),
        MODEL.replace("a = Neg", "a = Abs"),
        MODEL.replace("y = Relu", "y = Abs"),
        MODEL.replace("Mul(a, k)", "Mul(k, a)"),
    ]
    assert len({identity(model, "b") for model in (MODEL, *others)}) == len(others) + 1


def test_what_is_far_away_does_not_count() -> None:
    chain = "g (float[4] v0) => (float[4] v9) { " + " ".join(f"v{i + 1} = Neg(v{i})" for i in range(9)) + " }"
    assert identity(chain.replace("v9 = Neg", "v9 = Abs"), "v5") == identity(chain, "v5")
    assert identity(chain.replace("v8 = Neg", "v8 = Abs"), "v5") != identity(chain, "v5")


def test_interface_values_go_by_name_others_by_what_makes_or_reads_them() -> None:
    before, after = (Identities(view_of(text).main) for text in (MODEL, MODEL.replace("k", "scale")))
    assert before.of_value("x") == after.of_value("x") != before.of_value("y")
    assert before.of_value("k") == after.of_value("scale") != before.of_value("b")


def test_weights_count_by_their_shape_and_not_by_their_values() -> None:
    assert identity(MODEL.replace("{2}", "{7}"), "b") == identity(MODEL, "b")
    assert identity(MODEL.replace("[1] k = {2}", "[4] k = {1, 2, 3, 4}"), "b") != identity(MODEL, "b")


def test_which_row_a_gather_takes_counts() -> None:
    text = "g (float[3, 4] x) => (float[4] y) <int64 i = {1}> { y = Gather<axis = 0>(x, i) }"
    assert identity(text, "y") != identity(text.replace("{1}", "{2}"), "y")


def test_equals_are_told_apart_by_their_depth() -> None:
    chain = "g (float[4] v0) => (float[4] v20) { " + " ".join(f"v{i + 1} = Neg(v{i})" for i in range(20)) + " }"
    graph = view_of(chain).main
    known = Identities(graph)
    found = [known.of_node(node) for node in graph.nodes]
    assert len(set(found)) == 20
    middle = [one for one in found if one.digest == found[10].digest]
    assert [one.place for one in middle] == list(range(1, len(middle) + 1))


def test_queries_and_keys_are_told_apart_by_which_input_they_become() -> None:
    text = """g (float[4, 4] x) => (float[4, 4] y) <float[4, 4] a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6}> {
        q = MatMul(x, a)
        k = MatMul(x, a)
        s = MatMul(q, k)
        y = Softmax(s)
    }"""
    assert identity(text, "q").digest != identity(text, "k").digest
    assert identity(text.replace("MatMul(q, k)", "MatMul(k, q)"), "k") == identity(text, "q")


def test_a_body_is_known_by_the_node_that_it_is_of() -> None:
    branch = "if_{0}_node = If (cond) <then_branch = t{0} () => (float[4] a{0}) {{ a{0} = {1}(x) }}, "
    branch += "else_branch = e{0} () => (float[4] b{0}) {{ b{0} = {1}(x) }}>"
    text = "g (float[4] x, bool cond) => (float[4] y) {{ {} {} y = Sub(if_0_node, if_1_node) }}"
    view = view_of(text.format(branch.format(0, "Neg"), branch.format(1, "Neg")))
    known = identities_of(view)
    bodies = [known[graph.path].around for graph in view.graphs() if graph.parent is not None]
    assert len(set(bodies)) == len(bodies) == 4


def test_a_twin_keeps_its_fingerprint_when_the_finding_at_the_other_goes() -> None:
    blocks = "".join(f"s{i} = Identity(x{i}) x{i + 1} = Relu(s{i}) " for i in range(6))
    whole = "g (float[4] x0) => (float[4] x6) { " + blocks + "}"
    less = whole.replace("s5 = Identity", "s5 = Abs")
    before, after = ({d.at.value or d.at.node: d.fingerprint for d in diagnostics(m, "RK401")} for m in (whole, less))
    assert len(before) == 6
    assert len(after) == 5
    kept = {place for place in after if before[place] == after[place]}
    assert len(kept) == 4, "all but the neighbour of what is another operator now"


def test_a_finding_about_several_nodes_is_known_whichever_of_them_comes_first() -> None:
    weights = ", ".join(["0.5"] * 16)
    products = ["q = MatMul(x, a)", "k = MatMul(x, b)", "v = MatMul(x, c)"]
    text = "g (float[1, 4, 4] x) => (float[1, 4, 4] y) <float[4, 4] a = {W}, float[4, 4] b = {W}, float[4, 4] c = {W}> "
    text = text.replace("W", weights) + "{ PRODUCTS t = Transpose<perm = [0, 2, 1]>(k) s = MatMul(q, t) "
    text += "p = Softmax(s) y = MatMul(p, v) }"
    found = [
        [d.fingerprint for d in diagnostics(text.replace("PRODUCTS", " ".join(order)), "RK515")]
        for order in (products, products[::-1], [products[1], products[2], products[0]])
    ]
    assert len(found[0]) == 1
    assert found[0] == found[1] == found[2]


OPERATORS = {"Relu": 1, "Neg": 1, "Softmax": 1, "Identity": 1, "Add": 2, "Mul": 2}

Drawn = list[tuple[str, tuple[int, ...]]]
"""Nodes: operator, and which values are read: 0 and 1 are inputs, 2 a constant, then the results in order."""


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    made: Drawn = []
    for i in range(draw(st.integers(3, 25))):
        op = draw(st.sampled_from(sorted(OPERATORS)))
        made.append((op, tuple(draw(st.integers(max(0, i - 5), i + 2)) for _ in range(OPERATORS[op]))))
    return made


def model_of(drawn: Drawn, order: list[int], prefix: str = "v") -> onnx.ModelProto:
    """The model, its nodes in the given order, which is one of dataflow; each node is called after its value."""
    name = {0: "x", 1: "y", 2: f"{prefix}_k"} | {i + 3: f"{prefix}{i}" for i in range(len(drawn))}
    nodes = [
        helper.make_node(drawn[i][0], [name[j] for j in drawn[i][1]], [name[i + 3]], name=f"{prefix}_node_{i}")
        for i in order
    ]
    read = {j for _, inputs in drawn for j in inputs}
    ends = [f"{prefix}{i}" for i in range(len(drawn)) if i + 3 not in read]
    last = helper.make_node("Concat", ends, ["out"], axis=0)
    typed = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [4]) for n in ("x", "y")]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [4 * len(ends)])
    weights = [numpy_helper.from_array(np.ones(4, np.float32), name[2])]
    graph = helper.make_graph([*nodes, last], "g", typed, [out], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def identities(model: onnx.ModelProto, prefix: str = "v") -> dict[int, Identity]:
    graph = view_of(model).main
    known = Identities(graph)
    nodes = [node for node in graph.nodes if node.op != "Concat"]
    return {int(node.outputs[0].removeprefix(prefix)): known.of_node(node) for node in nodes}


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_new_names_and_another_order_of_nodes_change_nothing(drawn: Drawn, random: object) -> None:
    before = identities(model_of(drawn, list(range(len(drawn)))))
    order: list[int] = []
    while len(order) < len(drawn):
        done = set(order)
        ready = [i for i in range(len(drawn)) if i not in done and all(j < 3 or j - 3 in done for j in drawn[i][1])]
        order.append(random.choice(ready))  # type: ignore[attr-defined]
    after = identities(model_of(drawn, order, "other"), "other")
    assert {i: one.digest for i, one in before.items()} == {i: one.digest for i, one in after.items()}
    assert Counter(before.values()) == Counter(after.values())
    assert len(set(before.values())) == len(before)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.data())
def test_a_node_far_away_leaves_identities(drawn: Drawn, data: st.DataObject) -> None:
    """An Abs is put into one edge: what lies more than three steps from its ends keeps its digest."""
    place = data.draw(st.integers(0, len(drawn) - 1))
    op, inputs = drawn[place]
    # The new node gets the last number, and stands where its reader is.
    changed = [*drawn, ("Abs", (inputs[0],))]
    changed[place] = (op, (len(drawn) + 3, *inputs[1:]))
    order = [*range(place), len(drawn), *range(place, len(drawn))]
    before = identities(model_of(drawn, list(range(len(drawn)))))
    after = identities(model_of(changed, order))
    near = around(changed, {place, len(drawn)}, 3)
    assert {i: before[i].digest for i in before if i not in near} == {
        i: after[i].digest for i in before if i not in near
    }


def around(drawn: Drawn, start: set[int], steps: int) -> set[int]:
    """The nodes within some steps, along and against the edges; what reads the same value is two steps away."""
    edges = [(j - 3, i) for i, (_, inputs) in enumerate(drawn) for j in inputs]
    read = {j for j, _ in edges}
    ends = [i for i in range(len(drawn)) if i not in read]
    edges += [(i, len(drawn)) for i in ends]  # the Concat of what nobody else reads
    found = {*start}
    for _ in range(steps):
        found |= {b for a, b in edges if a in found and a >= 0} | {a for a, b in edges if b in found and a >= 0}
    return found


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_numbers_make_identities_unique_and_keep_the_first(identities: list[str]) -> None:
    result = numbered(identities)
    assert len(set(result)) == len(identities)
    assert [text.partition("#")[0] for text in result] == identities
    assert all(result[identities.index(name)] == name for name in set(identities))
