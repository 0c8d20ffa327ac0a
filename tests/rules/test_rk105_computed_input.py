from __future__ import annotations

from rkgraph.diagnostics import Device, Severity, Verdict
from tests.rulebook.builders import op, table
from tests.rules.limits import found_by, limit

CONSTANT = limit("constant", "cpu", index=1, label="B")


def test_a_computed_input_is_found_where_it_must_be_constant() -> None:
    model = "g (float[4] a, float[4] b) => (float[4] y) { y = Add(a, b) }"
    (found,) = found_by("RK105", model, table(op("Add", "npu", CONSTANT))).diagnostics
    assert found.message.startswith(
        "Add: `B` must be a constant; here computed; on rk3588 with 2.3.2 this runs on the CPU"
    )
    assert found.severity is Severity.WARNING


def test_constants_and_what_folds_are_within() -> None:
    model = "g (float[4] a) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { b = Neg(c) y = Add(a, b) }"
    assert found_by("RK105", model, table(op("Add", "npu", CONSTANT))).diagnostics == ()


def test_each_outcome_means_what_it_means_for_node_and_model() -> None:
    model = "g (float[4] a, float[4] b) => (float[4] y) { y = Add(a, b) }"
    seen = {}
    for outcome in ("cpu", "no-kernel", "build-fails", "unknown"):
        limited = table(op("Add", "npu", limit("constant", outcome, index=1)))
        result = found_by("RK105", model, limited)
        seen[outcome] = (result.diagnostics[0].severity, result.verdict, result.placement[0].device)
    assert seen == {
        "cpu": (Severity.WARNING, Verdict.DEPLOYABLE, Device.CPU),
        "no-kernel": (Severity.ERROR, Verdict.NO_BOARD_KERNEL, Device.NO_KERNEL),
        "build-fails": (Severity.ERROR, Verdict.BUILD_FAILS, Device.UNKNOWN),
        "unknown": (Severity.WARNING, Verdict.UNKNOWN, Device.UNKNOWN),
    }
