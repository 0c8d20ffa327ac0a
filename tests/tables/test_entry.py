"""What the loader of entries refuses, each with the place and the field."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.tables.entry import read_entry, worst
from rkgraph.tables.index import SCHEMA, index_table
from rkgraph.tables.limits import Dtype

GOOD: dict[str, Any] = {
    "op": "Gather",
    "outcome": "npu",
    "evidence": ["probe:Gather/a"],
    "limit": [
        {
            "kind": "dtype",
            "index": 0,
            "allowed": ["float32"],
            "outcome": "cpu",
            "confidence": "documented",
            "evidence": ["doc:list/Gather"],
            "when": [{"kind": "constant", "index": 1}],
        }
    ],
}

HEADER = {"schema": SCHEMA, "toolkit": "2.3.2", "measured": [{"platform": "rk3588", "precision": "fp16", "cases": 1}]}


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """GOOD with one field set; a value of None takes the field away."""
    data = copy.deepcopy(GOOD)
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


def test_a_good_entry():
    entry = read_entry(GOOD, "t.toml, entry 1")
    assert (entry.op, entry.domain, entry.outcome, entry.confidence) == ("Gather", "", "npu", Confidence.PROBED)
    (limit,) = entry.limits
    assert limit.check == Dtype(0, allowed=("float32",))
    assert limit.confidence is Confidence.DOCUMENTED
    assert limit.describe() == "where input 1 is a constant, input 0 must be float32"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("op",), None, "t.toml, entry 1: `op` must be a text"),
        (("outcome",), None, "`outcome` must be one of npu, cpu, unknown, no-kernel, build-fails, here None"),
        (("outcome",), "gpu", "here 'gpu'"),
        (("evidence",), None, "t.toml, entry 1: `evidence` is missing or empty"),
        (("evidence",), [], "`evidence` is missing or empty"),
        (("evidence",), "probe:x", "`evidence` must be a list of texts"),
        (("evidence",), ["hearsay:x"], "evidence 'hearsay:x' must be probe:…, facts:…, doc:… or field:…"),
        (("evidence",), ["probe:"], "evidence 'probe:' must be"),
        (("confidence",), "sure", "`confidence` must be one of device, probed"),
        (("colour",), "red", "unknown field 'colour'"),
        (("opsets",), [13], "`opsets` must be [first, last], here [13]"),
        (("opsets",), [17, 13], "`opsets` is empty"),
        (("platforms",), "rk3588", "`platforms` must be a list of texts"),
        (("limit", 0, "evidence"), None, "t.toml, entry 1, limit 1: `evidence` is missing or empty"),
        (("limit", 0, "outcome"), None, "limit 1: `outcome` must be one of"),
        (("limit", 0, "kind"), "colour", "limit 1: unknown kind 'colour'; there are dtype, rank"),
        (("limit", 0, "kind"), None, "limit 1: unknown kind None"),
        (("limit", 0, "axis"), 1, "limit 1 (dtype): unknown field 'axis'"),
        (("limit", 0, "index"), None, "limit 1 (dtype): `index` is missing"),
        (("limit", 0, "index"), "some", "limit 1 (dtype): `index` must be int"),
        (("limit", 0, "index"), True, "`index` must be int"),
        (("limit", 0, "side"), "inside", "`side` must be Literal"),
        (("limit", 0, "allowed"), ["float32", 3], "`allowed` must be tuple[str, ...]"),
        (("limit", 0, "allowed"), [], "one of `allowed` and `refused` must be given"),
        (("limit", 0, "refused"), ["bool"], "one of `allowed` and `refused` must be given"),
        (("limit", 0, "when"), [{"kind": "colour"}], "limit 1, condition 1: unknown kind 'colour'"),
        (("limit", 0, "when"), [{"kind": "constant", "index": 1, "constant": 1}], "`constant` must be bool"),
        (("limit", 0, "when"), [{"kind": "dimension", "index": 0}], "`low` or `high` must be given"),
        (("limit", 0, "when"), [{"kind": "product", "index": 0, "high": 1}], "`axes` is missing or empty"),
        (("limit", 0, "when"), [{"kind": "neighbour", "direction": "up", "chain": ["Add"]}], "`direction` must be"),
        (("limit", 0, "when"), [{"kind": "neighbour", "direction": "after"}], "`chain` is missing or empty"),
        (("limit", 0, "when"), [{"kind": "attribute-range", "attribute": "k", "low": "1"}], "`low` must be float"),
    ],
)
def test_a_bad_entry_is_refused_with_its_place(path, value, message):
    with pytest.raises(UsageError) as caught:
        read_entry(changed(path, value), "t.toml, entry 1")
    assert message in caught.value.message
    assert caught.value.message.startswith("t.toml, entry 1")


def test_the_header_is_needed():
    for key in HEADER:
        with pytest.raises(UsageError, match=key):
            index_table({k: v for k, v in HEADER.items() if k != key}, "t.toml")
    with pytest.raises(UsageError, match="element of `measured`"):
        index_table({**HEADER, "measured": [{"platform": "rk3588"}]}, "t.toml")


def test_two_entries_may_not_claim_the_same_opset():
    old, new = {**GOOD, "opsets": [1, 12]}, {**GOOD, "opsets": [13, 19]}
    assert len(index_table({**HEADER, "op": [old, new]}, "t.toml")["ops"]["Gather"]) == 2
    with pytest.raises(UsageError, match="overlap"):
        index_table({**HEADER, "op": [old, {**GOOD, "opsets": [12, 19]}]}, "t.toml")


def test_other_domains_have_keys_of_their_own():
    custom = {**GOOD, "domain": "com.microsoft"}
    assert set(index_table({**HEADER, "op": [GOOD, custom]}, "t.toml")["ops"]) == {"Gather", "com.microsoft::Gather"}


def test_the_worst_outcome():
    assert worst(("npu", "cpu")) == "cpu"
    assert worst(("no-kernel", "unknown", "cpu")) == "no-kernel"
    assert worst(("build-fails", "no-kernel")) == "build-fails"
