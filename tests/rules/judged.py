"""RK101 to RK104 say what the op table says: the same checks hold for each outcome, on an invented table."""

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


def by_limit(case: Case) -> None:
    """Two violated limits at one node are two findings, each with what was seen, the limit, and another fingerprint."""
    limits = (dtype_limit(case.outcome, "float32", label="A"), dtype_limit(case.outcome, "float32", index=1, label="B"))
    result = _lint(
        case, "g (int32[4] a, int32[4] b) => (int32[4] y) { y = Add(a, b) }", table(op("Add", "npu", *limits))
    )
    first, second = result.diagnostics
    assert (first.observed, second.observed) == ({"`A`": "int32"}, {"`B`": "int32"})
    assert first.limit == {"kind": "dtype", "rule": "`A` must be float32"}
    assert all("must be float32; here int32" in d.message and d.message.startswith("Add") for d in result.diagnostics)
    assert first.fingerprint != second.fingerprint
    assert result.placement[0].device is case.device


def on_both_sides_of_a_limit(case: Case) -> None:
    """int64 is within the limit, int32 is not."""
    limited = table(op("Neg", "npu", dtype_limit(case.outcome, "int64")))
    counts = [
        len(_lint(case, f"g ({dtype}[4] x) => ({dtype}[4] y) {{ y = Neg(x) }}", limited).diagnostics)
        for dtype in ("int64", "int32")
    ]
    assert counts == [0, 1]


def _tan(case: Case) -> dict[str, object]:
    return op("Other", "npu") if case.outcome == "unknown" else op("Tan", case.outcome)


def _lint(case: Case, model: str, against: OpTable) -> Result:
    return lint_view(view_of(model), Target(), RuleSet("test", "2.3.2", (case.code,)), table=against)
