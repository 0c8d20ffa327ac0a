"""The table of 2.3.2 against what was measured: every line is predicted or listed, every id that is cited exists."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rkgraph.resources import data_folder
from rkgraph.tables.entry import Entry
from rkgraph.tables.table import load_table

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from check_op_table import disagreement
from op_cases.evidence import read_evidence

EVIDENCE = data_folder("op_tables") / "evidence"
LINES = {line["id"]: line for line in map(json.loads, (EVIDENCE / "rknn-2.3.2.jsonl").read_text().splitlines())}
LISTED = set((EVIDENCE / "rknn-2.3.2.disagreements.txt").read_text().splitlines())


def cited(entry: Entry) -> Iterator[str]:
    yield from entry.evidence
    for limit in entry.limits:
        yield from limit.evidence


@pytest.mark.parametrize("op", sorted({line["op"] for line in LINES.values()}))
def test_the_table_predicts_its_evidence(op):
    table = load_table("2.3.2")
    found = {line for seen in read_evidence("2.3.2", {op})[op] if (line := disagreement(table, seen))}
    assert found == {line for line in LISTED if line.startswith(f"{op}/")}


def test_disagreements_are_few():
    assert len(LISTED) <= 0.02 * len(LINES)
    assert {line.partition(":")[0] for line in LISTED} <= set(LINES)


def test_a_wrong_table_is_seen():
    """Negative control: a case that is misjudged gives a line."""
    seen = read_evidence("2.3.2", {"Trilu"})["Trilu"][0]
    other = type(seen)(seen.id, seen.node, seen.graph, "npu")
    assert disagreement(load_table("2.3.2"), seen) is None
    assert disagreement(load_table("2.3.2"), other) == f"{seen.id}: measured npu, predicted no-kernel"


def test_every_id_that_is_cited_exists():
    facts = set(re.findall(r"`(facts:[a-z0-9-]+)`", (EVIDENCE / "README.md").read_text()))
    for entry in load_table("2.3.2").entries():
        for name in cited(entry):
            kind, _, rest = name.partition(":")
            assert (rest in LINES) if kind == "probe" else (name in facts), f"{entry.op} cites {name}"


def test_limits_cite_cases_of_their_own_outcome():
    """A probe that a limit cites is of that operator, and had the outcome that the limit states (or marks an edge)."""
    for entry in load_table("2.3.2").entries():
        for statement in (entry, *entry.limits):
            for name in statement.evidence:
                if statement.outcome != "unknown" and name.startswith("probe:"):
                    line = LINES[name.removeprefix("probe:")]
                    assert line["op"] == entry.op
                    assert line["outcome"] == statement.outcome, f"{entry.op} cites {name}"


def test_the_evidence_names_no_place_of_the_machine_it_was_made_on():
    for path in EVIDENCE.iterdir():
        assert not re.search(r"/(tmp|root|home|usr|work)/", path.read_text()), path.name


def test_the_evidence_stays_small():
    assert sum(path.stat().st_size for path in EVIDENCE.iterdir()) < 2_000_000


def test_no_probed_node_stands_alone():
    """No model may be a bare operator, as those of published suites are."""
    assert all("k1 = Conv(k0, w_k)" in line["model"] for line in LINES.values())
