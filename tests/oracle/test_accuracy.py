"""What the accuracy benchmark counts: right and wrong verdicts and devices, and what it leaves out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from accuracy_counts import Answer, Block, node_counts, tables
from accuracy_models import public_models, suite_models

from rkgraph.graph.load import read_view
from rkgraph.oracle.truth import Truth
from rkgraph.oracle.verify import reconcile
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.builders import saved, text_model
from tests.oracle.chains import layer_table
from tests.rulebook.builders import op, table

CHAIN = "g (float[1,4] x) => (float[1,4] z) { [a] p = Relu(x)  [b] q = Neg(p)  [c] r = Abs(q)  [d] z = Sigmoid(r) }"
TABLE = table(op("Relu", "npu"), op("Neg", "cpu"), op("Abs", "cpu"), op("Sigmoid", "cpu"))


@pytest.mark.parametrize(
    ("layers", "dropped", "expected"),
    [
        ("NPU CPU CPU CPU", "", {"live": 4, "right": 4, "is-cpu": 3, "said-cpu": 3, "both-cpu": 3}),
        ("CPU NPU CPU CPU", "", {"live": 4, "right": 2, "is-cpu": 3, "said-cpu": 3, "both-cpu": 2}),
        (
            "NPU CPU CPU",
            "d",
            {"live": 3, "right": 3, "is-cpu": 2, "said-cpu": 2, "both-cpu": 2, "gone": 1, "gone-said-cpu": 1},
        ),
    ],
)
def test_nodes_are_counted(layers: str, dropped: str, expected: dict[str, int], tmp_path: Path) -> None:
    rows = [(name.upper(), target, name) for name, target in zip("abcd", layers.split(), strict=False)]
    drop = f"D     remove_invalid_x: remove node = ['{dropped}']\n" if dropped else ""
    view = read_view(saved(text_model(CHAIN), tmp_path))
    truth = Truth("ok", log=drop + layer_table(*rows))
    done = reconcile(view, Target(), RuleSet("t", "2.3.2"), truth, options=Options(), table=TABLE)
    assert +node_counts(done) == Counter(expected)


def test_the_tables_tell_right_from_wrong() -> None:
    block = Block("t", "rk3588, 2.3.2")
    words = ("deployable", "no-board-kernel", "build-fails")
    block.answers = [Answer(word, word, word) for word in words]
    block.answers += [Answer("false", "deployable", "build-fails"), Answer("gap", "unknown", "deployable")]
    text = "\n".join(tables([block], with_nodes=True))
    assert "| rk3588, 2.3.2 | 5 | 60.0 % (3) | 20.0 % (1) | 20.0 % (1) | 0 |" in text
    assert "| build-fails | 1 | 0 | 1 | 0 |" in text
    assert [answer.id for answer in block.wrong] == ["false", "gap"]


def test_suites_are_taken_by_opset_and_public_models_with_their_shapes(tmp_path: Path) -> None:
    for opset in (17, 20):
        folder = tmp_path / "suite" / "node" / f"test_{opset}"
        folder.mkdir(parents=True)
        saved(text_model(CHAIN, opset), folder)
    assert [each.id for each in suite_models(tmp_path / "suite", opsets=range(20))] == ["node/test_17"]
    assert [each.id for each in suite_models(tmp_path / "suite", opsets=range(20, 99))] == ["node/test_20"]
    rows = [
        {
            "name": name,
            "file": f"{name}.onnx",
            "sample_inputs": [{"name": "x", "shape": [1, 4]}, {"name": "s", "shape": []}],
        }
        for name in ("there", "absent", "there")
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    saved(text_model(CHAIN), tmp_path, "there.onnx")
    (found,) = public_models(tmp_path, [tmp_path / "list.jsonl"])
    assert (found.id, found.shapes) == ("there", {"x": (1, 4)})
