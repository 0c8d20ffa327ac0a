from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rkgraph.diagnostics import Confidence, Device, Severity, Verdict
from rkgraph.engine.lint import failed, lint_view
from rkgraph.errors import ModelError
from rkgraph.report.document import report_to_json
from rkgraph.results import Report, Result
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.ruleset import RuleSet, load_ruleset
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target
from tests.analysis.test_folding import FUNCTIONS
from tests.rulebook.builders import dtype_limit, op, rule, table
from tests.rules.harness import view_of

ALL = load_ruleset("rknn-2.3.2")
TARGET = Target()
RULES = load_rules(
    (
        "rk101_no_board_kernel_operator",
        "rk102_build_failing_operator",
        "rk103_unknown_operator",
        "rk104_cpu_fallback_operator",
    )
)
TABLE = table(
    op("Relu", "npu"),
    op("Neg", "npu", dtype_limit("cpu", "float32")),
    op("Abs", "cpu", confidence="documented"),
    op("Tan", "no-kernel"),
    op("Sin", "no-kernel", confidence="field report"),
    op("Cos", "build-fails", confidence="documented"),
    op("If", "npu"),
    op("Gather", "npu"),
)


def lint(model: str, against: OpTable = TABLE, ruleset: RuleSet = ALL) -> Result:
    return lint_view(view_of(model), TARGET, ruleset, rules=RULES, table=against)


def chain(*operators: str) -> str:
    """A model that applies the operators one after the other."""
    body = " ".join(f"v{i + 1} = {operator}(v{i})" for i, operator in enumerate(operators))
    return f"g (float[4] v0) => (float[4] v{len(operators)}) {{ {body} }}"


@pytest.mark.parametrize(
    ("operators", "verdict", "confidence"),
    [
        (("Relu",), Verdict.DEPLOYABLE, Confidence.PROBED),
        (("Relu", "Abs"), Verdict.DEPLOYABLE, Confidence.DOCUMENTED),
        (("Abs", "Erf"), Verdict.UNKNOWN, Confidence.UNKNOWN),
        (("Sin", "Erf"), Verdict.NO_BOARD_KERNEL, Confidence.FIELD_REPORT),
        (("Sin", "Tan"), Verdict.NO_BOARD_KERNEL, Confidence.PROBED),
        (("Tan", "Cos", "Erf"), Verdict.BUILD_FAILS, Confidence.DOCUMENTED),
    ],
)
def test_the_worst_node_decides_and_the_weakest_ground_that_is_needed(
    operators: tuple[str, ...], verdict: Verdict, confidence: Confidence
) -> None:
    result = lint(chain(*operators))
    assert (result.verdict, result.confidence) == (verdict, confidence)


def test_every_node_is_placed_with_the_rules_that_say_so() -> None:
    placed = lint(chain("Relu", "Abs", "Tan", "Cos", "Erf")).placement
    assert [(p.op, p.device, p.because) for p in placed] == [
        ("Relu", Device.NPU, ()),
        ("Abs", Device.CPU, ("RK104",)),
        ("Tan", Device.NO_KERNEL, ("RK101",)),
        ("Cos", Device.UNKNOWN, ("RK102",)),
        ("Erf", Device.UNKNOWN, ("RK103",)),
    ]
    assert [p.index for p in placed] == [0, 1, 2, 3, 4]


def test_nodes_of_subgraphs_and_functions_are_placed_in_their_graphs() -> None:
    branches = """g (bool c, float[4] x) => (float[4] y) {
        y = If(c) <then_branch = a () => (float[4] p) { p = Relu(x) },
            else_branch = b () => (float[4] q) { q = Tan(x) }>
    }"""
    placed = {p.outputs[0]: p for p in lint(branches).placement}
    assert placed["y"].graph == "main"
    assert placed["q"].graph.endswith("else_branch")
    assert placed["p"].device is placed["q"].device is placed["y"].device  # what is in a body goes with its node
    inside = {p.outputs[0]: p for p in lint(FUNCTIONS).placement}
    assert inside["d"].graph == "function:own.inner"
    assert inside["f"].device is Device.FOLDED


def test_folded_nodes_are_not_judged() -> None:
    result = lint("g (float[4] x) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { t = Tan(c) y = Relu(x) }")
    assert [p.device for p in result.placement] == [Device.FOLDED, Device.NPU]
    assert result.diagnostics == ()
    assert result.verdict is Verdict.DEPLOYABLE


def as_text(result: Result) -> str:
    return report_to_json(Report((result,)))


def test_the_same_input_gives_the_same_bytes_in_any_order_of_rules() -> None:
    model = chain("Tan", "Abs", "Cos", "Erf", "Tan")
    texts = {
        as_text(lint_view(view, TARGET, ALL, rules=order, table=TABLE))
        for view in [view_of(model)]
        for order in (RULES, RULES[::-1], RULES[1::2] + RULES[::2])
    }
    assert len(texts) == 1
    first, second = (lint(model) for _ in range(2))
    assert as_text(replace(first, model=second.model)) == as_text(second)


def test_findings_come_in_the_order_of_the_file() -> None:
    found = lint(chain("Tan", "Abs", "Cos", "Tan")).diagnostics
    assert [d.code for d in found] == ["RK101", "RK104", "RK102", "RK101"]


def test_fingerprints_outlive_renaming_and_tell_twins_apart() -> None:
    model = chain("Tan", "Relu", "Tan")
    renamed = model.replace("v1", "hidden").replace("v2", "more")
    before, after = ([d.fingerprint for d in lint(text).diagnostics] for text in (model, renamed))
    assert before == after
    assert len(set(before)) == 2


def test_a_rule_set_chooses_rules_and_severities() -> None:
    model = chain("Tan", "Abs")
    only = RuleSet("own", "2.3.2", ("RK104",), {"RK104": Severity.ERROR})
    (found,) = lint(model, ruleset=only).diagnostics
    assert (found.code, found.severity) == ("RK104", Severity.ERROR)


def test_a_finding_may_override_the_severity_and_lack_the_fix_of_its_card() -> None:
    def check(_lint: LintContext) -> Iterator[Finding]:
        yield Finding("so it is", value="v0", severity=Severity.NOTE, fixable=False)

    own = rule("RK999", check)
    (found,) = lint_view(view_of(chain("Relu")), TARGET, ALL, rules=[own], table=TABLE).diagnostics
    assert (found.severity, found.fix, found.at.value, found.at.node) == (Severity.NOTE, None, "v0", None)


def test_what_is_unreadable_is_a_result_too() -> None:
    result = failed("gone.onnx", TARGET, ModelError("gone.onnx: no such file", "check the path"))
    assert (result.model.path, result.verdict) == ("gone.onnx", Verdict.UNKNOWN)
    assert "no such file" in str(result.error)
