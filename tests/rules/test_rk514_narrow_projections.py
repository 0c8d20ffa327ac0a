from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.engine.fix_choices import ASK_THE_COMPILER, Choices
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import run

CODE = "RK514"


def model(rows: int, width: int, columns: list[int], *, biased: bool = False, opset: int = 17) -> onnx.ModelProto:
    """x[1, rows, width] → one product with a matrix of each number of columns, each with a bias of its own."""
    lines, outputs, weights, random = list[str](), list[str](), {}, np.random.default_rng(0)
    for i, count in enumerate(columns):
        lines.append(f"m{i} = MatMul(r, w{i}) " + (f"y{i} = Add(m{i}, b{i})" if biased else f"y{i} = Neg(m{i})"))
        outputs.append(f"float[1, {rows}, {count}] y{i}")
        weights[f"w{i}"] = random.standard_normal((width, count)).astype(np.float32)
        if biased:
            weights[f"b{i}"] = random.standard_normal(count).astype(np.float32)
    typed = ", ".join(f"float[{', '.join(map(str, a.shape))}] {name}" for name, a in weights.items())
    head = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    text = (
        f"{head} g (float[1, {rows}, {width}] x, {typed}) => ({', '.join(outputs)}) {{ r = Relu(x) {' '.join(lines)} }}"
    )
    made = parse(text)
    made.graph.initializer.extend(onnx.numpy_helper.from_array(a, name) for name, a in weights.items())
    del made.graph.input[1:]
    return made


def chosen(before: onnx.ModelProto, folder: Path, choices: Choices) -> FixOutcome:
    path = folder / "model.onnx"
    path.write_bytes(before.SerializeToString())
    rules = RuleSet("test", "2.3.2", (CODE,))
    return fix_model(Model.load(path), Target(), rules, Options(), settings=FixSettings(choices=choices))


@settings(max_examples=10, deadline=None)
@given(
    st.tuples(st.integers(1, 5), st.integers(26, 40)),
    st.lists(st.integers(1, 3), min_size=2, max_size=4),
    st.booleans(),
    st.sampled_from([11, 13, 17, 18]),
)
def test_the_products_stay(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, int], columns: list[int], biased: bool, opset: int
) -> None:
    rows, width = sizes
    before = model(rows, width, columns, biased=biased, opset=opset)
    outcome = chosen(before, tmp_path_factory.mktemp("rk514"), Choices(candidates=frozenset({CODE})))
    assert [fix.code for fix in outcome.fixes.applied][-1] == CODE
    assert not outcome.is_refuted
    assert len(list(outcome.model.view().main.nodes_of("MatMul"))) < len(columns)
    x = np.random.default_rng(1).normal(size=(1, rows, width)).astype(np.float32)
    for found, wanted in zip(run(outcome.model.proto(weights=True), {"x": x}), run(before, {"x": x}), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_it_waits_for_the_compilers_word(tmp_path: Path) -> None:
    (refused,) = chosen(model(4, 16, [2, 2]), tmp_path, Choices()).fixes.refused
    assert (refused.reason, refused.needs) == (ASK_THE_COMPILER, "--tune")


@pytest.mark.parametrize(
    ("columns", "joined"), [([2, 2, 12], 2), ([1, 1, 1, 1], 4), ([12, 12], 0), ([2], 0), ([4, 4], 0)]
)
def test_as_many_are_joined_as_save_traffic(columns: list[int], joined: int) -> None:
    found = diagnostics(model(4, 16, columns), CODE)
    assert [len(each.observed["products"]) for each in found] == ([joined] if joined else [])


def test_a_bias_that_others_read_too_and_computed_matrices_are_left_alone() -> None:
    text = """g (float[1, 4, 16] x, float[16, 2] v, float[16, 2] w) => (float[1, 4, 2] y, float[1, 4, 2] z) {
        y = MatMul(x, v) z = MatMul(x, w) }"""
    assert diagnostics(text, CODE) == ()
    mixed = model(4, 16, [2, 2], biased=True)
    mixed.graph.node[-1].op_type = "Sub"
    assert diagnostics(mixed, CODE) == ()
