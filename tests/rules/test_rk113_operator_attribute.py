from __future__ import annotations

import pytest

from tests.rulebook.builders import op, table
from tests.rules.limits import found_by, limit


@pytest.mark.parametrize(("alpha", "count"), [("0.5", 0), ("2.0", 1)])
def test_both_sides_of_a_limit(alpha: str, count: int) -> None:
    limited = table(op("Elu", "npu", limit("attribute-range", "cpu", attribute="alpha", high=1.0)))
    model = f"g (float[4] x) => (float[4] y) {{ y = Elu<alpha = {alpha}>(x) }}"
    assert len(found_by("RK113", model, limited).diagnostics) == count


def test_a_constant_that_works_like_an_attribute_counts() -> None:
    limited = table(op("Pow", "npu", limit("constant-range", "cpu", index=1, label="Y", high=2)))
    model = "g (float[4] x) => (float[4] y) <float three = {3}> { y = Pow(x, three) }"
    (found,) = found_by("RK113", model, limited).diagnostics
    assert "every element of `Y`" in found.message
