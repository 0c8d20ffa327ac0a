from __future__ import annotations

from tests.rulebook.builders import dtype_limit, op, table
from tests.rules.limits import found_by


def test_both_sides_of_a_limit() -> None:
    limited = table(op("Neg", "npu", dtype_limit("cpu", "int64")))
    counts = [
        len(found_by("RK106", f"g ({dtype}[4] x) => ({dtype}[4] y) {{ y = Neg(x) }}", limited).diagnostics)
        for dtype in ("int64", "int32")
    ]
    assert counts == [0, 1]


def test_two_violated_limits_are_two_findings() -> None:
    limits = (dtype_limit("cpu", "float32", label="A"), dtype_limit("no-kernel", "float32", index=1, label="B"))
    result = found_by(
        "RK106", "g (int32[4] a, int32[4] b) => (int32[4] y) { y = Add(a, b) }", table(op("Add", "npu", *limits))
    )
    first, second = result.diagnostics
    assert (first.observed, second.observed) == ({"`A`": "int32"}, {"`B`": "int32"})
    assert first.limit == {"kind": "dtype", "rule": "`A` must be float32"}
    assert first.evidence == ("probe:invented-for-a-test",)
    assert first.fingerprint != second.fingerprint
    assert result.placement[0].because == ("RK106",)


def test_an_entry_says_nothing_here() -> None:
    assert found_by("RK106", "g (float[4] x) => (float[4] y) { y = Neg(x) }", table(op("Neg", "cpu"))).diagnostics == ()
