from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import Array, assert_same, floats, microsoft
from tests.rules.rewriting import fixed, run

CODE = "RK531"
LONGEST = 24  # rows of the tables of cosines and sines

NAMES = ("q", "k", "v", "past_k", "past_v", "lengths", "total", "cos", "sin", "ids", "bias", "sink")


def grouped(
    feeds: dict[str, Array], constants: dict[str, Array], sizes: tuple[int, ...], **attributes: Any
) -> onnx.ModelProto:
    """A model of one node; `sizes` are those of the batch, the steps, heads, groups, a head's width and the cache."""
    batch, steps, heads, groups, width, rows = sizes
    inputs = [name if name in feeds or name in constants else "" for name in NAMES]
    while not inputs[-1]:
        inputs.pop()
    outputs = {"y": (batch, steps, heads * width)} | dict.fromkeys(("new_k", "new_v"), (batch, groups, rows, width))
    return microsoft(
        "GroupQueryAttention", inputs, outputs, fed=feeds, constants=constants, num_heads=heads, kv_num_heads=groups,
        **attributes,
    )  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> tuple[onnx.ModelProto, dict[str, Array]]:
    groups, width = draw(st.integers(1, 2)), draw(st.sampled_from([16, 32]))
    heads, kind = groups * draw(st.integers(1, 3)), draw(st.sampled_from(["prompt", "step", "chunk"]))
    batch = 1 if kind == "chunk" else draw(st.integers(1, 2))
    steps = 1 if kind == "step" else draw(st.integers(2, 5))
    before = draw(st.integers(steps, 7)) if kind != "prompt" else draw(st.sampled_from([None, None, 9]))
    total = steps if before is None or kind == "prompt" else before + steps
    if kind != "prompt" and before is not None and before > steps and draw(st.booleans()):
        total = draw(st.integers(steps + 1, before))  # places of a cache that does not grow
    least, most = (1 if kind == "prompt" else steps), total
    lengths = [draw(st.integers(least, most)) - 1 for _ in range(batch)]
    if draw(st.booleans()):
        lengths = [total - 1] * batch
    counts = {"q": heads, "k": groups, "v": groups}
    values = {name: floats(at, batch, steps, n * width) for at, (name, n) in enumerate(counts.items())}
    if draw(st.booleans()):
        values = {"q": np.concatenate([values[name] for name in "qkv"], 2)}
    if before is not None:
        values |= {name: floats(at, batch, groups, before, width) for at, name in ((3, "past_k"), (4, "past_v"))}
    constants = {"total": np.array(total, "i4")}
    where = constants if len(set(lengths)) == 1 and draw(st.booleans()) else values
    where["lengths"] = np.array(lengths, "i4")
    attributes: dict[str, Any] = {}
    if draw(st.booleans()):
        part = draw(st.sampled_from([8, width // 2]))
        if draw(st.booleans()) and (batch == 1 or steps == 1):
            first = np.random.default_rng(9).integers(0, LONGEST - steps, (batch, 1))
            values["ids"] = first + np.arange(steps)
        constants |= {name: floats(at, LONGEST, part, spread=0.7) for at, name in ((5, "cos"), (6, "sin"))}
        attributes |= {"do_rotary": 1, "rotary_interleaved": draw(st.integers(0, 1))}
    if draw(st.integers(0, 3)) == 0:
        values["bias"] = floats(7, draw(st.sampled_from([1, batch])), draw(st.sampled_from([1, heads])), steps, total)
    if draw(st.integers(0, 3)) == 0:
        constants["sink"] = floats(8, heads)
    for name, value in (("local_window_size", 3), ("scale", 0.3), ("softcap", 2.0), ("smooth_softmax", 1)):
        padded = kind == "prompt" and (where is values or min(lengths) < total - 1)
        if draw(st.integers(0, 2)) == 0 and not (padded and name == "local_window_size"):
            attributes[name] = value
    sizes = (batch, steps, heads, groups, width, max(total, before or 0))
    return grouped(values, constants, sizes, **attributes), values


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_it_computes_what_onnx_runtime_computes(case: tuple[onnx.ModelProto, dict[str, Array]]) -> None:
    model, feeds = case
    assert_same(model, feeds, CODE, atol=5e-5)


def decoder() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """As GenAI's builder exports it: the lengths are counted in the mask, the total is its width."""
    text = """<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[1, 1, 64] q, float[1, 1, 32] k, float[1, 1, 32] v, float[1, 2, 7, 16] past_k, float[1, 2, 7, 16] past_v,
       int64[1, 8] mask) => (float[1, 1, 64] y, float[1, 2, 8, 16] new_k, float[1, 2, 8, 16] new_v)
    <int64 one = {1}, int64 at = {1}, int64[1] axis = {1}> {
        counted = ReduceSum<keepdims = 0>(mask, axis)
        last = Sub(counted, one)
        lengths = Cast<to = 6>(last)
        shape = Shape(mask)
        size = Gather<axis = 0>(shape, at)
        total = Cast<to = 6>(size)
        y, new_k, new_v = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2, do_rotary = 1>
            (q, k, v, past_k, past_v, lengths, total, cosines, sines)
    }"""
    model = onnx.parser.parse_model(text)
    for name, seed in (("cosines", 5), ("sines", 6)):
        model.graph.initializer.append(onnx.numpy_helper.from_array(floats(seed, LONGEST, 8), name))
    shapes = {"q": (1, 1, 64), "k": (1, 1, 32), "v": (1, 1, 32), "past_k": (1, 2, 7, 16), "past_v": (1, 2, 7, 16)}
    feeds = {name: floats(at, *shape) for at, (name, shape) in enumerate(shapes.items())}
    return model, feeds | {"mask": np.ones((1, 8), "i8")}


@pytest.mark.parametrize("tokens", [8, 5, 1])
def test_lengths_that_are_counted_in_the_mask(tokens: int, tmp_path: Path) -> None:
    model, feeds = decoder()
    outcome = fix_text(model, tmp_path, "RK303", CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert CODE in [fix.code for fix in outcome.fixes.applied]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    feeds["mask"][:, tokens:] = 0
    for old, new in zip(run(model, feeds), run(outcome.model.proto(weights=True), feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), atol=2e-5)


def values(batch: int = 1, width: int = 16, before: int = 3) -> dict[str, Array]:
    shapes: dict[str, tuple[int, ...]] = {"q": (batch, 1, 2 * width), "k": (batch, 1, width), "v": (batch, 1, width)}
    shapes |= dict.fromkeys(("past_k", "past_v"), (batch, 1, before, width))
    return {name: floats(at, *shape) for at, (name, shape) in enumerate(shapes.items())}


REFUSED: list[tuple[dict[str, Array], dict[str, Array], dict[str, Any], str]] = [
    ({"total": np.array(4, "i4")}, {"lengths": np.array([3], "i4")}, {}, "total is computed"),
    ({}, {"lengths": np.array([3, 2], "i4"), "total": np.array(4, "i4")}, {}, "different lengths"),
    ({}, {"lengths": np.array([3], "i4"), "total": np.array(4, "i4")}, {"qk_output": 1}, "qk_output"),
    ({}, {"lengths": np.array([9], "i4"), "total": np.array(4, "i4")}, {}, "do not fit"),
    (
        {},
        {"lengths": np.array([3], "i4"), "total": np.array(4, "i4"), "cos": floats(5, 2, 8), "sin": floats(6, 2, 8)},
        {"do_rotary": 1},
        "not enough for 4",
    ),
]


@pytest.mark.parametrize(("fed", "constants", "attributes", "why"), REFUSED)
def test_what_is_not_written_is_refused(
    fed: dict[str, Array], constants: dict[str, Array], attributes: dict[str, Any], why: str
) -> None:
    batch = len(constants["lengths"])
    model = grouped(values(batch) | fed, constants, (batch, 1, 2, 1, 16, 4), **attributes)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert why in refusal.reason


def test_computed_lengths_beyond_what_fp16_counts_are_refused() -> None:
    feeds = values(before=2048) | {"lengths": np.array([7], "i4")}
    model = grouped(feeds, {"total": np.array(2049, "i4")}, (1, 1, 2, 1, 16, 2049))
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "2048" in refusal.reason
