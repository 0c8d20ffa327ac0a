"""The tree of boxes: each node once, nothing too large, repeats found with and without names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rkgraph.report.page.scopes import MOST, Box, box_tree, leaves

WORDS = st.sampled_from(["a", "b", "layer.0", "layer.1", "", "rk203", "x/", "→"])
LABELS = st.lists(WORDS, max_size=40).map("/".join)


def boxes(box: Box) -> list[Box]:
    return [box, *(each for child in box.children if isinstance(child, Box) for each in boxes(child))]


@given(st.lists(st.tuples(LABELS, st.sampled_from(["Add", "Mul", "Relu"])), max_size=300))
def test_each_node_is_in_the_tree_once_and_no_box_is_too_large(nodes: list[tuple[str, str]]) -> None:
    tree = box_tree([label for label, _ in nodes], [op for _, op in nodes])
    assert sorted(leaves(tree.children)) == list(range(len(nodes)))
    assert all(len(box.children) <= MOST for box in boxes(tree))


@given(st.lists(st.tuples(LABELS, st.sampled_from(["Add", "Constant"])), min_size=1, max_size=120), st.data())
def test_constants_stand_with_their_reader(nodes: list[tuple[str, str]], data: st.DataObject) -> None:
    readers = [i for i, (_, op) in enumerate(nodes) if op == "Add"]
    constants = [i for i, (_, op) in enumerate(nodes) if op == "Constant"] if readers else []
    homes = {i: data.draw(st.sampled_from(readers)) for i in constants}
    tree = box_tree([label for label, _ in nodes], [op for _, op in nodes], homes)
    order = list(leaves(tree.children))
    assert sorted(order) == list(range(len(nodes)))
    assert all(order.index(constant) < order.index(home) for constant, home in homes.items())


def test_scopes_become_boxes_and_chains_of_one_are_joined() -> None:
    labels = ["/m/emb/Gather", "/m/emb/Add", "/m/enc/layer.0/q/MatMul", "/m/enc/layer.0/q/Add", "/m/enc/layer.0/Mul"]
    tree = box_tree(labels, ["Gather", "Add", "MatMul", "Add", "Mul"])
    (model,) = tree.children
    assert isinstance(model, Box)
    assert [(box.name, box.first) for box in boxes(model)] == [("m", 0), ("emb", 0), ("enc/layer.0", 2), ("q", 2)]


def test_equal_layers_are_joined_whatever_their_names() -> None:
    ops = ["MatMul", "Add", "Relu"] * 12
    named = box_tree([f"/enc/layer.{i // 3}/{op}_{i}" for i, op in enumerate(ops)], ops)
    nameless = box_tree([f"{op}→{i}" for i, op in enumerate(ops)], ops)
    for tree, name in ((named, "12 × layer.0 … layer.11"), (nameless, "12 × MatMul Add Relu")):
        (repeat,) = [box for box in boxes(tree) if box.kind == "repeat"]
        assert (repeat.name, len(repeat.children)) == (name, 12)


def test_what_differs_in_one_place_is_no_repeat() -> None:
    ops = ["MatMul", "Add", "Relu", "MatMul", "Add", "Abs"]
    assert not [b for b in boxes(box_tree([str(i) for i in range(6)], ops)) if b.kind == "repeat"]


def test_what_a_rule_wrote_stands_with_its_value() -> None:
    labels = ["/m/Where_1", "/m/Add", "rk202/rk203//m/Where_1/Cast_0", "rk202/rk203//m/Where_1/Sub_1"]
    (model,) = box_tree(labels, ["Where", "Add", "Cast", "Sub"]).children
    assert isinstance(model, Box)
    assert {box.name for box in boxes(model)} == {"m", "Where_1"}


def test_five_thousand_nameless_nodes_are_divided() -> None:
    ops = [f"Op{i * i % 997}" for i in range(5000)]
    tree = box_tree([f"n{i}" for i in range(5000)], ops)
    assert all(len(box.children) <= MOST for box in boxes(tree))
    assert sorted(leaves(tree.children)) == list(range(5000))
