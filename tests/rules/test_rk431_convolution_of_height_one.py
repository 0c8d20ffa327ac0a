"""RK431: planes of one line in the middle of a model."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

TEXT = """agraph (float[{shape}] x, float[4, 4, {kernel}] w) => (float[{out}] y) {{
    a = Relu(x) y = Conv<pads = [{pads}]>({of}, w) }}"""


@pytest.mark.parametrize(
    ("shape", "kernel", "pads", "of", "found"),
    [
        ("1, 4, 1, 16", "1, 3", "0, 1, 0, 1", "a", 1),
        ("1, 4, 1, 16", "1, 3", "0, 1, 0, 1", "x", 0),
        ("1, 4, 2, 16", "1, 3", "0, 1, 0, 1", "a", 0),
        ("1, 4, 1, 1", "1, 1", "0, 0, 0, 0", "a", 0),
        ("1, 4, 16", "3", "1, 1", "a", 0),
    ],
)
def test_one_line_that_was_computed(shape: str, kernel: str, pads: str, of: str, found: int) -> None:
    text = TEXT.format(shape=shape, kernel=kernel, out=shape, pads=pads, of=of)
    told = diagnostics(text, "RK431")
    assert len(told) == found
    assert all(one.confidence.value == "field report" for one in told)
