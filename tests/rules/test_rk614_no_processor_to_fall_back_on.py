"""RK614: CPU nodes on platforms that have no CPU kernels to speak of."""

from __future__ import annotations

import pytest

from rkgraph.targets import Target
from tests.rules.harness import diagnostics

WHOLE = "agraph (int64[1, 8] x) => (int64[1, 8] y) { y = Add(x, x) }"


@pytest.mark.parametrize(
    ("text", "platform", "found"),
    [
        (WHOLE, "rv1106", 1),
        (WHOLE, "rv1103", 1),
        (WHOLE, "rk3588", 0),
        (WHOLE.replace("int64", "float"), "rv1106", 0),
    ],
)
def test_platform_and_nodes_decide(text: str, platform: str, found: int) -> None:
    told = diagnostics(text, "RK614", target=Target(platform, precision="w8a8"))
    assert [one.observed for one in told] == [{"nodes": {"Add": 1}}] * found
