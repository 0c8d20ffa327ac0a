"""The real compiler refuses the models before, and takes them after the fix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rkgraph.rulebook.rule import Options
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log
from tests.engine.fixing import fix_text

pytestmark = pytest.mark.toolkit

NEW = """<ir_version: 9, opset_import: ["" : 20]> g (float[n, 16, 32] x, float[64] b) => (float[n, 16, 64] y)
{ flat = Identity(x) product = MatMul(flat, w) sum = Add(product, b) y = Gelu(sum) }"""
CHAIN = """<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16, 32] x) => (float[m, 64] y)
<int64 first = {0}, int64[1] axis = {0}, int64[1] rest = {512}>
{ shape = Shape(x) rows = Gather(shape, first) size = Unsqueeze(rows, axis) target = Concat<axis = 0>(size, rest)
  kept = Reshape(x, target) y = MatMul(kept, w) }"""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(find_toolkit("2.3.2", None)) as started:
        yield started


def with_weights(text: str, rows: int) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    model = onnx.parser.parse_model(text)
    weights = {"w": random.standard_normal((rows, 64)).astype(np.float32) / 8}
    if "b" in {value.name for value in model.graph.input}:
        weights["b"] = random.standard_normal(64).astype(np.float32)
        model.graph.input.remove(next(value for value in model.graph.input if value.name == "b"))
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize(("text", "rows", "fused"), [(NEW, 32, "ConvExGelu"), (CHAIN, 512, "Conv")])
def test_the_compiler_takes_the_fixed_model_only(
    worker: Worker, tmp_path: Path, text: str, rows: int, fused: str
) -> None:
    model = with_weights(text, rows)
    before = tmp_path / "before.onnx"
    before.write_bytes(model.SerializeToString())
    assert not worker.run(Job(before)).ok
    outcome = fix_text(model, tmp_path, "RK1", "RK3", "RK4", options=Options(dims={"n": 1}))
    after = tmp_path / "after.onnx"
    outcome.model.save(after)
    built = worker.run(Job(after))
    assert built.ok, built.error
    facts = read_log(built.log, "2.3.2")
    assert fused in {layer.op for layer in facts.layers}
    assert not facts.no_lowering
