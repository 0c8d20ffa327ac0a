"""Touched regions: both sides have the same inputs, and these are enough; also where thousands of nodes are touched."""

from __future__ import annotations

import random

import onnx
import pytest
from onnx import helper

from rkgraph.graph.regions import touched_regions


def graph(nodes: dict[str, list[str]]) -> onnx.GraphProto:
    """Value → what it is made of; "x" is the input."""
    made = [helper.make_node("Sum", reads, [name]) for name, reads in nodes.items()]
    return helper.make_graph(made, "g", [helper.make_empty_tensor_value_info("x")], [])


def ancestors(nodes: dict[str, list[str]], name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = set(nodes.get(waiting.pop(), [])) - found
        found |= fresh
        waiting += fresh
    return found


def suffice(nodes: dict[str, list[str]], outputs: tuple[str, ...], inputs: tuple[str, ...]) -> bool:
    """Whether `outputs` are computed from `inputs` without reaching up to x by another way."""
    waiting, seen = list(outputs), set(inputs)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        if name not in nodes:
            return False
        seen.add(name)
        waiting += nodes[name]
    return True


def test_the_cut_moves_up_until_both_sides_read_the_same() -> None:
    """Before, y reads c, which comes from a; after, a itself is read: the cut is at a."""
    before = {"a": ["x"], "b": ["a"], "c": ["b"], "y": ["c"]}
    after = {"a": ["x"], "n": ["a"]}
    old, new = touched_regions(graph(before), graph({**before, **after}), (("y",), ("n",)), (("y",), ("n",)))
    assert (old.inputs, new.inputs) == (("a",), ("a",))
    assert (old.outputs, new.outputs) == (("y",), ("n",))


def test_unrelated_inputs_stay_where_they_are() -> None:
    before = {"a": ["x"], "b": ["x"], "y": ["a", "b"]}
    old, _ = touched_regions(graph(before), graph({**before, "n": ["a"]}), (("y",), ("n",)), (("y",), ("n",)))
    assert set(old.inputs) == {"a", "b"}


@pytest.mark.parametrize("seed", range(60))
def test_inputs_suffice_and_are_free_of_each_other(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    before: dict[str, list[str]] = {}
    for index in range(30):
        earlier = ["x", *before][-8:]
        before[f"v{index}"] = chance.sample(earlier, min(len(earlier), chance.randint(1, 3)))
    old = chance.sample(sorted(before), 3)
    outputs = (f"v{29}",)
    after = dict(before) | {"n": chance.sample(["x", *list(before)[:25]], 2)}
    regions = touched_regions(graph(before), graph(after), (outputs, ("n",)), ((*old, *outputs), ("n",)))
    inputs = regions[0].inputs
    assert inputs == regions[1].inputs
    assert suffice(before, outputs, inputs)
    assert suffice(after, ("n",), inputs)
    read = set(after["n"])
    assert all(name in inputs or ancestors(before, name) & set(inputs) or name == "x" for name in read)


def test_thousands_of_touched_nodes() -> None:
    """Every second node of a chain of 6000 is replaced by one that reads the chain's beginning, too."""
    before = {f"v{i}": [f"v{i - 1}" if i else "x"] for i in range(6000)}
    old = tuple(name for i, name in enumerate(before) if i % 2)
    new = {f"n{i}": [f"v{2 * i}", "v0"] for i in range(3000)}
    first, second = touched_regions(graph(before), graph({**before, **new}), (old, tuple(new)), (old, tuple(new)))
    assert first.inputs == second.inputs
    assert suffice(before, old, first.inputs)
    assert suffice(before | new, tuple(new), second.inputs)
