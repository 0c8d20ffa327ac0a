from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety, Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.rules.rk305_degenerate_input_shape import MOST_ELEMENTS
from rkgraph.targets import Target
from tests.engine.fixing import fix_text
from tests.rulebook.builders import op, table
from tests.rules.harness import diagnostics, lint_text, view_of
from tests.rules.rewriting import run

CODE = "RK305"


@pytest.mark.parametrize("shape", ["", "[0]", "[0, 4]", "[n, 0]"])
def test_scalars_and_empty_tensors_are_found(shape: str) -> None:
    model = f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}"
    (found,) = diagnostics(model, CODE)
    assert found.at.value == "x"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("shape", ["[1]", "[1, 1]", "[n, 4]", "[1, 4]"])
def test_what_has_elements_is_not(shape: str) -> None:
    assert diagnostics(f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}", CODE) == ()


def test_each_input_is_found() -> None:
    model = "g (float a, float[4] b, float[0] c) => (float[4] y, float[0] z) { y = Mul(a, b) z = Neg(c) }"
    assert [d.at.value for d in diagnostics(model, CODE)] == ["a", "c"]


def test_an_input_that_nothing_reads_is_dropped_in_time() -> None:
    assert diagnostics("g (float a, float[0] b, float[4] x) => (float[4] y) { y = Neg(x) }", CODE) == ()


@pytest.mark.parametrize(("version", "count"), [("2.2.0", 1), ("2.3.0", 1), ("2.3.2", 1), ("2.5.0", 0)])
def test_versions_differ_about_scalars_of_floats(version: str, count: int) -> None:
    view = view_of("g (float a, float[4] b) => (float[4] y) { y = Mul(a, b) }")
    result = lint_view(
        view, Target("rk3588", version), RuleSet("test", version, (CODE,)), table=table(op("Mul", "npu"))
    )
    assert len(result.diagnostics) == count


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("y = Trilu(x, k) z = Tanh(w)", 1),
        ("y = Trilu(x, k) z = Trilu(w)", 0),
        ("y = Gather(x, k) z = Tanh(w)", 0),
    ],
    ids=["another node is rewritten", "nothing is", "a reader that takes scalars"],
)
def test_other_scalars_become_stale_with_2_3_2_where_a_node_is_rewritten(body: str, count: int) -> None:
    known = table(op("Trilu", "no-kernel"), op("Tanh", "npu"), op("Gather", "cpu"))
    model = f"g (float[3, 3] x, float[3, 3] w, int64 k) => (float[a, b] y, float[3, 3] z) {{ {body} }}"
    found = [
        len(lint_view(view_of(model), Target("rk3588", v), RuleSet("test", v, (CODE,)), table=known).diagnostics)
        for v in ("2.3.0", "2.3.2", "2.5.0")
    ]
    assert found == [0, count, 0]


@pytest.mark.parametrize("shape", [f"[{2**62}]", f"[n, {2**32}]", "[65536, 65536]", f"[{MOST_ELEMENTS + 1}]"])
def test_more_elements_than_the_runtime_can_count_are_found(shape: str) -> None:
    model = f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}"
    (found,) = diagnostics(model, CODE)
    assert (found.at.value, found.limit) == ("x", {"elements": MOST_ELEMENTS})
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("shape", [f"[{MOST_ELEMENTS}]", "[65536, 65535]"])
def test_as_many_as_it_can_count_are_not(shape: str) -> None:
    assert diagnostics(f"g (float{shape} x) => (float{shape} y) {{ y = Relu(x) }}", CODE) == ()


@pytest.mark.parametrize(
    "text",
    [
        "g (float[2, 4] x, float k) => (float[2, 4] y) { y = Mul(x, k) }",
        """g (float[2, 4] x, float k) => (float[2, 4] y) { c = Constant<value = bool {1}>() y = If(c) <
            then_branch = t () => (float[2, 4] a) { a = Mul(x, k) },
            else_branch = e () => (float[2, 4] b) { b = Add(x, k) }> }""",
        "g (float x, float k) => (float y) { y = Sub(x, k) }",
    ],
    ids=["read by a node", "read by a branch", "nothing but scalars"],
)
def test_a_scalar_becomes_a_vector_of_one_number(text: str, tmp_path: Path) -> None:
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.INTERFACE}))
    assert outcome.fixes.applied
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert "model" in {proof.kind for proof in outcome.proofs}
    before, after = view_of(text).main, outcome.model.view().main
    assert after.value("k").shape == (1,)
    feeds = {n: np.full(before.value(n).shape or (), i + 2, np.float32) for i, n in enumerate(before.inputs)}
    (expected,) = run(text, feeds)
    (found,) = run(outcome.model.proto(weights=True), {n: np.atleast_1d(a) for n, a in feeds.items()})
    np.testing.assert_array_equal(found, expected)


def test_without_leave_a_scalar_stays(tmp_path: Path) -> None:
    outcome = fix_text("g (float[2] x, float k) => (float[2] y) { y = Mul(x, k) }", tmp_path, CODE)
    assert [refused.needs for refused in outcome.fixes.refused] == ["--allow interface"]
