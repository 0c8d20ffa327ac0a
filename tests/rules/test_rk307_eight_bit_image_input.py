from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from tests.rulebook.builders import op, table
from tests.rules.harness import diagnostics, lint_text, parse, view_of

CODE = "RK307"


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ("1, 3, 8, 8", 1),
        ("2, 4, 5, 6", 1),
        ("1, 4, 1, 1", 1),
        ("1, 2, 1, 2", 1),
        ("1, 5, 5, 1", 1),
        ("2, 16, 1, 9", 1),
        ("1, 16, 1, 18", 1),
        ("1, 5, 1, 1", 0),
        ("1, 16, 4, 9", 0),
        ("1, 16, 1, 16", 0),
        ("1, 5, N, 7", 0),
        ("1, 2, 8, 8", 0),
        ("1, 5, 8, 8", 0),
        ("1, 3, 8", 0),
        ("1, 3, 8, 8, 8", 0),
    ],
)
def test_both_sides_of_what_looks_like_a_picture(dtype: str, shape: str, count: int) -> None:
    model = f"g ({dtype}[{shape}] x) => ({dtype}[{shape}] y) {{ y = Identity(x) }}"
    assert len(diagnostics(model, CODE)) == count
    if count:
        assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize(
    ("reader", "count"),
    [
        ("float[1, 1, 8, 8] y) { y = Cast<to = 1>(x) }", 1),
        ("float16[1, 1, 8, 8] y) { y = Cast<to = 10>(x) }", 1),
        ("bool[1, 1, 8, 8] y) { y = Cast<to = 9>(x) }", 0),
        ("int64[1, 1, 8, 8] y) { y = Cast<to = 7>(x) }", 0),
        ("int64 y) { y = Size(x) }", 0),
        ("int8[1, 8, 8, 1] y) { y = Transpose<perm = [0, 2, 3, 1]>(x) }", 1),
        ("int8[8, 8, 1, 1] y) { y = Transpose(x) }", 0),
        ("int8[1, 64] y) { y = Flatten(x) }", 1),
        ("float[1, 1, 8, 8] y, int8[1, 64] z) <float s = {0.5}> { y = DequantizeLinear(x, s) z = Flatten(x) }", 0),
    ],
)
def test_one_channel_is_decided_by_its_readers(reader: str, count: int) -> None:
    assert len(diagnostics(f"g (int8[1, 1, 8, 8] x) => ({reader}", CODE)) == count
    assert diagnostics(f"g (uint8[1, 1, 8, 8] x) => ({reader.replace('int8', 'uint8')}", CODE) == ()


@pytest.mark.parametrize("shape", ["1, 3, 8, 8", "1, 16, 1, 9"])
def test_what_is_dequantized_builds(shape: str) -> None:
    text = f"g (uint8[{shape}] x) => (float[{shape}] y) <float s = {{0.5}}> {{ y = DequantizeLinear(x, s) }}"
    assert diagnostics(text, CODE) == ()


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("shape", "builds"),
    [("1, 1, 8, 8", False), ("1, 16, 1, 9", False), ("1, 2, 5, 7", False), ("1, 5, 8, 8", True), ("1, 5, 1, 1", True)],
)
def test_the_compiler_does_as_the_law_says(shape: str, builds: bool, tmp_path: Path) -> None:
    text = f"g (int8[{shape}] x) => (float[{shape}] y) {{ a = Cast<to = 1>(x) y = Relu(a) }}"
    path = tmp_path / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    assert (diagnostics(text, CODE) == ()) == builds
    with Worker(find_toolkit("2.3.2", None)) as worker:
        assert worker.run(Job(path)).ok == builds


@pytest.mark.parametrize("dtype", ["float", "float16", "bool", "int32", "int64"])
def test_other_dtypes_are_taken(dtype: str) -> None:
    assert diagnostics(f"g ({dtype}[1, 3, 8, 8] x) => ({dtype}[1, 3, 8, 8] y) {{ y = Identity(x) }}", CODE) == ()


def test_an_input_of_which_only_the_shape_is_read_is_gone_by_then() -> None:
    assert (
        diagnostics("g (uint8[1, 3, 8, 8] x, float[4] z) => (int64[4] y, float[4] w) { y = Shape(x) w = Neg(z) }", CODE)
        == ()
    )


def test_what_was_not_measured_is_not_claimed() -> None:
    view = view_of("g (uint8[1, 3, 8, 8] x) => (uint8[1, 3, 8, 8] y) { y = Identity(x) }")
    ruleset = RuleSet("test", "2.3.2", (CODE,))
    quantized = lint_view(view, Target("rk3588", "2.3.2", "w8a8"), ruleset, table=table(op("Identity", "npu")))
    assert quantized.diagnostics == ()
