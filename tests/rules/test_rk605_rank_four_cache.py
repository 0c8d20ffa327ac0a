"""RK605: caches that grow in the graph, where users saw them corrupted; no other inputs, no other platforms."""

from __future__ import annotations

import pytest

from rkgraph.targets import Target
from tests.rules.harness import diagnostics

CACHE = """agraph (float[1, 4, 31, 64] past, float[1, 4, 1, 64] key)
    => (float[1, 4, 32, 64] present, float[1, 4, 32, 64] y) {{
    {joined} = Concat<axis = 2>(past, key) {rest} y = Softmax({joined}) }}"""
GROWS = CACHE.format(joined="present", rest="")
LEAVES_OTHERWISE = CACHE.format(joined="whole", rest="present = Relu(whole)")


@pytest.mark.parametrize(
    ("text", "platform", "found"),
    [(GROWS, "rk3576", ["past"]), (GROWS, "rk3588", []), (LEAVES_OTHERWISE, "rk3576", [])],
)
def test_caches(text: str, platform: str, found: list[str]) -> None:
    assert [d.at.value for d in diagnostics(text, "RK605", target=Target(platform))] == found


def test_it_says_what_it_rests_on() -> None:
    (diagnostic,) = diagnostics(GROWS, "RK605", target=Target("rk3576"))
    assert diagnostic.confidence.value == "field report"
    assert diagnostic.fix is None
    assert "'present'" in diagnostic.message
