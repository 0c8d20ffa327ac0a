"""RK602: heads of language models, with and without bias, tied, as Gemm; shards equal the product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal, Rewrite
from rkgraph.rulebook.rule import Options
from rkgraph.rules import rk602_large_output_projection as rk602
from tests.engine.fixing import fix_text
from tests.rules.harness import context_of
from tests.rules.rewriting import run

HIDDEN, COLUMNS = 4, 20_000
RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(COLUMNS, HIDDEN)).astype(np.float32)
BIAS = RANDOM.normal(size=COLUMNS).astype(np.float32)


def head(kind: str, columns: int = COLUMNS) -> onnx.ModelProto:
    """A body of one Relu and a head: "plain", "bias", "tied" (of an embedding table), "gemm", "softmax", "deep"."""
    table, bias = TABLE[:columns], BIAS[:columns]
    constants = {"w": np.ascontiguousarray(table.T)}
    nodes = [helper.make_node("Relu", ["x"], ["h"])]
    if kind in ("gemm", "scaled"):
        constants = {"w": table, "b": bias}
        alpha = 2.0 if kind == "scaled" else 1.0
        nodes.append(helper.make_node("Gemm", ["h", "w", "b"], ["logits"], transB=1, alpha=alpha))
    elif kind == "tied":
        constants = {"w": table}
        nodes += [helper.make_node("Transpose", ["w"], ["t"]), helper.make_node("MatMul", ["h", "t"], ["logits"])]
    else:
        nodes.append(helper.make_node("MatMul", ["h", "w"], ["logits" if kind == "plain" else "p"]))
    if kind == "bias":
        constants["b"] = bias
        nodes.append(helper.make_node("Add", ["p", "b"], ["logits"]))
    if kind == "softmax":
        nodes.append(helper.make_node("Softmax", ["p"], ["logits"]))
    if kind == "deep":
        constants["back"] = table
        nodes.append(helper.make_node("MatMul", ["p", "back"], ["logits"]))
    width = HIDDEN if kind == "deep" else columns
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, HIDDEN])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [2, width])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def fix_of(model: onnx.ModelProto, shards: int = 0) -> Cut | Rewrite | Refusal | None:
    lint = context_of(model, options=Options(lm_head_shards=shards))
    found = list(rk602.check(lint))
    return rk602.fix(lint, found[0]) if found else None


@pytest.mark.parametrize(
    ("kind", "moved", "weight"),
    [
        ("plain", {"logits"}, "w"),
        ("bias", {"p", "logits"}, "w"),
        ("softmax", {"p", "logits"}, "w"),
        ("tied", {"logits"}, "w"),
        ("gemm", {"logits"}, "w"),
    ],
)
def test_heads_go_to_the_host(kind: str, moved: set[str], weight: str) -> None:
    edit = fix_of(head(kind))
    assert isinstance(edit, Cut)
    assert (set(edit.host), edit.weight, edit.needed) == (moved, weight, False)


def test_what_is_no_head() -> None:
    assert fix_of(head("deep")) is None
    assert fix_of(head("plain", 8191)) is None
    assert fix_of(head("plain", 8192)) is not None


@pytest.mark.parametrize("kind", ["plain", "bias", "tied", "gemm"])
@pytest.mark.parametrize("shards", [3, 4, 7])
def test_shards_compute_the_product(kind: str, shards: int, tmp_path: Path) -> None:
    model = head(kind)
    outcome = fix_text(model, tmp_path, "RK602", options=Options(lm_head_shards=shards))
    assert [fix.allowed_by for fix in outcome.fixes.applied] == [f"--lm-head-shards {shards}"]
    after = outcome.model.proto(weights=True)
    count = sum(node.op_type in ("MatMul", "Gemm") for node in after.graph.node)
    assert count == shards
    feeds = {"x": RANDOM.normal(size=(2, HIDDEN)).astype(np.float32)}
    found, expected = (run(each, feeds)[0].astype(np.float64) for each in (after, model))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_shards_that_cannot_be_are_refused() -> None:
    few = fix_of(head("plain"), shards=2)
    assert isinstance(few, Refusal)
    assert few.needs == "--lm-head-shards 3"
    assert isinstance(fix_of(head("scaled"), shards=3), Refusal)
