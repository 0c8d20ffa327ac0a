from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import RenameOutputs
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse

CODE = "RK332"


def model(output: str, rest: str = "", more: str = "") -> str:
    return f"g (float[1, 3] x) => (float[1, 3] {output}{more}) {{ {output} = Relu(x) {rest} }}"


def fix(text: str, folder: Path, *codes: str) -> FixOutcome:
    path = folder / "model.onnx"
    onnx.save(parse(text), path)
    ruleset = RuleSet("test", "2.3.2", (CODE, *codes))
    return fix_model(Model.load(path), Target(), ruleset, Options(), frozenset({Safety.INTERFACE}), proof="model")


def test_names_that_begin_alike_stay_apart_and_the_whole_is_proved(tmp_path: Path) -> None:
    one, two = "y" * 127 + "a", "y" * 127 + "b"
    outcome = fix(model(one, f"{two} = Neg({one})", f", float[1, 3] {two}"), tmp_path)
    names = outcome.model.view().main.outputs
    assert len(set(names)) == 2
    assert all(len(name.encode()) <= 127 and name.startswith("yyy") for name in names)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert {proof.kind for proof in outcome.proofs} == {"structure", "model"}


def test_a_long_name_is_found_by_its_bytes() -> None:
    proto = parse(model("y"))
    for name, count in (("y" * 127, 0), ("y" * 128, 1), ("ü" * 63, 0), ("ü" * 64, 1)):
        again = onnx.ModelProto.FromString(proto.SerializeToString())
        again.graph.output[0].name = again.graph.node[0].output[0] = name
        assert len(diagnostics(again, CODE)) == count


def test_another_shape_and_another_name(tmp_path: Path) -> None:
    outcome = fix(model("y" * 130), tmp_path, "RK330")
    assert {fix.code for fix in outcome.fixes.applied} == {CODE, "RK330"}
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    main = outcome.model.view().main
    assert main.value(main.outputs[0]).shape == (1, 3, 1, 1)


def test_an_input_is_named_and_left_alone() -> None:
    (found,) = diagnostics(model("y").replace(" x", " " + "x" * 130).replace("(x)", f"({'x' * 130})"), CODE)
    assert found.fix is None


def test_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(parse(model("y")), path)
    for names in ({"y": "x"}, {"x": "z"}):
        with pytest.raises(ValueError, match="taken"):
            Model.load(path).apply(RenameOutputs(names))
