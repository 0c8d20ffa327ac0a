from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK316"
HEADER = '<ir_version: 8, opset_import: ["" : 18]>\n'
FEEDS = {"x": np.arange(4, dtype=np.float32)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g (float[4] x) => (float[4] y) { o = Optional(x) y = OptionalGetElement(o) }", FEEDS["x"]),
        ("g (float[4] x) => (float[4] y) { y = OptionalGetElement(x) }", FEEDS["x"]),
        ("g (float[4] x) => (bool y) { y = OptionalHasElement(x) }", True),
        ("g (float[4] x) => (bool y) { o = Optional(x) h = Identity(o) y = OptionalHasElement(h) }", True),
        ('g (float[4] x) => (bool y) { y = OptionalHasElement("") }', False),
        ("g (float[4] x) => (bool y) { y = OptionalHasElement() }", False),
    ],
)
def test_what_is_known_is_written_down(text: str, expected: object) -> None:
    after, _ = fixed(HEADER + text, CODE)
    assert not any(op.startswith("Optional") for op in operators(after))
    np.testing.assert_array_equal(run(after, FEEDS)[0], expected)


def test_a_sequence_in_the_place_of_an_optional_value() -> None:
    body = "s = SequenceConstruct(x) t = OptionalGetElement(s) y = SequenceAt(t, i)"
    text = f"g (float[4] x) => (float[4] y) <int64 i = {{0}}> {{ {body} }}"
    after, _ = fixed(HEADER + text, CODE, "RK314")
    assert operators(after) == ["Identity"]


def test_an_optional_input_is_left() -> None:
    assert diagnostics(HEADER + "g (optional(float[4]) x) => (float[4] y) { y = OptionalGetElement(x) }", CODE) == ()


def test_nothing_cannot_be_taken() -> None:
    text = HEADER + "g (float[4] x) => (float[4] y) { o = Optional(x) y = OptionalGetElement(o) }"
    from tests.rules.harness import parse

    model = parse(text)
    del model.graph.node[0].input[:]
    import onnx

    model.graph.node[0].attribute.append(onnx.helper.make_attribute("type", onnx.helper.make_tensor_type_proto(1, [4])))
    (edit,) = fixed(model, CODE)[1]
    assert isinstance(edit, Refusal)
