from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK202"

SDPA = """g (int64[1, 8] mask, float[1, 2, 8, 8] s) => (float[1, 2, 8, 8] y, float[1, 2, 8, 8] z)
<int64[2] axes = {1, 2}, int64[4] shape = {1, 1, 8, 8}, float one = {1}, float fill = {-10000}> {
    rows = Unsqueeze(mask, axes)
    square = Expand(rows, shape)
    kept = Cast<to = 1>(square)
    lost = Sub(one, kept)
    drop = Cast<to = 9>(lost)
    added = Where(drop, fill, lost)
    first = Add(s, added)
    y = Softmax(first)
    second = Add(added, s)
    z = Softmax(second)
}"""


def feeds(mask: list[int]) -> dict[str, np.ndarray]:
    scores = np.random.default_rng(1).normal(size=(1, 2, 8, 8)).astype(np.float32)
    return {"mask": np.array([mask], dtype=np.int64), "s": scores}


def test_the_chain_is_one_finding_at_its_end_and_explains_all_of_it() -> None:
    (found,) = diagnostics(SDPA, CODE)
    assert found.at.op == "Where"
    assert found.observed["chain"] == ["Unsqueeze", "Expand", "Cast", "Sub", "Cast", "Where"]


@pytest.mark.parametrize(
    "mask", [[1] * 8, [1, 1, 1, 0, 0, 0, 0, 0], [0] * 8, [2, -1, 0, 1, 5, 1, -(2**63), 2**63 - 1]], ids=str
)
def test_all_readers_get_the_small_mask_and_equal_results(mask: list[int]) -> None:
    after, _ = fixed(SDPA, CODE)
    for a, b in zip(run(SDPA, feeds(mask)), run(after, feeds(mask)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert operators(after).count("Clip") == 1
    assert not {"Expand", "Where"} & set(operators(after))


def test_a_bool_mask_needs_no_clipping() -> None:
    model = """g (bool[1, 1, 1, 4] keep, float[1, 2, 4, 4] s) => (float[1, 2, 4, 4] y)
    <int64[4] shape = {1, 1, 4, 4}, float zero = {0}, float fill = {-10000}> {
        square = Expand(keep, shape)
        drop = Not(square)
        added = Where(drop, fill, zero)
        masked = Add(s, added)
        y = Softmax(masked)
    }"""
    after, _ = fixed(model, CODE)
    assert operators(after) == ["Cast", "Sub", "Mul", "Add", "Softmax"]


def test_a_mask_that_is_also_an_output_keeps_its_shape() -> None:
    model = SDPA.replace("float[1, 2, 8, 8] z)", "float[1, 2, 8, 8] z, float[1, 1, 8, 8] added)")
    after, _ = fixed(model, CODE)
    before_, after_ = run(model, feeds([1, 1, 0, 0, 1, 0, 0, 3])), run(after, feeds([1, 1, 0, 0, 1, 0, 0, 3]))
    assert after_[2].shape == (1, 1, 8, 8)
    np.testing.assert_array_equal(before_[2], after_[2])


def test_an_infinite_fill_is_left_to_rk203() -> None:
    infinite = SDPA.replace("fill = {-10000}", "fill = {-inf}")
    assert "Where" not in [found.at.op for found in diagnostics(infinite, CODE)]
    both, _ = fixed(infinite, "RK203", CODE)
    assert operators(both).count("Clip") == 1


def test_old_opsets_are_refused() -> None:
    model = """<ir_version: 5, opset_import: ["" : 10]>
    g (int64[1, 8] mask, float[1, 8] s) => (float[1, 8] y) <float zero = {0}, float fill = {-10000}> {
        keep = Cast<to = 9>(mask)
        drop = Not(keep)
        added = Where(drop, fill, zero)
        y = Add(s, added)
    }"""
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "opset 10" in refusal.reason
