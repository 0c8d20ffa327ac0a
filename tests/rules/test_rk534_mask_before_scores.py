from __future__ import annotations

import numpy as np
import pytest

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, run

CODE = "RK534"
SCALED = "s = MatMul(q, k) t = Mul(s, c)"
END = "p = Softmax<axis = -1>(m) y = MatMul(p, v)"


def model(*steps: str, lead: str = "1, 2, ") -> str:
    return f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[{lead}3, 4] q, float[{lead}4, 3] k, float[{lead}3, 4] v, float[3, 3] b) => (float[{lead}3, 4] y)
    <float c = {{0.5}}> {{ {" ".join(steps)} }}"""


@pytest.mark.parametrize("scaled", ["t = Mul(s, c)", "t = Mul(c, s)", "t = Div(s, c)"])
def test_the_mask_comes_second(scaled: str) -> None:
    before = model("s = MatMul(q, k)", scaled, "m = Add(b, t)", END)
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert next(node.input[1] for node in after.graph.node if node.op_type == "Add") == "b"
    random = np.random.default_rng(0)
    shapes = {"q": (1, 2, 3, 4), "k": (1, 2, 4, 3), "v": (1, 2, 3, 4), "b": (3, 3)}
    feeds = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    np.testing.assert_array_equal(run(after, feeds)[0], run(before, feeds)[0])


@pytest.mark.parametrize(
    "text",
    [
        model(SCALED, "m = Add(t, b)", END),
        model("s = MatMul(q, k)", "m = Add(b, s)", END),
        model(SCALED, "m = Add(b, t)", END, lead="2, "),
        model(SCALED, "m = Add(b, t)", END.replace("-1", "2")),
        model(SCALED, "m = Add(b, t)", "p = Softmax<axis = -1>(m) y = MatMul(v, p)").replace("3, 4] y", "3, 3] y"),
        model(SCALED, "m = Add(b, t)", "p = Softmax<axis = -1>(m) y = Mul(p, b)").replace("3, 4] y", "3, 3] y"),
        model(SCALED, "m = Sub(b, t)", END),
    ],
    ids=range(7),
)
def test_what_builds_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_versions_that_were_not_seen_to_fail_are_left_alone() -> None:
    text = model(SCALED, "m = Add(b, t)", END)
    assert [len(diagnostics(text, CODE, target=Target(toolkit=each))) for each in ("2.2.0", "2.3.0", "2.3.2")] == [
        1
    ] * 3
    assert diagnostics(text, CODE, target=Target(toolkit="2.5.0")) == ()
