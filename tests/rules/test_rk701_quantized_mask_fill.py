from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import diagnostics, parse
from tests.rules.quantized import quantized_likeness
from tests.rules.rewriting import run

CODE = "RK701"
INT8 = Target(precision="w8a8")

ADDED = "mask = Where(keep, zero, fill) masked = Add(s, mask)"
TIMES = "mask = Mul(lost, fill) masked = Add(mask, s)"
CHOSEN = "masked = Where(keep, s, fill)"
CHOSEN_OTHERWISE = "out = Not(keep) masked = Where(out, fill, s)"
MOVED = "a = Where(keep, zero, fill) mask = Transpose<perm = [0, 1, 2, 3]>(a) masked = Add(s, mask)"
BODIES = (ADDED, TIMES, CHOSEN, CHOSEN_OTHERWISE, MOVED)


def model(body: str, fill: float = -1e4, more: str = "") -> str:
    return f"""g (bool[1, 1, 1, 6] keep, float[1, 1, 1, 6] lost, float[1, 2, 6, 6] s) => (float[1, 2, 6, 6] y{more})
    <float zero = {{0}}, float fill = {{{fill}}}> {{
        {body}
        y = Softmax(masked)
    }}"""


def samples(scale: float = 3.0, count: int = 4, seed: int = 0) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        keep = np.arange(6)[None, None, None] < 2 + number % 4
        scores = random.uniform(-1, 1, size=(1, 2, 6, 6)).astype(np.float32) * np.float32(scale)
        made.append({"keep": keep, "lost": (~keep).astype(np.float32), "s": scores})
    return made


RULES = RuleSet("test", "2.3.2", (CODE,), allow=frozenset({Safety.FP16_RANGE}))


def fixed(text: str, folder: Path, given: list[dict[str, np.ndarray]], proof: str = "local") -> FixOutcome:
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    return fix_model(Model.load(path), INT8, RULES, Options(), proof=proof, settings=FixSettings(samples=given))


def lowest_constant(outcome: FixOutcome) -> float:
    main = outcome.model.view().main
    names = {name for node in main.nodes for name in node.inputs if main.constant(name) is not None}
    return min(float(v) for name in names for v in main.constant(name).values)  # type: ignore[union-attr]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("scale", [0.5, 8.0])
def test_masked_scores_are_next_to_nothing_on_the_samples(body: str, scale: float, tmp_path: Path) -> None:
    given = samples(scale)
    outcome = fixed(model(body), tmp_path, given, "model")
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert {fix.safety for fix in outcome.fixes.applied} == {Safety.FP16_RANGE}
    assert outcome.after.diagnostics == ()
    after = outcome.model.proto(weights=True)
    for feeds in given:
        used = {i.name: feeds[i.name] for i in after.graph.input}
        y, expected = (np.asarray(run(m, used)[0], np.float64) for m in (after, parse(model(body))))
        assert (y * ~feeds["keep"]).sum(-1).max() <= 2.0**-10
        np.testing.assert_allclose(y, expected, atol=2.0**-10)


def test_the_fill_follows_the_scores(tmp_path: Path) -> None:
    fills = [lowest_constant(fixed(model(TIMES), tmp_path, samples(scale))) for scale in (0.5, 4.0, 30.0)]
    assert -25 < fills[0] < -8
    assert fills[0] > fills[1] > fills[2]


def test_a_fixed_model_is_left_as_it_is(tmp_path: Path) -> None:
    outcome = fixed(model(MOVED), tmp_path, samples())
    again = tmp_path / "again"
    again.mkdir()
    outcome.model.save(again / "model.onnx")
    path = again / "model.onnx"
    second = fix_model(Model.load(path), INT8, RULES, Options(), proof="local", settings=FixSettings(samples=samples()))
    assert second.fixes.applied == ()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 40), st.sampled_from(BODIES))
def test_new_samples_like_the_old_ones_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scale: float, body: str
) -> None:
    outcome = fixed(model(body), tmp_path_factory.mktemp("rk701"), samples(scale, 8, seed))
    after = outcome.model.proto(weights=True)
    for feeds in samples(scale * 0.7, 4, seed + 1):
        used = {i.name: feeds[i.name] for i in after.graph.input}
        y, expected = (np.asarray(run(m, used)[0], np.float64) for m in (after, parse(model(body))))
        np.testing.assert_allclose(y, expected, atol=0.05)


def test_a_bias_that_was_learnt_stays(tmp_path: Path) -> None:
    text = """g (bool[1, 1, 1, 6] keep, float[1, 1, 1, 6] lost, float[1, 2, 6, 6] s) => (float[1, 2, 6, 6] y)
    <float zero = {0}, float fill = {-10000}, float[6] bias = {0, -5, -10, -60, -20, -25}> {
        a = Where(keep, zero, fill) mask = Add(a, bias) masked = Add(s, mask) y = Softmax(masked)
    }"""
    outcome = fixed(text, tmp_path, samples())
    assert lowest_constant(outcome) <= -60
    assert {proof.outcome for proof in outcome.proofs} <= {"proved", "skipped"}


def test_without_samples_the_option_is_named(tmp_path: Path) -> None:
    (refused,) = fixed(model(ADDED), tmp_path, []).fixes.refused
    assert refused.needs == "--calibration SAMPLES.npz"


def test_what_else_reads_the_mask_is_refused(tmp_path: Path) -> None:
    text = model(ADDED + " r = Relu(mask)", more=", float[1, 1, 1, 6] r")
    (refused,) = fixed(text, tmp_path, samples()).fixes.refused
    assert "Relu" in refused.reason


@pytest.mark.parametrize("precision", ["fp16", "w8a8"])
def test_only_quantized_builds_are_concerned(precision: str) -> None:
    found = diagnostics(model(ADDED), CODE, target=Target(precision=precision))
    assert len(found) == (precision == "w8a8")


@pytest.mark.parametrize("fill", [-30.0, -999.0])
def test_a_low_bias_is_no_fill(fill: float) -> None:
    assert diagnostics(model(ADDED, fill), CODE, target=INT8) == ()


@pytest.mark.toolkit
def test_the_quantized_simulator_gains_by_it(tmp_path: Path) -> None:
    text = """g (float[1, 1, 1, 6] lost, float[1, 2, 6, 6] s, float[1, 2, 6, 8] v) => (float[1, 2, 6, 8] y)
    <float fill = {-10000}, float one = {1}> {
        scores = Mul(s, one) mask = Mul(lost, fill) masked = Add(scores, mask) p = Softmax(masked) y = MatMul(p, v)
    }"""
    random = np.random.default_rng(0)
    given = [
        {"lost": c["lost"], "s": c["s"], "v": random.normal(size=(1, 2, 6, 8)).astype(np.float32)} for c in samples()
    ]
    after = fixed(text, tmp_path, given).model.proto(weights=True)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        plain = quantized_likeness(worker, parse(text), parse(text), given, tmp_path / "before")
        tamed = quantized_likeness(worker, after, parse(text), given, tmp_path / "after")
    assert plain < 0.98 < tamed, (plain, tamed)
