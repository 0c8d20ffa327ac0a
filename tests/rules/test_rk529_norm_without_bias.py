from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.lint import find, make_context
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Rewrite
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import operators, run
from tests.rules.simulated import simulated
from tests.rules.test_rk528_sum_behind_norm import LAYER, NORMS, RMS, WRITTEN, model
from tests.toolkits import toolkit_of

CODE = "RK529"
OLD = Target(toolkit="2.2.0")
END = "Mul(e, n)"


def fixed(text: str, folder: Path) -> onnx.ModelProto:
    """The model after the one fix for 2.2.0."""
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    held = Model.load(path)
    context = make_context(held.view(), OLD, Options())
    (found,) = find(context, RuleSet("test", "2.2.0", (CODE,)))
    fix = next(rule for rule in load_rules() if rule.code == CODE).fix
    assert fix is not None
    edit = fix(context, found.finding)
    assert isinstance(edit, Rewrite)
    held.apply(edit)
    assert not find(make_context(held.view(), OLD, Options()), RuleSet("test", "2.2.0", (CODE,)))
    return held.proto(weights=True)


def feeds(shape: str, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = [int(size) for size in shape.split(",")]
    return {name: random.normal(size=sizes).astype(np.float32) for name in ("x", "h")}


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(NORMS)),
    st.sampled_from([END, "Add(n, x)", "Identity(n)"]),
    st.sampled_from(["3, 8", "1, 4, 8", "2, 1, 8", "1, 2, 3, 8"]),
    st.integers(0, 2**31),
)
def test_the_numbers_stay(tmp_path_factory: pytest.TempPathFactory, kind: str, end: str, shape: str, seed: int) -> None:
    text = model(NORMS[kind], end, shape=shape)
    after = fixed(text, tmp_path_factory.mktemp("model"))
    given = feeds(shape, seed)
    np.testing.assert_allclose(run(after, given)[0], run(text, given)[0], rtol=2e-5, atol=2e-5)


def test_what_is_written(tmp_path: Path) -> None:
    layer = fixed(model(LAYER, END, shape="1, 4, 8"), tmp_path)
    assert len(next(n for n in layer.graph.node if n.op_type == "LayerNormalization").input) == 3
    assert operators(fixed(model(WRITTEN, END, shape="1, 4, 8"), tmp_path)).count("Add") == 2
    assert operators(fixed(model(RMS, END, shape="1, 4, 8"), tmp_path)).count("Div") == 1


@pytest.mark.parametrize(
    "text",
    [
        model(LAYER, END),
        model(LAYER.replace("w)", "w, b)"), END, shape="1, 4, 8"),
        model(RMS + " k = Add(n, b)", "Mul(e, k)", shape="1, 4, 8"),
        model(WRITTEN + " k = Add(n, b)", "Mul(e, k)", shape="1, 4, 8"),
        model(WRITTEN.replace("n = Mul(q, w)", "n = Identity(q)"), END, shape="1, 4, 8"),
        model(RMS.replace("r = Div(one, s) q = Mul({h}, r)", "q = Div({h}, s)"), END, shape="1, 4, 8"),
    ],
    ids=range(6),
)
def test_other_norms_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE, target=OLD) == ()


@pytest.mark.parametrize("version", ["2.3.0", "2.3.2", "2.5.0"])
def test_by_version(version: str) -> None:
    assert diagnostics(model(LAYER, END, shape="1, 4, 8"), CODE, target=Target(toolkit=version)) == ()


@pytest.mark.toolkit
@pytest.mark.parametrize("kind", sorted(NORMS))
def test_it_builds_and_is_right(kind: str, tmp_path: Path) -> None:
    before = model(NORMS[kind], END, shape="1, 4, 8")
    given = feeds("1, 4, 8", 0)
    with Worker(toolkit_of("2.2.0")) as worker:
        found = simulated(worker, fixed(before, tmp_path), given, tmp_path)["y"]
    np.testing.assert_allclose(found.reshape(1, 4, 8), run(parse(before), given)[0], atol=3e-3)
