from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text, operators
from tests.rules.rewriting import fixed, run

CODE = "RK183"
STEPS, FEATURES, HIDDEN = 5, 8, 8


def model(
    *, directions: int = 1, per_column: bool = False, states: bool = False, dtype: str = "int8"
) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    rows, info = 4 * HIDDEN, np.iinfo(dtype)
    column = (directions, rows) if per_column else (directions,)
    arrays = {
        "w": random.integers(info.min, info.max, (directions, FEATURES, rows)).astype(dtype),
        "r": random.integers(info.min, info.max, (directions, HIDDEN, rows)).astype(dtype),
        "b": random.normal(0, 0.1, (directions, 8 * HIDDEN)).astype("f"),
        "ws": random.uniform(0.001, 0.004, column).astype("f"),
        "rs": random.uniform(0.001, 0.004, column).astype("f"),
        "wz": np.full(column, 128 if dtype == "uint8" else 0, dtype),
        "rz": np.full(column, 128 if dtype == "uint8" else 0, dtype),
    }
    state = ["h", "c"] if states else ["", ""]
    node = helper.make_node(
        "DynamicQuantizeLSTM",
        ["x", "w", "r", "b", "", *state, "", "ws", "wz", "rs", "rz"],
        ["y", "", "last"],
        domain="com.microsoft",
        hidden_size=HIDDEN,
        direction="bidirectional" if directions == 2 else "forward",
    )
    given = [("x", (STEPS, 1, FEATURES))] + ([(name, (directions, 1, HIDDEN)) for name in state] if states else [])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(name, 1, shape) for name, shape in given],
        [
            helper.make_tensor_value_info("y", 1, (STEPS, directions, 1, HIDDEN)),
            helper.make_tensor_value_info("last", 1, (directions, 1, HIDDEN)),
        ],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"directions": 2},
        {"per_column": True},
        {"states": True, "directions": 2, "per_column": True},
        {"dtype": "uint8"},
    ],
)
def test_the_lstm_of_floats_is_near(how: dict[str, object]) -> None:
    before = model(**how)  # type: ignore[arg-type]
    after, _ = fixed(before, CODE)
    assert "DynamicQuantizeLSTM" not in {node.op_type for node in after.graph.node}
    random = np.random.default_rng(1)
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in before.graph.input}
    feeds = {name: random.normal(0, 0.5, shape).astype("f") for name, shape in shapes.items()}
    for old, new in zip(run(before, feeds), run(after, feeds), strict=True):
        expected = np.asarray(old, "f8")
        assert np.linalg.norm(np.asarray(new, "f8") - expected) <= 0.05 * np.linalg.norm(expected)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    outcome = fix_text(model(states=True), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert "LSTM" in operators(outcome)


def test_wrong_weights_would_be_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rkgraph.rules import rk183_dynamically_quantized_lstm as rule

    right = rule._weights
    monkeypatch.setattr(
        rule, "_weights", lambda graph, node, writer, *at: writer.op("Neg", right(graph, node, writer, *at))
    )
    outcome = fix_text(model(), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert outcome.is_refuted
    assert outcome.fixes.applied == ()
