"""What a misprediction becomes: a case that shows it on its own, or the facts of the node where none does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.load import read_view, view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.oracle.evidence import evidence_lines
from rkgraph.oracle.truth import Truth
from rkgraph.oracle.verify import Verified, reconcile
from rkgraph.probe.case import parse
from rkgraph.probe.facts import Facts
from rkgraph.probe.node_case import cases_of, describe
from rkgraph.probe.store import ProbeStore
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.builders import saved, text_model
from tests.oracle.chains import answering, layer_table
from tests.rulebook.builders import op, table

TWO = "g (float[1,8,16] x) => (float[1,8,16] z) { [first] a = Relu(x)  [second] b = Relu(a)  [other] z = Add(b, x) }"
TABLE = table(op("Relu", "npu"), op("Add", "npu"))
ON_CPU = layer_table(("Relu", "CPU", "first"), ("Relu", "CPU", "second"), ("Add", "NPU", "other"))


def judged(folder: Path, truth: Truth, text: str = TWO) -> Verified:
    view = read_view(saved(text_model(text), folder))
    return reconcile(view, Target(), RuleSet("test", "2.3.2", ("RK",)), truth, options=Options(), table=TABLE)


def lines(done: Verified, store: ProbeStore) -> list[dict[str, Any]]:
    _, chain = answering(outcome="ok")
    return [json.loads(line) for line in evidence_lines(done, chain, store)]


def filled(store: ProbeStore, node: Node, graph: GraphView, target: str) -> ProbeStore:
    """A store that knows of each case of the node that it runs on `target`."""
    for case in cases_of(node, graph):
        store.keep(case.text, Target(), Facts("ok", layers=((node.op, target, "probe"),)))
    return store


def test_a_case_that_shows_it_is_evidence_like_any_other(tmp_path: Path) -> None:
    done = judged(tmp_path, Truth("ok", log=ON_CPU))
    graph = done.view.main
    found = lines(done, filled(ProbeStore(tmp_path / "s"), graph.nodes[0], graph, "CPU"))
    assert {line["outcome"] for line in found} == {"cpu"}
    assert {line["op"] for line in found} == {"Relu"}
    for line in found:
        assert line["layers"] == ["Relu@CPU"]
        assert (line["toolkit"], line["platform"], line["precision"]) == ("2.3.2", "rk3588", "fp16")
        (probe,) = [node for node in parse(line["model"]).graph.node if node.name == "probe"]
        assert probe.op_type == "Relu"
        assert line["id"].startswith("Relu/seen-")


def test_where_no_case_shows_it_the_facts_of_the_model_are_told(tmp_path: Path) -> None:
    done = judged(tmp_path, Truth("ok", log=ON_CPU))
    graph = done.view.main
    found = lines(done, filled(ProbeStore(tmp_path / "s"), graph.nodes[0], graph, "NPU"))
    assert [line["instance"]["after"] for line in found] == [["input"], ["Relu"]]
    assert all("model" not in line and line["outcome"] == "cpu" for line in found)


def test_where_prediction_and_compiler_agree_there_is_no_evidence(tmp_path: Path) -> None:
    agreed = layer_table(("Relu", "NPU", "first"), ("Relu", "NPU", "second"), ("Add", "NPU", "other"))
    assert not lines(judged(tmp_path, Truth("ok", log=agreed)), ProbeStore(tmp_path / "s"))


def test_a_build_that_fails_names_its_node_or_tells_of_the_whole(tmp_path: Path) -> None:
    store = ProbeStore(tmp_path / "s")
    done = judged(tmp_path, Truth("build-failed", "build", "KeyError: 'other'"))
    graph = done.view.main
    (line,) = lines(done, filled(store, graph.nodes[2], graph, "NPU"))
    assert (line["op"], line["outcome"], line["error"]) == ("Add", "build-fails", "build: KeyError: 'other'")
    (line,) = lines(judged(tmp_path, Truth("died", "build", signal="SIGSEGV")), store)
    assert line["operators"] == {"Add": 1, "Relu": 2}
    assert line["outcome"] == "build-fails"
    assert line["sha256"] == done.view.sha256


def only(text: str, opset: int = 17) -> tuple[Node, GraphView]:
    graph = view_of(text_model(text, opset), Path("m"), "", {}, {}).main
    return next(node for node in graph.nodes if node.name == "probed"), graph


def test_a_case_keeps_constants_and_what_is_left_out() -> None:
    node, graph = only(
        "g (float[1,4,6] x) => (float[1,4,3] y) <int64[1] s = {0}, int64[1] e = {3}, int64[1] d = {2}> "
        "{ a = Constant<value = int64[1] {2}>()  [probed] y = Slice(x, s, e, a, ) }"
    )
    cases = cases_of(node, graph)
    assert {case.id.rsplit(",", 1)[1] for case in cases} >= {"between", "alone"}
    model = parse(cases[0].text)
    probe = next(n for n in model.graph.node if n.name == "probe")
    values = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
    values |= {
        n.output[0]: onnx.numpy_helper.to_array(n.attribute[0].t).tolist()
        for n in model.graph.node
        if n.op_type == "Constant"
    }
    assert [values.get(name) for name in probe.input[1:4]] == [[0], [3], [2]]
    assert list(probe.input[4:]) in ([], [""])


@pytest.mark.parametrize(
    "text",
    [
        "g (float[N,4] x) => (float[N,4] y) { [probed] y = Relu(x) }",  # not static
        "g () => (float[2] y) { c = Constant<value = float[2] {1, 2}>()  [probed] y = Relu(c) }",  # nothing is computed
    ],
)
def test_what_no_case_can_hold_has_none_and_is_described(text: str) -> None:
    node, graph = only(text)
    assert not cases_of(node, graph)
    assert describe(node, graph)["inputs"][0]["dtype"] == "float32"


DIMS = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(DIMS, st.floats(0.01, 10, allow_nan=False), st.sampled_from(["float", "float16", "double"]))
@settings(max_examples=40, deadline=None)
def test_the_probed_node_is_the_models_own(dims: list[int], alpha: float, dtype: str) -> None:
    shape = ",".join(map(str, dims))
    text = f"g ({dtype}[{shape}] x) => ({dtype}[{shape}] y) {{ [probed] y = LeakyRelu<alpha = {alpha!r}>(x) }}"
    node, graph = only(text)
    cases = cases_of(node, graph)
    assert cases
    for case in cases:
        model = parse(case.text)
        probe = next(n for n in model.graph.node if n.name == "probe")
        assert probe.op_type == "LeakyRelu"
        assert probe.attribute[0].f == pytest.approx(alpha)
        types = {v.name: v.type.tensor_type for v in (*model.graph.input, *model.graph.value_info)}
        assert [d.dim_value for d in types[probe.input[0]].shape.dim] == dims
        assert case.id.startswith("LeakyRelu/seen-")
