from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK140"


@settings(max_examples=25, deadline=None)
@given(
    op=st.sampled_from(["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"]),
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    reduction=st.sampled_from(["none", "sum", "mean"]),
    weighted=st.booleans(),
    ignored=st.sampled_from([None, 0, 1, -100, -1, 77]),
    opset=st.sampled_from([12, 13, 18]),
    kind=st.sampled_from([np.int32, np.int64]),
    seed=st.integers(0, 2**31),
)
def test_every_form_gives_the_same_loss(
    *, op: str, shape: list[int], reduction: str, weighted: bool, ignored: int | None, opset: int, kind: type, seed: int
) -> None:
    random = np.random.default_rng(seed)
    labels: npt.NDArray[Any] = random.integers(0, shape[1], (shape[0], *shape[2:])).astype(kind)
    if ignored is not None:
        labels[random.random(labels.shape) < 0.3] = ignored
    if ignored is not None and not 0 <= ignored < shape[1]:
        labels[tuple([0] * labels.ndim)] = 0
    inputs = {"x": random.normal(size=shape).astype(np.float32), "t": labels}
    if weighted:
        inputs["w"] = random.uniform(0.5, 2, shape[1]).astype(np.float32)
    said = {"reduction": reduction} | ({} if ignored is None else {"ignore_index": ignored})
    outputs = ["y"] if op.startswith("Neg") else ["y", "log_prob"]
    model = one_node(op, inputs, said, opset=opset, outputs=outputs)
    assert_lowered(model, CODE, inputs, gone=op)


def test_what_is_impossible_does_not_spoil_what_is_chosen() -> None:
    inputs = {"x": np.array([[-0.1, -np.inf], [-np.inf, 0]], np.float32), "t": np.array([0, 1])}
    assert_lowered(one_node("NegativeLogLikelihoodLoss", inputs, {"reduction": "none"}), CODE, inputs)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats(dtype: type) -> None:
    inputs = {"x": np.random.default_rng(0).normal(size=(4, 3)).astype(dtype), "t": np.array([0, 2, 1, 1])}
    rough = 1e-2 if dtype is np.float16 else 1e-9
    assert_lowered(one_node("SoftmaxCrossEntropyLoss", inputs), CODE, inputs, rtol=rough, atol=rough)


def test_a_dynamic_shape_is_refused() -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    g (float[N, 5] x, int64[N] t) => (float y) { y = NegativeLogLikelihoodLoss(x, t) }"""
    assert "--shape" in refusal_of(text, CODE)


def test_the_engine_proves_it(tmp_path: object) -> None:
    from tests.engine.fixing import fix_text

    inputs = {"x": np.zeros((4, 3), np.float32), "t": np.array([0, 2, 1, 1])}
    outcome = fix_text(one_node("SoftmaxCrossEntropyLoss", inputs), tmp_path, CODE)  # type: ignore[arg-type]
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
