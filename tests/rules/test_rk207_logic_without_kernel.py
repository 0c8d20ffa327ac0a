from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK207"


@pytest.mark.parametrize("op", ["Or", "Xor"])
@pytest.mark.parametrize(
    ("one", "other"),
    [("2,3", "2,3"), ("3,4,5", "5"), ("1,4,1,6", "3,1,5,6"), ("1", "2"), ("2,1,2,1,2", "2,2,1,2,2")],
)
@pytest.mark.parametrize("opset", [7, 13, 19])
def test_it_is_the_same_for_all_truth_values(op: str, one: str, other: str, opset: int) -> None:
    shapes = [tuple(int(n) for n in text.split(",") if n) for text in (one, other)]
    shape = np.broadcast_shapes(*shapes)
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
        g (bool[{one}] a, bool[{other}] b) => (bool[{",".join(map(str, shape))}] y) {{ y = {op}(a, b) }}"""
    random = np.random.default_rng(0)
    feeds = {name: np.asarray(random.random(s) > 0.5) for name, s in zip("ab", shapes, strict=True)}
    after, _ = fixed(text, CODE)
    assert {"Or", "Xor"}.isdisjoint(operators(after))
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize("order", ["Greater", "Less"])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_comparison_in_two_parts_is_put_together(order: str, swapped: bool) -> None:
    parts = "o, e" if not swapped else "e, o"
    text = f"g (float[9] a, float[9] b) => (bool[9] y) {{ o = {order}(a, b) e = Equal(b, a) y = Or({parts}) }}"
    after, _ = fixed(text, CODE)
    assert operators(after) == [f"{order}OrEqual"]
    numbers = np.array(list(product([0.0, 1.0, np.nan], repeat=2)), np.float32)
    feeds = {"a": numbers[:, 0], "b": numbers[:, 1]}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize("rest", ["o = Greater(a, b) e = Equal(a, c)", "o = Greater(a, b) e = Less(a, b)"])
def test_other_comparisons_are_not(rest: str) -> None:
    text = f"g (float[9] a, float[9] b, float[9] c) => (bool[9] y) {{ {rest} y = Or(o, e) }}"
    assert operators(fixed(text, CODE)[0])[-2:] == ["Add", "Cast"]


def test_before_opset_12_there_is_no_such_comparison() -> None:
    text = """<ir_version: 6, opset_import: ["" : 11]>
        g (float[9] a, float[9] b) => (bool[9] y) { o = Greater(a, b) e = Equal(a, b) y = Or(o, e) }"""
    assert operators(fixed(text, CODE)[0])[-1] == "Cast"


def test_rank_six_is_refused() -> None:
    shape = "1,1,1,1,1,2"
    (refusal,) = fixed(f"g (bool[{shape}] a, bool[{shape}] b) => (bool[{shape}] y) {{ y = Or(a, b) }}", CODE)[1]
    assert isinstance(refusal, Refusal)


def test_what_has_a_kernel_is_left_alone() -> None:
    assert diagnostics("g (bool[4] a, bool[4] b) => (bool[4] y) { c = And(a, b) y = Not(c) }", CODE) == ()
