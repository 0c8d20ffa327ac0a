"""RK101 to RK104 say what the op table says of operators: the same checks hold for each outcome."""

from __future__ import annotations

from dataclasses import dataclass

from rkgraph.diagnostics import Device, Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.results import Result
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target
from tests.rulebook.builders import dtype_limit, op, table
from tests.rules.harness import view_of


@dataclass(frozen=True)
class Case:
    """A rule, the outcome that it reports, and what that means for model and node."""

    code: str
    outcome: str
    verdict: Verdict
    device: Device


def by_entry(case: Case) -> None:
    """An operator without limits; its neighbour on the NPU is left alone."""
    result = _lint(
        case, "g (float[4] x) => (float[4] y) { h = Relu(x) y = Tan(h) }", table(op("Relu", "npu"), _tan(case))
    )
    (found,) = result.diagnostics
    assert (found.code, found.at.op) == (case.code, "Tan")
    assert "Tan" in found.message
    assert found.evidence == (() if case.outcome == "unknown" else ("probe:invented-for-a-test",))
    assert result.verdict is case.verdict
    assert [node.device for node in result.placement] == [Device.NPU, case.device]
    assert result.placement[1].because == (case.code,)


def not_where_a_limit_says_so(case: Case) -> None:
    """Where a limit of the entry has the same outcome, it speaks, by another rule; within it, the entry does."""
    limited = table(op("Neg", case.outcome, dtype_limit(case.outcome, "int64")))
    counts = [
        len(_lint(case, f"g ({dtype}[4] x) => ({dtype}[4] y) {{ y = Neg(x) }}", limited).diagnostics)
        for dtype in ("int64", "int32")
    ]
    assert counts == [1, 0]


def _tan(case: Case) -> dict[str, object]:
    return op("Other", "npu") if case.outcome == "unknown" else op("Tan", case.outcome)


def _lint(case: Case, model: str, against: OpTable) -> Result:
    return lint_view(view_of(model), Target(), RuleSet("test", "2.3.2", (case.code,)), table=against)
