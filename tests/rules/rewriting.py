"""Tests of fixes: apply a rule's fixes to a model until it finds nothing more, and compare before and after."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from rkgraph.engine.lint import find, make_context
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Refusal, Rewrite
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import parse

Array = npt.NDArray[np.generic]


def fixed(
    model: str | onnx.ModelProto, *codes: str, target: Target | None = None
) -> tuple[onnx.ModelProto, list[Rewrite | Refusal]]:
    """The model after all fixes of the rules `codes`, and what each fix was, in order; refusals are not retried."""
    proto = parse(model) if isinstance(model, str) else model
    rules = {rule.code: rule for rule in load_rules()}
    edits: list[Rewrite | Refusal] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        held = Model.load(path)
        refused: set[str] = set()
        while True:
            context = make_context(held.view(), target or Target(), Options())
            found = [
                f for f in find(context, RuleSet("test", "2.3.2", codes)) if f.diagnostic.fingerprint not in refused
            ]
            if not found:
                return held.proto(weights=True), edits
            fix = rules[found[0].diagnostic.code].fix
            assert fix is not None
            edit = fix(context, found[0].finding)
            edits.append(edit)  # type: ignore[arg-type]
            if isinstance(edit, Refusal):
                refused.add(found[0].diagnostic.fingerprint)
            else:
                held.apply(edit)
            assert len(edits) < 50, "the rule finds its own work"


def run(model: str | onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Array]:
    """The outputs in ONNX Runtime, optimisations off."""
    proto = parse(model) if isinstance(model, str) else model
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(feeds)))


def operators(model: onnx.ModelProto) -> list[str]:
    """The operators of the main graph, in file order."""
    return [node.op_type for node in model.graph.node]
