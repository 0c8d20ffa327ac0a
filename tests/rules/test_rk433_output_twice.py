"""RK433: outputs that are computed alike."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

TEXT = "agraph (float[1, 8] x) => (float[1, 8] y, float[1, 8] z) {{ {body} }}"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("y = Relu(x) z = Relu(x)", ["z"]),
        ("y = Relu(x) z = Identity(y)", ["z"]),
        ("a = Neg(x) b = Neg(x) y = Add(a, x) z = Add(b, x)", ["z"]),
        ("a = Neg(x) y = Sub(a, x) z = Sub(x, a)", []),
        ("y = Softmax<axis = 0>(x) z = Softmax<axis = 1>(x)", []),
        ("xx = Concat<axis = 1>(x, x) y, z = Split<axis = 1>(xx)", []),
        ("y = RandomNormalLike(x) z = RandomNormalLike(x)", []),
    ],
)
def test_what_is_the_same(body: str, found: list[str]) -> None:
    told = diagnostics(TEXT.format(body=body), "RK433")
    assert [one.at.value for one in told] == found
    assert all(one.observed == {"same as": "y"} for one in told)
