"""What holds of every reduction, on random graphs and on the models of the cards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import onnx
import pytest
from hypothesis import assume, given, settings

from rkgraph.graph.walk import all_graphs
from rkgraph.reduce import NotShown, Outcome, Reduction, reduce_model
from rkgraph.reduce.cut import cut
from rkgraph.reduce.facts import Facts
from tests.builders import attention_block
from tests.fuzz_models import as_branch, as_function, sound_models
from tests.reduce.graphs import connected, contains, models, reaches

Predicate = Callable[[Path], Outcome]


def reduced(model: onnx.ModelProto, predicate: Predicate, **options: bool) -> tuple[onnx.ModelProto, Reduction]:
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "model.onnx", Path(folder) / "out.onnx"
        onnx.save(model, path)
        found = reduce_model(path, predicate, output, **options)
        assert path.read_bytes() == model.SerializeToString()
        return onnx.load(output), found


def shows(model: onnx.ModelProto, predicate: Predicate) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        return predicate(path).shows


def check_laws(model: onnx.ModelProto, predicate: Predicate) -> onnx.ModelProto:
    """Still shows it, is sound, has no node too many, and comes out the same again."""
    small, found = reduced(model, predicate)
    assert shows(small, predicate)
    assert found.outcome.shows
    assert not found.stopped
    onnx.checker.check_model(small, full_check=True)
    assert found.after.nodes <= found.before.nodes
    facts = Facts(small)
    for place in range(len(small.graph.node)):
        rest = cut(small, facts, frozenset(range(len(small.graph.node))) - {place})
        assert rest is None or not shows(rest, predicate), f"node {place} is not needed"
    again, _ = reduced(model, predicate)
    assert again.SerializeToString(deterministic=True) == small.SerializeToString(deterministic=True)
    return small


@settings(max_examples=25, deadline=None)
@given(model=models(), data=st.data())
def test_a_set_of_operators_is_all_that_is_left(model: onnx.ModelProto, data: st.DataObject) -> None:
    ops = [node.op_type for node in model.graph.node]
    wanted = data.draw(st.lists(st.sampled_from(range(len(ops))), min_size=1, max_size=3, unique=True))
    small = check_laws(model, contains(*(ops[place] for place in wanted)))
    assert sorted(node.op_type for node in small.graph.node) == sorted(ops[place] for place in wanted)


@settings(max_examples=20, deadline=None)
@given(model=models(), data=st.data())
def test_what_lies_between_two_operators_is_bypassed(model: onnx.ModelProto, data: st.DataObject) -> None:
    pairs = connected(model)
    assume(pairs)
    first, last = data.draw(st.sampled_from(pairs))
    small = check_laws(model, reaches(first, last))
    assert [node.op_type for node in small.graph.node] == [first, last]


PLAIN = [model for model in sound_models()[::3] if len(model.graph.node) > 2]


@pytest.mark.parametrize("model", PLAIN, ids=lambda model: f"{len(model.graph.node)}-{model.graph.node[-1].op_type}")
def test_models_of_cards_and_builders(model: onnx.ModelProto) -> None:
    wanted = model.graph.node[len(model.graph.node) // 2].op_type
    small, _ = reduced(model, contains(wanted))
    assert [node.op_type for node in small.graph.node] == [wanted]


def anywhere(op: str) -> Predicate:
    """A node of the type `op` is in the main graph, a function or a branch."""

    def predicate(path: Path) -> Outcome:
        model = onnx.load(path)
        nodes = [node for graph in all_graphs(model.graph) for node in graph.node]
        nodes += [node for function in model.functions for node in function.node]
        return Outcome(any(node.op_type == op for node in nodes))

    return predicate


@pytest.mark.parametrize("kind", ["function", "branch"])
def test_functions_and_branches_are_unfolded(kind: str) -> None:
    model = (as_function if kind == "function" else as_branch)(attention_block())
    small, found = reduced(model, anywhere("Softmax"))
    assert [node.op_type for node in small.graph.node] == ["Softmax"]
    assert not small.functions
    assert found.before.nodes > 36


@settings(max_examples=10, deadline=None)
@given(model=models(largest=8))
def test_a_model_that_does_not_show_it_is_refused(model: onnx.ModelProto) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "model.onnx", Path(folder) / "out.onnx"
        onnx.save(model, path)
        with pytest.raises(NotShown, match="does not show a Conv; it has "):
            reduce_model(path, contains("Conv"), output, what="a Conv")
        assert not output.exists()


@settings(max_examples=10, deadline=None)
@given(model=models(largest=12))
def test_nothing_of_the_original_is_left_but_operators(model: onnx.ModelProto) -> None:
    assume(any(node.op_type == "MatMul" for node in model.graph.node))
    small, found = reduced(model, contains("MatMul"))
    text = onnx.printer.to_text(small)
    assert not any(word in text for word in ("value.", "weight.", "n/", "secret"))
    assert not found.kept.names
    assert found.kept.weights == 0
