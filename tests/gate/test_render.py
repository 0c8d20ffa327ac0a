"""What the gate says stays text, whatever models are called, and is the same in every form."""

from __future__ import annotations

import json
import math

import pytest

from rkgraph.diagnostics import Device
from rkgraph.gate.check import Verdicts, check
from rkgraph.gate.measures import Kind
from rkgraph.gate.policy import parse_policy
from rkgraph.gate.render import as_json, headline, markdown, shown, table, written
from tests.gate.samples import compiled, placed, result, told

POLICY = parse_policy("[budget]\ncpu-nodes = 1\ncosine = 0.9\ntraffic = 8192\nverdict = 'deployable'", "gate.toml")


def judged(*names: str) -> Verdicts:
    return check(told(*(result(name, placement=placed(*[Device.CPU] * 2)) for name in names)), POLICY)


def test_the_headline_counts() -> None:
    assert headline(judged("a", "b")) == "gate: FAILED (2 of 2 models; of 8 numbers 2 beyond their bounds, 2 missing)"
    assert headline(check(told(compiled()), POLICY)) == "gate: passed (1 model, 4 numbers within their bounds)"


def test_what_fails_comes_first_and_alone_where_there_is_much() -> None:
    found = judged(*(f"m{i}" for i in range(20)))
    rows = shown(found)
    assert len(rows) == 40
    assert all(row.state.bad for row in rows)
    assert len(shown(found, everything=True)) == 80
    assert [row.state.bad for row in shown(judged("a"))] == [True, True, False, False]


def test_a_model_is_named_once() -> None:
    cells = table(judged("a").rows)
    assert [cell[1] for cell in cells] == ["a", "", "", ""]
    assert ("✗", "a", "rk3588/2.3.2/fp16", "cpu-nodes", "2", "≤ 1", "") in cells
    assert ("✓", "", "", "traffic", "≈ 8.00 kB", "≤ 8.00 kB", "") in cells
    assert ("?", "", "", "cosine", "none", "≥ 0.9", "no number") in cells


def test_hostile_names_stay_in_their_cell() -> None:
    text = markdown(judged("a|b`\n### @all <script>\x1b[31m.onnx"))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 5
    assert "\x1b" not in text
    assert all("\n" not in cell for row in table(judged("a\nb").rows) for cell in row)


def test_the_json_says_the_same_raw() -> None:
    document = json.loads(as_json(check(told(compiled(cosine=None)), POLICY)))
    assert (document["schema"], document["passed"]) == ("rkgraph.gate/1", False)
    by_name = {row["number"]: row for row in document["rows"]}
    assert by_name["verdict"]["value"] == by_name["verdict"]["limit"] == "deployable"
    assert (by_name["traffic"]["value"], by_name["traffic"]["source"]) == (4096, "compiled")
    assert (by_name["cosine"]["value"], by_name["cosine"]["state"]) == ("NaN", "fail")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        *((Kind.COUNT, 1234567.0, "1,234,567"), (Kind.COUNT, 1.5, "1.5"), (Kind.BYTES, 3.5 * 2**20, "3.50 MB")),
        *((Kind.BYTES, 12.0, "12 B"), (Kind.SHARE, 0.0004, "0.04 %"), (Kind.LIKENESS, 0.99991, "0.99991")),
        *((Kind.VERDICT, 3.0, "build-fails"), (Kind.LIKENESS, math.nan, "not a number")),
    ],
)
def test_numbers_are_written_for_people(kind: Kind, value: float, text: str) -> None:
    assert written(kind, value) == text
