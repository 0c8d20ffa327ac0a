"""Which cases go to a board, and why."""

from __future__ import annotations

from typing import Any

import onnx.parser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rkgraph.boardcheck.candidates import (
    REASONS,
    Candidate,
    candidates_of_evidence,
    candidates_of_instances,
    candidates_of_table,
    signature_of_case,
)
from rkgraph.boardcheck.choice import choose
from rkgraph.probe.case import Case, case, computed, positions
from rkgraph.probe.instances import Instance
from rkgraph.tables.table import load_table
from rkgraph.targets import Target


def relu(slug: str, size: int = 3) -> Case:
    return case("Relu", slug, [computed(1, size)])


LINES: dict[str, tuple[dict[str, Any], str | None]] = {
    "lost": ({"outcome": "no-kernel", "layers": ["Relu@CPU"], "lost": ["Relu"]}, "no-kernel"),
    "overflow": ({"outcome": "npu", "layers": ["Relu@NPU"], "warned": ["RK922"]}, "register"),
    "cpu": ({"outcome": "cpu", "layers": ["Relu@CPU"]}, "cpu"),
    "npu": ({"outcome": "npu", "layers": ["Relu@NPU"]}, None),
    "fails": ({"outcome": "build-fails", "error": "build: x"}, None),
}


@pytest.mark.parametrize("name", LINES)
def test_what_is_open(name: str) -> None:
    line, reason = LINES[name]
    made = relu(name)
    found = candidates_of_evidence({made.id: made}, {made.id: {"id": made.id, **line}}, ())
    assert [each.reason for each in found] == ([reason] if reason else [])


@pytest.mark.parametrize(("name", "reason"), [("npu", "disputed"), ("cpu", "disputed"), ("lost", "no-kernel")])
def test_what_a_document_disputes_is_open(name: str, reason: str) -> None:
    made = relu(name)
    lines = {made.id: {"id": made.id, **LINES[name][0]}}
    assert [each.reason for each in candidates_of_evidence({made.id: made}, lines, ["Relu"])] == [reason]
    assert [each.reason for each in candidates_of_evidence({made.id: made}, lines, ["Abs"])] != ["disputed"]


def test_patterns_are_not_asked_for_their_node_is_no_instance() -> None:
    made = Case("Relu/in-something,first", "Relu", relu("x").text)
    assert not candidates_of_evidence({made.id: made}, {made.id: {"id": made.id, **LINES["cpu"][0]}}, ())


def test_one_of_each_leaf_and_the_plainest() -> None:
    cases = {c.id: c for size in (3, 30) for c in positions("Relu", f"s{size}", [computed(1, size)])}
    lines = {name: {"id": name, **LINES["cpu"][0]} for name in cases}
    other = relu("other")
    cases[other.id], lines[other.id] = other, {"id": other.id, **LINES["lost"][0]}
    chosen = choose(candidates_of_evidence(cases, lines, ()))
    assert [each.case.id for each in chosen] == ["Relu/other,alone", "Relu/s3,alone"]


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(REASONS)), st.sampled_from(["A", "B", "C"]), st.integers(0, 4)), max_size=30
    ),
    st.integers(1, 12),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_choosing(drawn: list[tuple[Any, str, int]], limit: int) -> None:
    candidates = [
        Candidate(Case(f"{op}/{number},alone", op, "text"), reason, (op, str(leaf)))
        for number, (reason, op, leaf) in enumerate(drawn)
    ]
    chosen = choose(candidates, limit)
    leaves = {(each.reason, *each.leaf) for each in candidates}
    assert len(chosen) == min(limit, len(leaves))
    assert len({(each.reason, *each.leaf) for each in chosen}) == len(chosen)
    operators = {(each.reason, each.case.op) for each in candidates}
    assert len({(each.reason, each.case.op) for each in chosen}) == min(limit, len(operators))
    assert choose(reversed(candidates), limit) == chosen


def test_without_evidence_the_op_table_says_what_is_open() -> None:
    made = [case("Softsign", f"s{n}", [computed(1, n)]) for n in range(2, 20)] + [case("Relu", "s", [computed(1, 3)])]
    table = load_table("2.3.2")
    found = list(candidates_of_table({c.id: c for c in made}, table, Target()))
    assert len(found) == 12
    assert {(each.case.op, each.reason) for each in found} == {("Softsign", "no-kernel")}
    assert len(choose(found)) == 1


def test_instances_of_a_model() -> None:
    made = relu("seen")
    known = Instance("Relu", ("a",), "cpu", "signature", (made, relu("alone")))
    gone = Instance("If", ("b",), "unknown", why_not="it has a subgraph")
    fails = Instance("Det", ("c",), "build-fails", "other", (made,))
    assert candidates_of_instances([known, gone, fails]) == [Candidate(made, "cpu", ("signature",), "signature")]


def test_the_signature_is_that_of_the_probed_node() -> None:
    first, second = relu("a"), relu("b")
    assert signature_of_case(first) == signature_of_case(second) != signature_of_case(relu("c", 4))
    assert onnx.parser.parse_model(first.text).graph.node[-1].name == "probe"
