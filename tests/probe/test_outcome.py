"""Lines of evidence keep the warnings that leave open what the board does."""

from __future__ import annotations

from rkgraph.probe.case import Case
from rkgraph.probe.facts import Facts
from rkgraph.probe.outcome import line_of

CASE = Case("MaxPool/x,alone", "MaxPool", "")


def test_a_register_that_overflows_is_told_beside_the_outcome():
    facts = Facts("ok", layers=(("MaxPool", "NPU", "MaxPool:probe"),), codes=("RK921", "RK922"))
    line = line_of(CASE, facts)
    assert (line["outcome"], line["warned"]) == ("npu", ["RK922"])


def test_other_codes_are_not_kept():
    facts = Facts("ok", layers=(("MaxPool", "NPU", "MaxPool:probe"),), codes=("RK921",))
    assert "warned" not in line_of(CASE, facts)
