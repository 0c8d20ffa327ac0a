from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.lint import make_context
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Rewrite
from rkgraph.rulebook.rule import Options
from rkgraph.rules.rk128_computed_clip_bound import check, fix
from rkgraph.targets import Target
from tests.rules.elementwise import numbers, result, rewritten
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import operators

CODE = "RK128"
CALLS = ["Clip(x, low, high)", "Clip(x, low)", "Clip(x, , high)"]


def model(call: str, shape: str = "6") -> str:
    scalars = {"low": "low = Squeeze(a)", "high": "high = Squeeze(b)"}
    body = " ".join(made for name, made in scalars.items() if name in call)
    return f"g (float[{shape}] x, float[1] a, float[1] b) => (float[{shape}] y) {{ {body} y = {call} }}"


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CALLS), numbers, st.floats(-100, 100, width=16), st.floats(-100, 100, width=16))
def test_the_same_bounds_crossed_ones_too(call: str, values: list[float], low: float, high: float) -> None:
    feeds = {"x": np.array(values, np.float32), "a": np.array([low], np.float32), "b": np.array([high], np.float32)}
    after = rewritten(model(call), CODE)
    np.testing.assert_array_equal(result(after, feeds), result(model(call), feeds))
    assert "Clip" not in operators(after)


@pytest.mark.parametrize("shape", ["1, 2, 3, 4", "2, 2, 2, 2, 2"])
def test_where_any_computed_bound_fails_every_rank_is_written_anew(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(parse(model(CALLS[0], shape)).SerializeToString())
    held = Model.load(path)
    context = make_context(held.view(), Target("rk3576"), Options())
    (finding,) = check(context)
    edit = fix(context, finding)
    assert isinstance(edit, Rewrite)
    held.apply(edit)
    size = tuple(map(int, shape.split(",")))
    x = np.random.default_rng(0).normal(size=size).astype(np.float32)
    feeds = {"x": x, "a": np.array([-0.5], np.float32), "b": np.array([0.5], np.float32)}
    np.testing.assert_array_equal(result(held.proto(weights=True), feeds), x.clip(-0.5, 0.5))


def test_constant_bounds_are_left_alone() -> None:
    text = "g (float[6] x) => (float[6] y) <float low = {-1}> { y = Clip(x, low) }"
    assert diagnostics(text, CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(model(CALLS[0]), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
