from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered
from tests.rules.rewriting import operators

CODE = "RK142"


def model(axes: str, *, opset: int = 17, keepdims: int = 0, reader: str = "Relu", rank: int = 4) -> str:
    shape, dims = ", ".join("2345"[:rank]), "2, 3" if keepdims == 0 else "2, 3, 1, 1"
    named = f"ReduceMean<axes = [{axes}], keepdims = {keepdims}>(x)"
    given = f"ReduceMean<keepdims = {keepdims}>(x, axes)"
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[{shape}] x) => (float[{dims}] y) <int64[2] axes = {{{axes}}}>
    {{ m = {named if opset < 18 else given} y = {reader}(m) }}"""


@pytest.mark.parametrize("axes", ["2, 3", "-2, -1", "2, -1"])
@pytest.mark.parametrize("opset", [11, 13, 17, 18])
def test_the_dimensions_are_dropped_by_a_node_of_its_own(axes: str, opset: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    after = assert_lowered(parse(model(axes, opset=opset)), CODE, {"x": x}, rtol=0, atol=0)
    assert after == ["ReduceMean", "Squeeze", "Relu"]


@pytest.mark.parametrize(
    "text",
    [model("3, 2"), model("2, 3", keepdims=1), model("2, 3", reader="Flatten"), model("2, 3", reader="Identity")],
    ids=["other order", "kept", "flattened", "identity"],
)
def test_what_builds_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_other_versions_build_it() -> None:
    assert diagnostics(model("2, 3"), CODE, target=Target("rk3588", "2.5.0")) == ()


def test_an_output_of_the_model_is_left_alone() -> None:
    text = "g (float[2, 3, 4, 5] x) => (float[2, 3] y) { y = ReduceMean<axes = [2, 3], keepdims = 0>(x) }"
    assert diagnostics(text, CODE) == ()


@pytest.mark.toolkit
def test_the_compiler_refuses_the_one_and_takes_the_other(tmp_path: Path) -> None:
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.jobs import Job
    from rkgraph.toolkit.locate import find_toolkit
    from tests.rules.rewriting import fixed

    before = parse(model("2, 3"))
    after = fixed(before, CODE)[0]
    assert operators(after) == ["ReduceMean", "Squeeze", "Relu"]
    with Worker(find_toolkit("2.3.2", None)) as worker:
        for number, proto in enumerate((before, after)):
            path = tmp_path / f"{number}.onnx"
            path.write_bytes(proto.SerializeToString())
            assert worker.run(Job(path)).ok == bool(number)
