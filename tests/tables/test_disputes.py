"""What counts as a disagreement of a document with a measurement, and what does not."""

from __future__ import annotations

import json

import pytest

from rkgraph.diagnostics import Confidence
from rkgraph.resources import data_folder
from rkgraph.tables.disputes import contradiction, disputes, weigh
from rkgraph.tables.documented import resolves
from rkgraph.tables.entry import Entry, Limit, Outcome
from rkgraph.tables.limits import Batch, Dtype
from rkgraph.tables.statement import Statement
from tests.tables.views import graph, node

VERSION = "2.3.2"


def entry(op: str, outcome: Outcome, *limits: Limit, domain: str = "", on: tuple[str, ...] = ()) -> Entry:
    return Entry(op, domain, (1, 19), outcome, (f"probe:{op}/x",), Confidence.PROBED, limits, on)


def fails(*on: str) -> Limit:
    return Limit(Dtype(0, allowed=("float32",)), "no-kernel", ("probe:x/bad",), Confidence.PROBED, platforms=on)


def said(claim, **more) -> Statement:
    return Statement("Op", (VERSION,), claim, ("doc:list/Op",), **more)


@pytest.mark.parametrize(
    ("statement", "measured", "kind"),
    [
        (said("unsupported"), "npu", "refused-but-builds"),
        (said("unsupported"), "cpu", "refused-but-builds"),
        (said("unsupported"), "no-kernel", None),
        (said("unsupported"), "build-fails", None),
        (said("supported"), "build-fails", "claimed-but-fails"),
        (said("supported"), "cpu", None),
        (said("restricted", note="n"), "no-kernel", "claimed-but-fails"),
        (said("cpu"), "no-kernel", "claimed-but-fails"),
        (said("cpu"), "npu", None),
        (said("npu"), "cpu", "other-device"),
        (said("npu", note="n"), "cpu", None),
        (said("npu"), "npu", None),
        (said("npu"), "unknown", None),
    ],
)
def test_contradictions(statement, measured, kind):
    assert contradiction(statement, measured) == kind


def test_a_cpu_operator_elsewhere_is_no_contradiction_of_the_npu():
    assert contradiction(said("npu"), "cpu", elsewhere=True) is None


def test_disputes_name_both_words():
    (dispute,) = disputes(entry("Abs", "npu"), VERSION, "rk3588")
    assert dispute.kind == "refused-but-builds"
    assert dispute.text == "doc:op-support-2.3.2/Abs says unsupported; measured npu at best"
    assert dispute.evidence == ("probe:Abs/x",)
    assert disputes(entry("Abs", "no-kernel"), VERSION, "rk3588") == ()


def test_a_claim_without_conditions_warns_of_no_failure():
    (dispute,) = disputes(entry("Sigmoid", "npu", fails()), VERSION, "rv1106", "w8a8")[:1]
    assert (dispute.kind, dispute.measured, dispute.evidence) == ("no-warning", "no-kernel", ("probe:x/bad",))
    assert dispute.text.endswith("measured no-kernel in some forms")
    assert disputes(entry("Sigmoid", "npu", fails("rk3588")), VERSION, "rv1106", "w8a8") == ()


def test_a_claim_with_conditions_warns():
    assert [d.kind for d in disputes(entry("GRU", "npu", fails()), VERSION, "rv1106", "w8a8")] == []


@pytest.mark.parametrize(
    "undisputed",
    [
        entry("Abs", "unknown"),
        entry("Abs", "npu", domain="com.microsoft"),
        entry("Abs", "npu", on=("rk3576",)),
        entry("NoSuchOperator", "npu"),
    ],
)
def test_what_cannot_be_disputed(undisputed):
    assert disputes(undisputed, VERSION, "rk3588") == ()


def test_a_layer_of_the_compiler_disputes_no_operator():
    assert disputes(entry("Gelu", "build-fails"), VERSION, "rk3588") == ()


def test_versions_without_documents_dispute_nothing():
    assert disputes(entry("Abs", "npu"), "2.5.0", "rk3588") == ()


def documented(check) -> Limit:
    return Limit(check, "cpu", ("doc:list/Op",), Confidence.DOCUMENTED)


def measured(name: str, dtype: str, batch: int, outcome: Outcome):
    probed = node("Op", ("x",))
    return name, probed, graph((probed,), {"x": (dtype, (batch, 4)), "y": (dtype, None)}), outcome


def test_limits_are_weighed_by_what_lies_beyond_them_alone():
    limits = (documented(Dtype(0, allowed=("float32",))), documented(Batch(0)))
    seen = [
        measured("within", "float32", 1, "npu"),
        measured("other dtype", "int64", 1, "cpu"),
        measured("both", "int64", 2, "npu"),
    ]
    dtype, batch = weigh(limits, seen, "rk3588")
    assert (dtype.beyond, dtype.confirmed, dtype.contradicted) == ((("other dtype", "cpu"),), True, False)
    assert (batch.beyond, batch.confirmed, batch.contradicted) == ((), False, False)
    _, batch = weigh(limits, [*seen, measured("two", "float32", 2, "npu")], "rk3588")
    assert (batch.confirmed, batch.contradicted) == (False, True)
    _, batch = weigh(limits, [*seen, measured("two", "float32", 2, "npu")], "rk3588", {"two", "within"})
    assert (batch.confirmed, batch.contradicted, batch.overflows) == (True, False, {"two"})


def test_every_document_that_a_table_calls_disputed_exists_and_is_of_its_version():
    found = 0
    for path in sorted(data_folder("op_tables").glob("rknn-*.index.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        for entries in table["ops"].values():
            for identifier in (i for e in entries for i in e.get("disputed", ())):
                assert resolves(identifier), f"{path.name}: {identifier}"
                assert identifier.startswith("field:") or f"-{table['toolkit']}/" in identifier, identifier
                found += 1
    assert found >= 10
