"""Which layers decide where the probed node of a case runs."""

from __future__ import annotations

import pytest

from rkgraph.probe.case import Case, parse, written
from rkgraph.probe.facts import Facts
from rkgraph.probe.outcome import line_of

WORK, BEFORE = ("Conv", "NPU", "probe_mm"), ("Reshape", "CPU", "x2_rs")
CONVERSION = ("Reshape", "CPU", "probe")


def outcome(op: str, position: str, *layers: tuple[str, str, str]) -> str:
    """What becomes of a node with these layers."""
    return str(line_of(Case(f"{op}/x,{position}", op, ""), Facts("ok", layers=layers))["outcome"])


def test_a_conversion_of_the_node_decides_nothing_beside_its_work() -> None:
    assert outcome("ReduceMean", "alone", CONVERSION, WORK) == "npu"
    assert outcome("ReduceMean", "alone", CONVERSION, ("Conv", "NPU", "x2_mm")) == "npu"


def test_a_conversion_decides_where_the_node_became_nothing_else() -> None:
    assert outcome("ReduceMean", "alone", CONVERSION) == "cpu"
    assert outcome("Reshape", "alone", CONVERSION, WORK) == "cpu"


def test_work_on_the_cpu_decides() -> None:
    assert outcome("ReduceMax", "alone", ("Reshape", "NPU", "x2_rs"), ("ReduceMax", "CPU", "probe")) == "cpu"


@pytest.mark.parametrize(("position", "expected"), [("alone", "cpu"), ("between", "npu"), ("inside", "npu")])
def test_what_is_done_to_an_input_of_the_model_is_the_nodes_only_where_it_reads_it(
    position: str, expected: str
) -> None:
    assert outcome("Transpose", position, BEFORE) == expected


def test_a_written_case_keeps_the_companion_and_its_names() -> None:
    case = written(
        "If",
        "x",
        inputs="float[3] x, bool[1] c",
        nodes="[probe] probe_y = If<then_branch = g () => (float[3] a) { a = Neg(x) },"
        " else_branch = h () => (float[3] b) { b = Exp(x) }>(c)",
        outputs="probe_y",
        opset=13,
    )
    model = parse(case.text)
    assert case.id == "If/x,alone"
    assert [n.op_type for n in model.graph.node] == ["Conv", "If"]
    assert [v.name for v in model.graph.output] == ["probe_y", "k1"]
    assert model.opset_import[0].version == 13
