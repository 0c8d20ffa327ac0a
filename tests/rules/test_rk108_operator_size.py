from __future__ import annotations

import pytest

from tests.rulebook.builders import op, table
from tests.rules.limits import found_by, limit

LIMITS = {
    "dimension": {"index": 0, "axis": -1, "high": 8},
    "product": {"index": 0, "axes": [0, 1], "high": 8},
    "batch": {"index": 0, "most": 1},
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize(("shape", "count"), [("[1, 8]", 0), ("[2, 9]", 1)])
def test_both_sides_of_each_kind(kind: str, shape: str, count: int) -> None:
    limited = table(op("Neg", "npu", limit(kind, "no-kernel", **LIMITS[kind])))
    found = found_by("RK108", f"g (float{shape} x) => (float{shape} y) {{ y = Neg(x) }}", limited).diagnostics
    assert [d.limit["kind"] for d in found] == [kind] * count
