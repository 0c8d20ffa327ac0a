from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK209"
CODES = {"float": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "uint32": 12,
         "uint64": 13}  # fmt: skip


def pair(source: str, narrow: str, wanted: str, before: str = "") -> str:
    return f"""g ({source}[9] x) => ({wanted}[9] y)
        {{ {before or "s = Identity(x)"} n = Cast<to = {CODES[narrow]}>(s) y = Cast<to = {CODES[wanted]}>(n) }}"""


WHOLE = np.array([0, 1, -1, 127, 128, 255, 256, -300, 70000])


@pytest.mark.parametrize("source", ["int32", "int64", "bool", "float"])
@pytest.mark.parametrize("narrow", ["uint8", "uint16", "uint32"])
@pytest.mark.parametrize("wanted", ["int32", "int64", "float", "bool"])
def test_the_remainder_is_computed(source: str, narrow: str, wanted: str) -> None:
    text = pair(source, narrow, wanted)
    feeds = {"x": WHOLE.astype({"float": "float32"}.get(source, source))}
    if source == "float":
        feeds["x"] = np.clip(
            feeds["x"] + np.float32(0.75) * np.sign(feeds["x"]), 0 if narrow == "uint32" else -1e6, 1e6
        )
    after, edits = fixed(text, CODE)
    assert len(edits) == 1
    assert narrow not in {CODES.get(str(a.i)) for node in after.graph.node for a in node.attribute if a.name == "to"}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_numbers_that_it_holds_are_only_cut_off() -> None:
    text = pair("float", "uint8", "float", "s = Sigmoid(x)")
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Sigmoid", "Cast", "Cast"]
    feeds = {"x": np.array([-50, -1, 0, 1, 2, 3, 4, 5, 50], np.float32)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_bits_of_negative_numbers_are_no_float() -> None:
    (refusal,) = fixed(pair("int64", "uint64", "float"), CODE)[1]
    assert isinstance(refusal, Refusal)
    after, _ = fixed(pair("int64", "uint64", "int32"), CODE)
    assert "Mod" not in operators(after)


def test_an_output_is_wrapped_first() -> None:
    text = "g (int32[9] x) => (uint8[9] y) { y = Cast<to = 2>(x) }"
    after, edits = fixed(text, CODE)
    assert operators(after) == ["Mod", "Cast"]
    assert len(edits) == 1
    np.testing.assert_array_equal(
        run(after, {"x": WHOLE.astype("int32")})[0], run(text, {"x": WHOLE.astype("int32")})[0]
    )


@pytest.mark.parametrize(
    "text",
    [pair("float", "int8", "float"), pair("int32", "int16", "int32"),
     "g (float[9] x) => (uint8[9] y) <float l = {0}, float h = {9}> { c = Clip(x, l, h) y = Cast<to = 2>(c) }",
     "g (uint8[9] x) => (float[9] y) { y = Cast<to = 1>(x) }"],
)  # fmt: skip
def test_what_runs_and_what_is_the_interfaces_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_before_opset_10_there_is_no_remainder() -> None:
    old = '<ir_version: 5, opset_import: ["" : 9]>'
    (refusal,) = fixed(f"{old} {pair('int32', 'uint8', 'float')}", CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "opset 10" in refusal.reason
    after, _ = fixed(f"{old} {pair('float', 'uint8', 'float', 's = Sigmoid(x)')}", CODE)
    assert "Cast" in operators(after)


def test_whole_numbers_in_floats_are_not_cut_off() -> None:
    text = """g (int8[1, 9] x) => (float[9, 1] y)
        { b = Cast<to = 9>(x) f = Cast<to = 1>(b) t = Transpose<perm = [1, 0]>(f)
          n = Cast<to = 2>(t) y = Cast<to = 1>(n) }"""
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Cast", "Cast", "Transpose", "Cast"]
