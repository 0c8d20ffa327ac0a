from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, run

CODE = "RK214"


@pytest.mark.parametrize(
    ("c", "a", "b", "y"),
    [("2,3,2,2,4", "2,3,2,2,4", "2,3,2,2,4", "2,3,2,2,4"), ("4", "2,3,2,2,4", "1", "2,3,2,2,4"),
     ("3,1,2,1", "2,3,2,2,4", "2,1,1,1,1", "2,3,2,2,4"), ("2,1,3,1,2,4", "2,2,3,2,2,4", "1,1,1,2,1,1", "2,2,3,2,2,4")],
)  # fmt: skip
def test_the_same_elements_are_chosen(c: str, a: str, b: str, y: str) -> None:
    text = f"g (bool[{c}] c, float[{a}] a, float[{b}] b) => (float[{y}] y) {{ y = Where(c, a, b) }}"
    random = np.random.default_rng(0)
    feeds = {n: random.normal(size=[int(d) for d in s.split(",")]).astype(np.float32) for n, s in (("a", a), ("b", b))}
    feeds["a"].flat[::2], feeds["b"].flat[::3] = np.nan, np.inf
    feeds["c"] = random.random([int(d) for d in c.split(",")]) > 0.5
    after, edits = fixed(text, CODE)
    assert len(edits) == 1
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    where = next(node for node in after.graph.node if node.op_type == "Where")
    shapes = {node.output[0]: node for node in after.graph.node if node.op_type == "Reshape"}
    assert set(where.input) <= shapes.keys()


@pytest.mark.parametrize("shape", ["2,3,4,5", "1,3,2,4,5"])
def test_what_runs_is_left_alone(shape: str) -> None:
    text = f"g (bool[{shape}] c, float[{shape}] a, float[{shape}] b) => (float[{shape}] y) {{ y = Where(c, a, b) }}"
    assert diagnostics(text, CODE) == ()
