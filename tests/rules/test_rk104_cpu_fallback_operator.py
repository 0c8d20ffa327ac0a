from __future__ import annotations

from rkgraph.diagnostics import Device, Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rulebook.builders import op, table
from tests.rules.harness import view_of
from tests.rules.judged import Case, by_entry, not_where_a_limit_says_so

CASE = Case("RK104", "cpu", Verdict.DEPLOYABLE, Device.CPU)


def test_an_operator_that_always_ends_so_is_found() -> None:
    by_entry(CASE)


def test_a_limit_that_says_so_is_another_rules_business() -> None:
    not_where_a_limit_says_so(CASE)


def test_arithmetic_on_dynamic_shapes_is_induced_by_the_dynamic_input() -> None:
    model = """g (float[n, 4] x, int64[1, 8] ids) => (int64[1] y, int64[1, 8] z) {
        shape = Shape<end = 1>(x)
        y = Neg(shape)
        z = Neg(ids)
    }"""
    neg_on_cpu = table(op("Shape", "npu"), op("Neg", "cpu"))
    ruleset = RuleSet("test", "2.3.2", ("RK104", "RK301"))
    result = lint_view(view_of(model), Target(), ruleset, table=neg_on_cpu)
    found = {d.at.value or d.at.node: d for d in result.diagnostics}
    assert found["x"].code == "RK301"
    assert found["Neg→y"].induced_by == found["x"].fingerprint
    assert found["Neg→z"].cause
