"""Rows of attention that a mask covers as a whole: they are not compared, and everything else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from rkgraph.analysis.evaluator import Evaluator
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.proof.masked_rows import NOISES, WHY, following, with_other_shares
from rkgraph.proof.whole import WholeClaim, prove_model
from rkgraph.results import Proof
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target

Array = npt.NDArray[np.generic]

SIZE, WIDTH = 12, 4
LOWEST = -3.4028235e38
TEXT = """<ir_version: 8, opset_import: ["" : OPSET]>
agraph (int64[1, 12] mask, float[12, 4] q, float[4, 12] k, float[12, 4] v) => (float[R, 4] y)
<float zero = {0}, float fill = {FILL}>
{
    set = Cast <to = 1> (mask)
    visible = Mul(window, set)
    keep = Cast <to = 9> (visible)
    added = Where(keep, zero, fill)
    scores = MatMul(q, k)
    masked = Add(scores, added)
    shares = Softmax <axis = -1> (masked)
    rows = MatMul(shares, v)
    y = LAST(rows)
}
"""
MEAN = "ReduceMean <axes = [0], keepdims = 1>"


def attention(band: Array, fill: float = LOWEST, opset: int = 17, last: str = "Identity") -> onnx.ModelProto:
    """Attention of one head; `band` says with 1 which keys the window of a query holds."""
    text = TEXT.replace("OPSET", str(opset)).replace("LAST", last).replace("R,", "1," if last == MEAN else "12,")
    model = onnx.parser.parse_model(text.replace("{FILL}", "{0}"))
    for tensor in model.graph.initializer:
        if tensor.name == "fill":
            tensor.CopyFrom(numpy_helper.from_array(np.array(fill, np.float32), "fill"))
    model.graph.initializer.append(numpy_helper.from_array(band.astype(np.float32), "window"))
    onnx.checker.check_model(model)
    return model


def sliding(width: int) -> Array:
    """Each query sees itself and the `width` - 1 keys before it."""
    distance = np.arange(SIZE)[:, None] - np.arange(SIZE)
    return (distance >= 0) & (distance < width)


def feeds(mask: Array) -> dict[str, Array]:
    random = np.random.default_rng(0)
    floats = {name: random.normal(size=(SIZE, WIDTH)).astype(np.float32) for name in ("q", "v")}
    return {**floats, "k": random.normal(size=(WIDTH, SIZE)).astype(np.float32), "mask": mask.reshape(1, SIZE)}


def proof_of(
    folder: Path,
    fill: float,
    mask: Array | None,
    saturates: float | None,
    *,
    last: str = "Identity",
    width: int = 4,
) -> Proof:
    """The whole-model proof of a sliding window, filled with `fill` instead."""
    original, fixed = folder / "original.onnx", folder / "fixed.onnx"
    for path, number in ((original, LOWEST), (fixed, fill)):
        path.write_bytes(attention(sliding(width), number, last=last).SerializeToString())
    real = () if mask is None else (feeds(mask),)
    return prove_model(WholeClaim(original, Model.load(fixed), real=real, saturates=saturates), "p1", None)


FIVE = (np.arange(SIZE) < 5).astype(np.int64)  # rows 8 to 11 see nothing


def fix(folder: Path, model: onnx.ModelProto) -> FixOutcome:
    path = folder / "window.onnx"
    path.write_bytes(model.SerializeToString())
    rules = [replace(r, card=replace(r.card, after=())) for r in load_rules() if r.code == "RK203"]
    ruleset = RuleSet("test", "2.3.2", ("RK203",), allow=frozenset({Safety.FP16_RANGE}))
    return fix_model(Model.load(path), Target(), ruleset, Options(), settings=FixSettings(rules=rules))


@pytest.mark.parametrize("opset", [11, 13, 17, 18])
@pytest.mark.parametrize("fill", [LOWEST, -1e9, -np.inf])
def test_a_sliding_window_over_padding_is_fixed(tmp_path: Path, fill: float, opset: int) -> None:
    outcome = fix(tmp_path, attention(sliding(4), fill, opset))
    (whole,) = (proof for proof in outcome.proofs if proof.kind == "model")
    assert [applied.code for applied in outcome.fixes.applied] == ["RK203"]
    # of twelve keys, eight and four are set: row 11, and rows 7 to 11 see nothing
    assert (whole.outcome, whole.cases, whole.detail) == ("proved", 3, f"24 of 144 results {WHY}")


def test_where_each_row_sees_a_key_nothing_is_set_aside(tmp_path: Path) -> None:
    outcome = fix(tmp_path, attention(sliding(SIZE)))
    (whole,) = (proof for proof in outcome.proofs if proof.kind == "model")
    assert (whole.outcome, whole.cases, whole.detail) == ("proved", 3, "")


@pytest.mark.parametrize("mask", [None, FIVE], ids=["made up", "real"])
@pytest.mark.parametrize(
    ("fill", "saturates", "outcome"),
    [
        (-1e4, 6e3, "proved"),
        (-1e4, None, "refuted"),  # no fix said that it changes a fill
        (-5.0, 6e3, "refuted"),  # masked keys keep a share of rows that see others
        (0.0, 6e3, "refuted"),
    ],
)
def test_rows_that_see_a_key_are_compared(
    tmp_path: Path, mask: Array | None, fill: float, saturates: float | None, outcome: str
) -> None:
    assert proof_of(tmp_path, fill, mask, saturates).outcome == outcome


def test_where_everything_follows_from_such_rows_nothing_is_proved(tmp_path: Path) -> None:
    found = proof_of(tmp_path, -1e4, FIVE, 6e3, last=MEAN)
    assert (found.outcome, "all results" in found.detail) == ("skipped", True)


def test_a_case_of_nothing_but_such_results_is_left_out(tmp_path: Path) -> None:
    found = proof_of(tmp_path, -1e4, None, 6e3, last=MEAN, width=6)
    assert (found.outcome, found.cases) == ("proved", 2)
    assert found.detail == f"1 of 3 cases left out; random 2, 33% of the mask set: all results {WHY}"


def test_a_model_without_softmax_has_no_such_rows(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    text = '<ir_version: 8, opset_import: ["" : 17]> agraph (float[2] x) => (float[2] y) { y = Relu(x) }'
    path.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    assert not with_other_shares(path, 6e3, tmp_path / "shaken.onnx")


bits = st.lists(st.booleans(), min_size=SIZE, max_size=SIZE)


@settings(max_examples=25, deadline=None)
@given(band=st.lists(bits, min_size=SIZE, max_size=SIZE), mask=bits, fill=st.sampled_from([LOWEST, -1e4]))
def test_what_follows_is_just_the_rows_that_see_no_key(band: list[list[bool]], mask: list[bool], fill: float) -> None:
    with TemporaryDirectory() as folder:
        original, shaken = Path(folder) / "original.onnx", Path(folder) / "shaken.onnx"
        original.write_bytes(attention(np.array(band), fill).SerializeToString())
        assert with_other_shares(original, 6e3, shaken)
        inputs = feeds(np.array(mask, np.int64))
        other = Evaluator(shaken, 1)
        noisy = [other.run(inputs) for _ in range(NOISES)]
        found = following(Evaluator(original, 1).run(inputs), noisy)
    blind = ~(np.array(band) & np.array(mask)).any(axis=1)
    assert np.array_equal(found["y"], np.repeat(blind[:, None], WIDTH, axis=1))
    assert not blind.any() or not np.array_equal(noisy[0]["y"], noisy[1]["y"])
