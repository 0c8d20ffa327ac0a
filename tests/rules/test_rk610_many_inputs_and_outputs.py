"""RK610: how many are many is the user's to say."""

from __future__ import annotations

import pytest

from rkgraph.rulebook.rule import Options
from tests.rules.harness import diagnostics


def model(count: int) -> str:
    ins = ", ".join(f"float[1, 4] x{i}" for i in range(count))
    outs = ", ".join(f"float[1, 4] y{i}" for i in range(count))
    return f"agraph ({ins}) => ({outs}) {{ {' '.join(f'y{i} = Relu(x{i})' for i in range(count))} }}"


@pytest.mark.parametrize(("count", "most", "found"), [(8, None, 0), (9, None, 1), (9, 18, 0), (1, 1, 1)])
def test_the_limit_is_an_option(count: int, most: int | None, found: int) -> None:
    options = Options(rules={} if most is None else {"RK610": {"most": most}})
    told = diagnostics(model(count), "RK610", options=options)
    assert len(told) == found
    for one in told:
        assert one.observed == {"inputs": count, "outputs": count, "bytes": 2 * count * 4 * 2}
        assert one.confidence.value == "field report"
