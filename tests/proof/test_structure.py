from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from rkgraph.graph.model import Model
from rkgraph.graph.view import ModelView
from rkgraph.proof.structure import Declared, structure_problems
from tests.rules.harness import parse, view_of

TEXT = "g (float[n, 4] x) => (float[n, 4] y) { a = Relu(x) b = Neg(a) y = Abs(b) }"


def problems(
    before: str | onnx.ModelProto, after: str | onnx.ModelProto, declared: Declared | None = None
) -> list[str]:
    proto = parse(after) if isinstance(after, str) else after
    return structure_problems(view_of(before), view(proto), proto, declared or Declared())


def view(proto: onnx.ModelProto) -> ModelView:
    """The view of a model that may be broken."""
    from rkgraph.graph.build import build_view

    return build_view(proto, "broken.onnx", "")


def test_the_same_model_has_no_problems() -> None:
    assert problems(TEXT, TEXT) == []


def test_declared_edits_are_no_problem() -> None:
    after = TEXT.replace("b = Neg(a)", "t = Sin(a)").replace("Abs(b)", "Abs(t)")
    declared = Declared(removed=frozenset({"b"}), added=frozenset({"t"}), replaced={"b": "t"})
    assert problems(TEXT, after, declared) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (TEXT.replace("Neg", "Sin"), "was changed"),
        (TEXT.replace("Abs(b)", "Abs(a)"), "was changed"),
        (TEXT.replace("b = Neg(a) y = Abs(b)", "y = Abs(a)"), "is gone"),
        (TEXT.replace("y = Abs", "c = Sin(b) y = Abs"), "is new"),
        (TEXT.replace("float[n, 4] x", "float[3, 4] x"), "has shape"),
        (TEXT.replace("y", "z"), "outputs are"),
        (TEXT.replace("float[n, 4] x", "float[n, 4] x, float[2] w"), "inputs are"),
    ],
)
def test_what_was_not_declared_is_found(after: str, said: str) -> None:
    assert any(said in problem for problem in problems(TEXT, after))


def broken(edit: str) -> onnx.ModelProto:
    model = parse(TEXT)
    nodes = model.graph.node
    if edit == "dangling":
        nodes[1].input[0] = "nowhere"
    elif edit == "unsorted":
        first = onnx.NodeProto()
        first.CopyFrom(nodes[0])
        del nodes[0]
        nodes.append(first)
    elif edit == "twice":
        nodes[1].output[0] = "a"
    elif edit == "no output":
        nodes[2].output[0] = "w"
    elif edit == "opset":
        model.opset_import[0].version = 18
    return model


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("dangling", "does not exist"),
        ("unsorted", "computed later"),
        ("twice", "assigned twice"),
        ("no output", "the output y does not exist"),
        ("opset", "opset is 18"),
    ],
)
def test_a_broken_model_is_refuted(edit: str, said: str) -> None:
    assert any(said in problem for problem in problems(TEXT, broken(edit)))


def test_the_checker_is_asked() -> None:
    model = parse(TEXT)
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("strange", 1))
    assert any(problem.startswith("onnx checker") for problem in problems(model, model) or problems(TEXT, model))


def test_pinned_shapes_are_declared() -> None:
    after = TEXT.replace("[n, 4]", "[3, 4]")
    assert problems(TEXT, after, Declared(pinned={"x": (3, 4)})) == []
    assert problems(TEXT, after, Declared(pinned={"x": (2, 4)}))


def test_large_weights_need_not_be_there(tmp_path: Path) -> None:
    from rkgraph.graph.model import Model
    from tests.builders import saved, weighted_model

    model = Model.load(saved(weighted_model(), tmp_path))
    assert structure_problems(model.view(), model.view(), model.proto(weights=False), Declared()) == []


def branching(weightless: bool) -> onnx.ModelProto:
    """An If whose branch holds a weight, with its bytes or, as `Model` keeps large ones, without."""
    model = parse("""g (bool c, float[1, 2] x) => (float[1, 2] y) {
        y = If (c) <
            then_branch = t () => (float[1, 2] a) <float[2] w = {1.0, 2.0}> { a = Mul(x, w) },
            else_branch = e () => (float[1, 2] b) { b = Abs(x) }
        >
    }""")
    weight = model.graph.node[0].attribute[0].g.initializer[0]
    if weightless:
        weight.ClearField("float_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="elsewhere")
    return model


def test_weights_of_subgraphs_need_not_be_there() -> None:
    assert problems(branching(weightless=False), branching(weightless=True)) == []


def test_an_output_of_unknown_rank_is_no_fault(tmp_path: Path) -> None:
    """ONNX Runtime writes such models, and the toolkit takes them; the checker of onnx alone does not."""
    model = parse("g (float[2] x) => (float[2] y) { y = Abs(x) }")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    held = Model.load(path)
    view = held.view()
    assert structure_problems(view, view, held.proto(weights=False), Declared()) == []
