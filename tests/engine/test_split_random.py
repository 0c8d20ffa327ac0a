"""Random graphs cut into stages: a bundle gives what the model gives, and every stage fits its device."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.compile.fixed_bundle import write_fixed
from rkgraph.diagnostics import Safety, Verdict
from rkgraph.engine.fix import FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.runtime.pipeline import Pipeline
from rkgraph.targets import Target
from tests.rules.rewriting import run

SIZE = 8
PLAIN = ("Relu", "Sigmoid", "Exp", "Transpose", "MatMul", "Add", "Mul")
WITHOUT_KERNEL = ("Asinh", "Atan", "Shrink")
DATA_SHAPED = ("NonZero", "Unique")
RULES = [rule for rule in load_rules() if rule.code.startswith(("RK10", "RK11", "RK30", "RK6"))]


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Up to ten nodes on 8 × 8 matrices; some have no kernel, and what data shape goes to outputs."""
    values, nodes, outputs = ["x", "z"], [], []
    for i in range(draw(st.integers(2, 10))):
        op = draw(st.sampled_from(PLAIN + WITHOUT_KERNEL))
        count = 2 if op in ("MatMul", "Add", "Mul") else 1
        inputs = [draw(st.sampled_from(values)) for _ in range(count)]
        nodes.append(helper.make_node(op, inputs, [f"v{i}"], name=f"n{i}"))
        values.append(f"v{i}")
        if draw(st.integers(0, 5)) == 0:
            nodes.append(helper.make_node(draw(st.sampled_from(DATA_SHAPED)), [f"v{i}"], [f"d{i}"], name=f"s{i}"))
            outputs.append((f"d{i}", TensorProto.INT64 if nodes[-1].op_type == "NonZero" else TensorProto.FLOAT))
    nodes.append(helper.make_node("MatMul", [values[-1], "w"], ["y"], name="last"))
    infos = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [SIZE, SIZE])]
    infos += [helper.make_tensor_value_info(name, dtype, None) for name, dtype in outputs]
    weight = numpy_helper.from_array(np.eye(SIZE, dtype=np.float32) * 0.5, "w")
    given_ = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIZE, SIZE]) for name in ("x", "z")]
    graph = helper.make_graph(nodes, "random", given_, infos, [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@settings(max_examples=15, deadline=None)
@given(graphs())
def test_a_bundle_gives_what_the_model_gives(model: onnx.ModelProto) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        outcome = fix_model(
            Model.load(path),
            Target(),
            load_ruleset("rknn-2.3.2"),
            Options(),
            frozenset({Safety.SPLIT}),
            proof="local",
            settings=FixSettings(rules=RULES),
        )
        if not outcome.stages:
            assert outcome.before.verdict is Verdict.DEPLOYABLE or not outcome.fixes.applied
            return
        assert outcome.after.verdict is Verdict.DEPLOYABLE
        assert [proof.outcome for proof in outcome.proofs if proof.kind == "split"] == ["proved"]
        kinds = [stage.kind for stage in outcome.stages]
        assert all(first != second for first, second in itertools.pairwise(kinds))
        write_fixed(outcome, Path(name) / "model.rk", Target())
        feeds = {name: np.random.default_rng(i).normal(size=(SIZE, SIZE)).astype("f4") for i, name in enumerate("xz")}
        with Pipeline(Path(name) / "model.rk", "cpu") as pipeline:
            found = pipeline(feeds)
    for output, expected in zip(model.graph.output, run(model, feeds), strict=True):
        np.testing.assert_allclose(
            found[output.name].astype(np.float64), expected.astype(np.float64), rtol=1e-4, atol=1e-5
        )
