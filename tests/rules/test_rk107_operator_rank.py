from __future__ import annotations

import pytest

from tests.rulebook.builders import op, table
from tests.rules.limits import found_by, limit


@pytest.mark.parametrize(("shape", "count"), [("[2, 2, 2, 2]", 0), ("[2, 2, 2, 2, 2]", 1)])
def test_both_sides_of_a_limit(shape: str, count: int) -> None:
    limited = table(op("Neg", "npu", limit("rank", "cpu", index=0, label="X", allowed=[1, 2, 3, 4])))
    found = found_by("RK107", f"g (float{shape} x) => (float{shape} y) {{ y = Neg(x) }}", limited).diagnostics
    assert len(found) == count
    assert all("the rank of `X` must be 1, 2, 3 or 4; here 5" in d.message for d in found)
