"""The steps of a reduction, one by one, with predicates that need no toolkit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rkgraph.errors import ModelError, ToolkitFailed, UsageError
from rkgraph.reduce import Budget, Outcome, Reduction, reduce_model
from rkgraph.reduce.outcome import Slipped
from tests.builders import attention_block, external_model, saved, shape_chain_model, text_model, weighted_model
from tests.reduce.graphs import contains

Predicate = Callable[[Path], Outcome]


def run(model: onnx.ModelProto | Path, predicate: Predicate, tmp_path: Path, **options: object) -> Reduction:
    path = model if isinstance(model, Path) else saved(model, tmp_path)
    return reduce_model(path, predicate, tmp_path / "out.onnx", **options)  # type: ignore[arg-type]


def result(tmp_path: Path) -> onnx.ModelProto:
    return onnx.load(tmp_path / "out.onnx")


def shapes_of(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    found = {t.name: tuple(t.dims) for t in model.graph.initializer}
    return found | {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in model.graph.input}


def test_sizes_that_belong_together_shrink_together(tmp_path: Path) -> None:
    """hidden = heads × width: none of the three can shrink alone."""
    text = """g (float[1, 64, 96] x) => (float[1, 64, 12, 8] y)
        <int64[4] target = {1, 64, 12, 8}> { p = MatMul(x, w)  y = Reshape(p, target) }"""
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]>' + text)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((96, 96), np.float32), "w"))
    found = run(model, contains("MatMul", "Reshape"), tmp_path)
    small = result(tmp_path)
    assert [node.op_type for node in small.graph.node] == ["MatMul", "Reshape"]
    assert found.after.numbers < 10
    assert found.before.weights == 96 * 96 + 4


def test_a_size_that_matters_stays(tmp_path: Path) -> None:
    def wide(path: Path) -> Outcome:
        model = onnx.load(path)
        large = [value for value in model.graph.input if value.type.tensor_type.shape.dim[-1].dim_value > 40]
        return Outcome(bool(large) and model.graph.node[0].op_type == "Relu")

    run(text_model("g (float[1,3,64,96] x) => (float[1,3,64,96] y) { y = Relu(x) }"), wide, tmp_path)
    assert shapes_of(result(tmp_path)) == {"x0": (1, 1, 1, 64)}


def test_attributes_and_optional_inputs_go(tmp_path: Path) -> None:
    text = """g (float[1,3,8,8] x) => (float[1,4,4,4] y) <float[4,3,3,3] w, float[4] b> {
        y = Conv<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], auto_pad = "NOTSET">(x, w, b) }"""
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]>' + text)
    for name, shape in (("w", (4, 3, 3, 3)), ("b", (4,))):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), name))
    del model.graph.value_info[:]
    run(model, contains("Conv"), tmp_path)
    (node,) = result(tmp_path).graph.node
    assert not node.attribute
    assert len(node.input) == 2


def test_shape_arithmetic_becomes_constants(tmp_path: Path) -> None:
    """What a Shape, two Gathers and a Concat come to is known, so that the Reshape keeps a constant shape."""

    def constant_shape(path: Path) -> Outcome:
        graph = onnx.load(path).graph
        constants = {tensor.name for tensor in graph.initializer}
        computed = {name for node in graph.node for name in node.output}
        shapes = [node.input[1] for node in graph.node if node.op_type == "Reshape"]
        return Outcome(bool(shapes) and all(name in constants | computed for name in shapes))

    run(shape_chain_model(), constant_shape, tmp_path, shapes={"ids": (1, 6), "mask": (1, 6)})
    small = result(tmp_path)
    assert [node.op_type for node in small.graph.node] == ["Reshape"]
    assert len(small.graph.initializer) == 1


def test_weights_are_replaced(tmp_path: Path) -> None:
    model = weighted_model(32)
    old = numpy_helper.to_array(model.graph.initializer[0])
    found = run(model, pinned_shape(32), tmp_path)
    (tensor,) = [t for t in result(tmp_path).graph.initializer if len(t.dims) == 2]
    new = numpy_helper.to_array(tensor)
    assert new.shape == (32, 32)
    assert not np.isin(new, old).any()
    assert (found.kept.weights, found.kept.names) == (0, False)


def test_a_weight_that_is_cut_to_one_number_is_replaced_too(tmp_path: Path) -> None:
    def by_a_weight(path: Path) -> Outcome:
        model = onnx.load(path)
        constants = {tensor.name for tensor in model.graph.initializer}
        return Outcome(any(n.op_type == "MatMul" and n.input[1] in constants for n in model.graph.node))

    model = weighted_model(32)
    run(model, by_a_weight, tmp_path)
    (tensor,) = result(tmp_path).graph.initializer
    assert tuple(tensor.dims) == (1, 1)
    assert not np.isin(numpy_helper.to_array(tensor), numpy_helper.to_array(model.graph.initializer[0])).any()


def test_weights_that_matter_are_kept_and_counted(tmp_path: Path) -> None:
    model = attention_block(hidden=16)
    secret = numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == "w_q"))

    def keeps(path: Path) -> Outcome:
        tensors = [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
        ops = [node.op_type for node in onnx.load(path).graph.node]
        return Outcome(any(np.array_equal(t, secret) for t in tensors) and ops.count("MatMul") > 1)

    found = run(model, keeps, tmp_path)
    assert (found.kept.weights, found.kept.numbers) == (1, secret.size)
    assert len(result(tmp_path).graph.node) == 2


def test_constants_that_were_drawn_are_no_secret(tmp_path: Path) -> None:
    """A constant in the place of the second input is held to the values that were drawn for it at first."""
    drawn: list[bytes] = []

    def as_drawn(path: Path) -> Outcome:
        constants = [tensor.raw_data for tensor in onnx.load(path).graph.initializer]
        if not drawn:
            drawn.extend(constants)
        return Outcome(constants == drawn)

    found = run(text_model("g (float[1,8] x, float[8] w) => (float[1,8] y) { y = Pow(x, w) }"), as_drawn, tmp_path)
    assert [tensor.raw_data for tensor in result(tmp_path).graph.initializer] == drawn
    assert len(drawn) == 1
    assert found.kept.weights == 0


def test_names_that_matter_are_kept(tmp_path: Path) -> None:
    def named(path: Path) -> Outcome:
        return Outcome(any(node.name == "matmul" for node in onnx.load(path).graph.node))

    found = run(weighted_model(8), named, tmp_path)
    assert found.kept.names
    assert [node.name for node in result(tmp_path).graph.node] == ["matmul"]
    assert found.names["x"] == "x"


def test_names_and_weights_stay_if_asked(tmp_path: Path) -> None:
    model = weighted_model(8)
    found = run(model, pinned_shape(8), tmp_path, keep_names=True, keep_weights=True)
    small = result(tmp_path)
    assert [node.name for node in small.graph.node] == ["matmul"]
    assert small.graph.initializer[0].raw_data == model.graph.initializer[0].raw_data
    assert (found.kept.weights, found.kept.numbers, found.kept.names) == (1, 64, True)


def test_a_predicate_that_knows_names_is_told_the_new_ones(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []

    def renamed(names: dict[str, str]) -> Predicate:
        told.append(dict(names))
        return contains("Softmax")

    found = run(attention_block(), contains("Softmax"), tmp_path, renamed=renamed)
    assert told == [found.names]
    assert found.names == {"x0": "scores_masked", "y0": "weights"}


@pytest.mark.parametrize("after", [1, 2, 3, 5, 8, 13])
def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path, after: int) -> None:
    calls = 0

    def interrupted(path: Path) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == after + 1:
            raise KeyboardInterrupt
        return contains("Softmax", "Erf")(path)

    found = run(attention_block(), interrupted, tmp_path)
    assert found.stopped == "interrupted"
    assert contains("Softmax", "Erf")(tmp_path / "out.onnx").shows
    assert not found.kept.names  # also then nothing is given away
    assert found.kept.weights == 0


def test_an_error_on_the_way_keeps_the_best_so_far(tmp_path: Path) -> None:
    calls = 0

    def failing(path: Path) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise ToolkitFailed("the worker does not answer")
        return contains("Softmax", "Erf")(path)

    assert run(attention_block(), failing, tmp_path).stopped == "the worker does not answer"
    assert contains("Softmax", "Erf")(tmp_path / "out.onnx").shows


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    calls = 0

    def interrupted(path: Path) -> Outcome:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        return contains("Softmax")(path)

    with pytest.raises(KeyboardInterrupt):
        run(attention_block(), interrupted, tmp_path)
    assert not (tmp_path / "out.onnx").exists()


def test_the_budget_ends_it(tmp_path: Path) -> None:
    asked: list[Path] = []

    def counting(path: Path) -> Outcome:
        asked.append(path)
        return contains("Softmax", "Erf", "LayerNormalization")(path)

    found = run(attention_block(), counting, tmp_path, budget=Budget(tries=6))
    assert found.stopped == "tries"
    assert found.tries == len(asked) <= 6 + 2  # the two last words: weights and names
    assert run(attention_block(), contains("Softmax"), tmp_path, budget=Budget(seconds=0.0)).stopped == "time"


def test_no_candidate_is_asked_about_twice(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def once(path: Path) -> Outcome:
        seen.append(path.read_bytes())
        return contains("Softmax", "Add")(path)

    run(attention_block(), once, tmp_path)
    candidates = seen[1:-1]  # the original is given as it is; the last has new names
    assert len(set(candidates)) == len(candidates)


def test_candidates_are_sound(tmp_path: Path) -> None:
    def strict(path: Path) -> Outcome:
        onnx.checker.check_model(onnx.load(path), full_check=True)
        return contains("Softmax")(path)

    found = run(attention_block(), strict, tmp_path)
    assert "strict shape inference" in found.validity


def test_nodes_that_the_predicate_names_are_tried_first(tmp_path: Path) -> None:
    def naming(path: Path) -> Outcome:
        nodes = [node for node in onnx.load(path).graph.node if node.op_type == "Softmax"]
        return Outcome(bool(nodes), nodes=tuple(node.name for node in nodes))

    helped = run(attention_block(), naming, tmp_path)
    alone = run(attention_block(), contains("Softmax"), tmp_path)
    assert helped.after == alone.after
    assert helped.tries < alone.tries


def test_external_weights(tmp_path: Path) -> None:
    path = external_model(tmp_path, size=64)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    run(path, pinned_shape(64), tmp_path)
    assert [node.op_type for node in result(tmp_path).graph.node] == ["MatMul"]
    after = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert after.keys() == before.keys() | {"out.onnx"}
    assert all(after[name] == data for name, data in before.items())


def test_large_weights_become_inputs(tmp_path: Path) -> None:
    def wide(path: Path) -> Outcome:
        model = onnx.load(path)
        shapes = shapes_of(model)
        return Outcome(any(n.op_type == "MatMul" and shapes.get(n.input[1]) == (64, 64) for n in model.graph.node))

    assert run(weighted_model(64), wide, tmp_path).after.weights == 0
    assert sorted(shapes_of(result(tmp_path)).values()) == [(1, 64), (64, 64)]


def pinned_shape(size: int) -> Predicate:
    """A MatMul by a weight of size × size."""

    def predicate(path: Path) -> Outcome:
        model = onnx.load(path)
        weights = {t.name for t in model.graph.initializer if tuple(t.dims) == (size, size)}
        return Outcome(any(n.op_type == "MatMul" and n.input[1] in weights for n in model.graph.node))

    return predicate


def test_a_second_look_is_taken_after_each_step(tmp_path: Path) -> None:
    looked: list[int] = []

    def again(path: Path) -> Outcome:
        looked.append(len(onnx.load(path).graph.node))
        return contains("Softmax", "Erf")(path)

    run(attention_block(), contains("Softmax", "Erf"), tmp_path, second_look=again)
    assert looked
    assert looked == sorted(looked, reverse=True)
    with pytest.raises(Slipped):
        run(attention_block(), contains("Softmax"), tmp_path, second_look=contains("Softmax", "Erf"))


def test_bad_input(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelError):
        run(tmp_path / "text.onnx", contains("Relu"), tmp_path)
    with pytest.raises(UsageError, match="no input 'z'"):
        run(weighted_model(8), contains("Relu"), tmp_path, shapes={"z": (1, 2)})
    with pytest.raises(UsageError, match="cannot be written"):
        reduce_model(saved(weighted_model(8), tmp_path), contains("Relu"), tmp_path / "absent" / "out.onnx")
