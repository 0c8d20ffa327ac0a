"""Structure: what renaming and resizing leave, and what everything else changes; no evidence is a suite's."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import helper, numpy_helper

from rkgraph.probe.case import COMPANION, case, computed, parse, weight
from rkgraph.probe.plan import all_cases
from rkgraph.probe.structure import equal_structures, outline, structure

TEXT = """<ir_version: 8, opset_import: ["" : 17]> g (float[2,3] x, float[2,3] y) => (float[2,3] z)
<float[3] c = {1.0, 2.0, 3.0}> { a = Mul(x, c) b = Concat<axis = 0>(a, y) s = Relu(b) z = Add(s, a) }"""

EQUAL: Mapping[str, tuple[str, str]] = {
    "names of values": ("y", "renamed"),
    "sizes": ("[2,3]", "[5,7]"),
    "weights": ("1.0, 2.0", "7.0, 8.0"),
    "opset": ('"" : 17', '"" : 18'),
    "domain of the standard": ('"" : 17', '"ai.onnx" : 17'),
}
OTHER: Mapping[str, tuple[str, str]] = {
    "operator": ("Relu", "Abs"),
    "attribute": ("axis = 0", "axis = 1"),
    "attribute left out": ("Relu(b)", "LeakyRelu(b)"),
    "dtype of an input": ("float[2,3] y", "double[2,3] y"),
    "rank of an input": ("float[2,3] y", "float[2,3,1] y"),
    "rank of a constant": ("float[3] c", "float[1,3] c"),
    "dtype of a constant": ("float[3] c", "double[3] c"),
    "constness": ("Mul(x, c)", "Mul(x, y)"),
    "order of inputs": ("Concat<axis = 0>(a, y)", "Concat<axis = 0>(y, a)"),
    "wiring": ("Add(s, a)", "Add(s, b)"),
    "one input more": ("Concat<axis = 0>(a, y)", "Concat<axis = 0>(a, y, y)"),
    "the same input twice": ("Add(s, a)", "Add(a, a)"),
    "one node more": ("s = Relu(b)", "t = Relu(b) s = Relu(t)"),
    "another output": ("=> (float[2,3] z)", "=> (float[2,3] z, float[2,3] s)"),
}


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return structure(onnx.parser.parse_model(TEXT.replace(old, new)))


@pytest.mark.parametrize("name", EQUAL)
def test_what_does_not_count(name: str) -> None:
    assert changed(*EQUAL[name]) == structure(onnx.parser.parse_model(TEXT))


@pytest.mark.parametrize("name", OTHER)
def test_what_counts(name: str) -> None:
    assert changed(*OTHER[name]) != structure(onnx.parser.parse_model(TEXT))


def test_the_order_of_the_file_does_not_count() -> None:
    first = helper.make_node("Relu", ["x"], ["a"], name="one")
    second = helper.make_node("Abs", ["x"], ["b"])
    third = helper.make_node("Add", ["a", "b"], ["z"])
    values = [helper.make_tensor_value_info(name, 1, [2]) for name in ("x", "z")]
    models = [
        helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:]))
        for nodes in ([first, second, third], [second, first, third])
    ]
    assert structure(models[0]) == structure(models[1])


def test_shuffled_names_do_not_count() -> None:
    generator = random.Random(0)  # noqa: S311
    for made in list(all_cases().values())[::501]:
        model = outline(made.text)
        names = sorted({n for node in model.graph.node for n in (*node.input, *node.output) if n})
        fresh = [f"v{i}" for i in range(len(names))]
        generator.shuffle(fresh)
        if not any(node.attribute and any(a.HasField("g") for a in node.attribute) for node in model.graph.node):
            assert structure(renamed(model, dict(zip(names, fresh, strict=True)))) == structure(model), made.id


def renamed(model: onnx.ModelProto, names: Mapping[str, str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.name = ""
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*copy.graph.input, *copy.graph.output, *copy.graph.initializer):
        value.name = names.get(value.name, value.name)
    return copy


def test_subgraphs_and_tensors_as_attributes_count() -> None:
    def with_branch(op: str) -> str:
        branches = " ".join(f"{side}_branch = b () => (float[2] r) {{ r = {op}(x) }}," for side in ("then", "else"))
        text = f"""<ir_version: 8, opset_import: ["" : 17]> g (float[2] x, bool c) => (float[2] z)
        {{ z = If<{branches.rstrip(",")}>(c) }}"""
        return structure(onnx.parser.parse_model(text))

    assert with_branch("Relu") == with_branch("Relu") != with_branch("Abs")

    def constant(array: np.ndarray) -> str:
        node = helper.make_node("Constant", [], ["z"], value=numpy_helper.from_array(array))
        output = helper.make_tensor_value_info("z", 1, None)
        return structure(helper.make_model(helper.make_graph([node], "g", [], [output])))

    assert constant(np.ones((2, 3))) == constant(np.zeros((4, 5))) != constant(np.ones(3))


def test_an_outline_has_the_structure_of_the_model() -> None:
    made = case("Conv", "x", [computed(1, 3, 8, 8), weight(4, 3, 3, 3)], position="between")
    assert structure(outline(made.text)) == structure(parse(made.text))


def companionless(text: str) -> onnx.ModelProto:
    """The model of a case without the branch that all cases have."""
    model = outline(text)
    inner = {"kin", "k0", "k1", "w_k"}
    for field in (model.graph.node, model.graph.input, model.graph.output, model.graph.initializer):
        for index in reversed([i for i, each in enumerate(field) if each.name in inner]):
            del field[index]
    return model


@pytest.fixture(scope="module")
def suite() -> dict[str, onnx.ModelProto]:
    """The models of the backend suite of the installed onnx: made anew, and those that it ships as files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node

        found = {each.name: each.model for each in node.collect_testcases(None) if each.model is not None}
    data = Path(os.fspath(onnx.__file__)).parent / "backend" / "test" / "data"
    files = sorted((*data.glob("*/*/model.onnx"), *data.glob("light/*.onnx")))
    return found | {f"{path.parent.name}/{path.name}": onnx.load(path, load_external_data=False) for path in files}


def equal_to_suite(
    suite: Mapping[str, onnx.ModelProto], model_of: Callable[[str], onnx.ModelProto], step: int = 1
) -> Iterator[tuple[str, str]]:
    cases = list(all_cases().values())[::step]
    return equal_structures(suite, ((each.id, model_of(each.text)) for each in cases))


def test_no_evidence_is_a_model_of_the_backend_suite(suite: dict[str, onnx.ModelProto]) -> None:
    assert len(suite) > 1500
    assert list(equal_to_suite(suite, outline)) == []


def test_without_the_branch_that_all_cases_have_many_would_be(suite: dict[str, onnx.ModelProto]) -> None:
    """Negative control: the comparison finds equal models."""
    assert len({name for _, name in equal_to_suite(suite, companionless, step=20)}) > 10


def test_a_model_of_the_suite_with_the_branch_would_be_found() -> None:
    """Negative control: what makes the difference is the structure, not how it was written."""
    made = case("Relu", "x", [computed(2, 3)])
    twin = f"""<ir_version: 7, opset_import: ["" : 13]> other (float[5,7] first, {COMPANION[0]}) =>
    (float[5,7] last, {COMPANION[3]}) <float[4,4,1,1] w_k = {{{", ".join(["0.5"] * 16)}}}>
    {{ last = Relu(first) {COMPANION[2]} }}"""
    assert list(equal_structures({"twin": onnx.parser.parse_model(twin)}, [("ours", outline(made.text))])) == [
        ("twin", "ours")
    ]
