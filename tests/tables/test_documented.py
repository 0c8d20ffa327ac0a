"""Documented statements: read strictly, every citation resolves, every section is read, limits hold on both sides."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx.defs
import pytest

from rkgraph.derived import derive, index_of, read_toml
from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.resources import data_folder
from rkgraph.tables.documented import (
    FILES,
    cited,
    documented_versions,
    limits_of,
    resolves,
    sources,
    statements,
)
from rkgraph.tables.entry import Limit
from rkgraph.tables.statement import Statement
from rkgraph.tables.statement_reading import SCHEMA, index_document, read_document
from rkgraph.targets import platforms
from tests.tables.views import graph, node

VERSION = "2.3.2"
SCHEMAS = {schema.name: schema for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""}
GOOD: dict[str, Any] = {
    "schema": SCHEMA,
    "source": [{"name": "somebody/something#1", "url": "https://example.org/1"}],
    "statement": [
        {
            "op": "Conv",
            "toolkits": [VERSION],
            "claim": "npu",
            "platforms": ["rk3588"],
            "limits": [
                {
                    "kind": "rank",
                    "index": 0,
                    "allowed": [4],
                    "types": ["int8"],
                    "when": [{"kind": "constant", "index": 1}],
                }
            ],
            "sources": ["field:somebody/something#1"],
        }
    ],
}


def everything() -> list[Statement]:
    return list({id(s): s for v in (*documented_versions(), "2.5.0") for s in statements(v)}.values())


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


def test_a_good_document():
    found, (statement,) = read_document(GOOD, "t.toml")
    assert list(found) == ["somebody/something#1"]
    assert (statement.op, statement.claim, statement.confidence) == ("Conv", "npu", Confidence.FIELD_REPORT)
    (limit,) = statement.limits
    assert (limit.types, limit.check.describe()) == (("int8",), "the rank of input 0 must be 4")
    assert [c.condition for c in limit.when] == ["input 1 is a constant"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), "x", "`schema` must be"),
        (("more",), 1, "unknown field 'more'"),
        (("source", 0, "note"), "x", "source 1 (somebody/something#1): unknown field 'note'"),
        (("source", 0, "name"), "", "`name` is missing"),
        (("source", 0, "url"), "", "either `url` must be given, or all of repository"),
        (("source", 0, "sections"), {"3": "x"}, "`sections` must be numbers"),
        (("source", 0, "platforms"), {"3": 1}, "`3` must be a list of texts"),
        (("statement", 0, "outcome"), "npu", "statement 1 (Conv): unknown field 'outcome'"),
        (("statement", 0, "op"), None, "`op` must be a text"),
        (("statement", 0, "claim"), "gpu", "`claim` must be one of npu, cpu"),
        (("statement", 0, "sources"), [], "`sources` is missing or empty"),
        (("statement", 0, "toolkits"), None, "`toolkits` is missing or empty"),
        (("statement", 0, "sources"), ["probe:Conv/x"], "must be doc:… or field:…"),
        (("statement", 0, "internal"), 1, "`internal` must be true or false"),
        (("statement", 0, "limits", 0, "kind"), "size", "limit 1: unknown kind 'size'"),
        (("statement", 0, "limits", 0, "outcome"), "cpu", "unknown field 'outcome'"),
        (("statement", 0, "limits", 0, "when", 0, "kind"), "x", "limit 1, condition 1: unknown kind"),
    ],
)
def test_what_is_refused(path, value, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        read_document(changed(path, value), "t.toml")


def test_a_source_given_twice_is_refused():
    with pytest.raises(UsageError, match="given twice"):
        read_document(changed(("source",), GOOD["source"] * 2), "t.toml")


def test_every_id_resolves():
    assert not sorted({i for s in everything() for i in s.sources if not resolves(i)})


@pytest.mark.parametrize(
    "stranger",
    [
        "doc:operator-list-2.3.2/3.2.80",
        "doc:operator-list-2.3.2/3.2.0",
        "doc:operator-list-2.3.2/3.2.7-3.2.80",
        "doc:operator-list-2.3.2/3.9.1",
        "doc:operator-list-2.5.0/3.2.1",
        "doc:op-support-2.3.2/Nothing",
        "doc:operator-list-2.3.2",
        "doc:immich-app/immich#17098",
        "field:operator-list-2.3.2",
        "field:immich-app/immich#1",
        "probe:Abs/float",
    ],
)
def test_strangers_do_not_resolve(stranger):
    assert not resolves(stranger)


def numbers(places: list[str]) -> Iterator[str]:
    """Section numbers of places, ranges spelled out."""
    for place in places:
        first, _, last = place.partition("-")
        part, _, start = first.rpartition(".")
        stop = (last or first).rpartition(".")[2]
        yield from (f"{part}.{n}" for n in range(int(start), int(stop) + 1))


@pytest.mark.parametrize("version", ["2.2.0", "2.3.0", "2.3.2"])
def test_every_section_and_row_is_read(version):
    places = {i for s in everything() for i in s.sources}
    name = f"operator-list-{version}"
    read = Counter(numbers([i.rpartition("/")[2] for i in places if f":{name}/" in i]))
    known = {f"{part}.{n}" for part, count in sources()[name].sections for n in range(1, count + 1)}
    unread = {n for n in known if n.startswith("5.2.")}  # buffers of the zero-copy interface, no operators
    assert known - set(read) == {"4.1", *unread}  # 4.1 says on which platforms chapter 4 holds: it has become those
    assert len([i for i in places if f":op-support-{version}/" in i]) == 185


def test_how_much_is_documented():
    assert documented_versions() == ("2.2.0", "2.3.0", "2.3.2")
    listed = [s for s in statements(VERSION) if "op-support" in s.sources[0]]
    assert Counter(s.claim for s in listed) == {"unsupported": 96, "supported": 80, "restricted": 9}
    on_npu = {p: len({s.op for s in statements(VERSION, platform=p) if s.claim == "npu"}) for p in platforms(VERSION)}
    assert on_npu["rk3588"] == 51
    assert on_npu["rv1103b"] == 37
    assert min(on_npu.values()) == 37
    assert not [s for s in statements(VERSION, platform="rk2118") if s.claim == "cpu"]


def test_a_version_without_documents_has_reports_only():
    assert {s.confidence for s in statements("2.5.0")} == {Confidence.FIELD_REPORT}
    assert statements("1.0.0") == ()


@pytest.mark.parametrize("name", FILES)
def test_none_of_the_vendors_text(name):
    text = (data_folder("op_tables") / name).read_text(encoding="utf-8")
    assert text.isascii()
    assert max(len(s.get("note", "")) for s in read_toml(data_folder("op_tables") / name)["statement"]) < 250


def test_every_operator_and_attribute_is_one_of_onnx():
    for statement in everything():
        assert statement.internal or statement.op == "*" or statement.op in SCHEMAS, statement.op
    spoken_of = {
        (s.op, kind.attribute)
        for s in everything()
        if not s.internal
        for limit in s.limits
        for kind in (limit.check, *limit.when, *s.when)
        if hasattr(kind, "attribute")
    }
    history = {(s.name, a) for s in onnx.defs.get_all_schemas_with_history() if s.domain == "" for a in s.attributes}
    assert len(spoken_of) > 30
    assert spoken_of - history == set()


def test_every_index_is_an_operand_of_the_operator():
    for statement in everything():
        for limit in () if statement.internal or statement.op == "*" else statement.limits:
            index, schema = getattr(limit.check, "index", 0), SCHEMAS[statement.op]
            assert index == "all" or 0 <= index < schema.max_input, statement


def test_statements_are_chosen_by_platform_and_precision():
    assert [s.claim for s in statements(VERSION, "Abs", "rk3576")] == ["unsupported"]
    assert {s.claim for s in statements(VERSION, "Div", "rk3588", "fp16")} >= {"npu", "cpu", "supported"}
    assert "npu" not in {s.claim for s in statements(VERSION, "Div", "rk3588", "w8a8")}
    assert "cpu" not in {s.claim for s in statements(VERSION, "Add", "rv1106", "w8a8")}
    assert "*" in {s.op for s in statements(VERSION, "Add", "rk3588")}


def test_what_is_cited_is_of_that_version_and_platform():
    (statement,) = [s for s in statements(VERSION, "Relu", "rk3588") if s.claim == "npu"]
    assert len(statement.sources) > 3
    assert cited(statement, VERSION, "rk3588") == ("doc:operator-list-2.3.2/3.2.49",)
    assert cited(statement, "2.2.0", "rk3566") == ("doc:operator-list-2.2.0/3.1.48",)
    assert cited(statement, VERSION, "rk2118") == ()
    first = [s for s in statements(VERSION, "Conv", "rv1106b") if "/5." in s.sources[0]]
    assert [cited(s, VERSION, "rv1106b") for s in first] == [("doc:operator-list-2.3.2/5.1.7",)]
    (report,) = [
        s
        for s in statements(VERSION, "GridSample", "rk3588")
        if s.op == "GridSample" and s.confidence is Confidence.FIELD_REPORT
    ]
    assert cited(report, VERSION, "rk3588") == ("field:airockchip/rknn-toolkit2#478",)


def test_something_is_cited_for_every_version_and_platform_that_a_statement_names():
    silent = [
        (s.op, s.claim, version, platform)
        for s in everything()
        for version in s.toolkits
        for platform in s.platforms or ("rk3588",)
        if not cited(s, version, platform)
    ]
    assert silent == []


def broken(
    limits: tuple[Limit, ...], op: str, x: tuple[int, ...], w: tuple[int, ...] = (), **attributes: Any
) -> list[str]:
    """Words of the limits that one node breaks."""
    probed = node(op, ("x", "w") if w else ("x",), **attributes)
    view = graph((probed,), {"x": ("float32", x), "y": ("float32", None)} | ({"w": ("float32", w)} if w else {}))
    return [
        limit.describe() for limit in limits if limit.violated(probed, view, "rk3588", view.is_constant) is not None
    ]


@pytest.mark.parametrize(
    ("op", "good", "bad"),
    [
        ("Conv", {"x": (1, 8, 9, 9), "w": (4, 8, 31, 31)}, {"x": (1, 8, 9, 9), "w": (4, 8, 32, 31)}),
        (
            "Conv",
            {"x": (1, 8, 9, 9), "w": (8, 1, 8, 8), "group": 8},
            {"x": (1, 8, 9, 9), "w": (8, 1, 9, 8), "group": 8},
        ),
        (
            "Conv",
            {"x": (1, 8, 9, 9), "w": (4, 8, 1, 1), "strides": (7, 7)},
            {"x": (1, 8, 9, 9), "w": (4, 8, 1, 1), "strides": (7, 8)},
        ),
        ("Conv", {"x": (1, 8, 9, 16383), "w": (4, 8, 1, 3)}, {"x": (1, 8, 9, 16383), "w": (4, 8, 3, 3)}),
        ("MaxPool", {"x": (1, 8192, 9, 9), "kernel_shape": (7, 7)}, {"x": (1, 8193, 9, 9), "kernel_shape": (7, 7)}),
        ("MaxPool", {"x": (1, 8, 9, 9), "kernel_shape": (7, 7)}, {"x": (1, 8, 9, 9), "kernel_shape": (8, 7)}),
        ("Transpose", {"x": (1, 4, 45, 91), "perm": (0, 1, 3, 2)}, {"x": (1, 4, 64, 64), "perm": (0, 1, 3, 2)}),
        ("Transpose", {"x": (1, 4, 64, 64), "perm": (0, 3, 1, 2)}, {"x": (1, 4, 64, 128), "perm": (0, 3, 1, 2)}),
        ("Conv", {"x": (1, 3, 1, 8192), "w": (4, 3, 1, 1)}, {"x": (1, 3, 1, 8193), "w": (4, 3, 1, 1)}),
        ("Conv", {"x": (1, 8, 1, 9000), "w": (4, 8, 1, 1)}, None),
        ("Hardmax", {"x": (1, 4, 3, 5461), "axis": 1}, {"x": (1, 4, 128, 128), "axis": 1}),
        ("Softmax", {"x": (1, 4, 3, 5), "axis": 3}, {"x": (1, 4, 3, 5), "axis": 2}),
        ("Resize", {"x": (1, 4, 3, 5), "mode": "linear"}, {"x": (1, 4, 3, 5), "mode": "cubic"}),
        ("Resize", {"x": (1, 4, 3, 5), "cubic_coeff_a": -0.75}, {"x": (1, 4, 3, 5), "cubic_coeff_a": -0.5}),
        ("ConvTranspose", {"x": (1, 8, 9, 9), "w": (8, 4, 2, 2), "strides": (2, 8)}, None),
    ],
)
def test_both_sides_of_documented_limits(op, good, bad):
    limits = limits_of(VERSION, op, "rk3588", "fp16")
    assert broken(limits, op, **good) == []
    if bad is not None:
        assert len(broken(limits, op, **bad)) >= 1


def test_limits_differ_by_platform_and_element_type():
    def fits(platform: str, precision: str) -> bool:
        limits = [
            Limit(limit.check, limit.outcome, limit.evidence, limit.confidence, limit.when)
            for limit in limits_of(VERSION, "Transpose", platform, precision)
        ]
        return not broken(tuple(limits), "Transpose", (1, 70000, 2, 3), perm=(0, 3, 2, 1))

    assert not fits("rk3588", "fp16")  # channels below 8192 times 8 for two bytes, times 16 for one
    assert fits("rk3588", "w8a8")
    assert fits("rk3576", "fp16")
    assert not fits("rk3566", "w8a8")  # this permutation is not done at all


def test_documented_limits_say_what_lies_beyond_them():
    limits = limits_of(VERSION, "MaxPool", "rk3588", "fp16")
    assert {(x.outcome, x.confidence, x.evidence) for x in limits} == {
        ("cpu", Confidence.DOCUMENTED, ("doc:operator-list-2.3.2/3.2.44",))
    }
    assert {x.outcome for x in limits_of(VERSION, "MaxPool", "rv1106", "w8a8")} == {"unknown"}
    assert limits_of(VERSION, "Abs", "rk3588", "fp16") == ()
    assert limits_of("2.5.0", "MaxPool", "rk3588", "fp16") == ()


@pytest.mark.parametrize("name", FILES)
def test_the_committed_index_is_current(name, tmp_path):
    source = data_folder("op_tables") / name
    copied = tmp_path / name
    copied.write_bytes(source.read_bytes())
    fresh = derive(copied, lambda document: index_document(document, name))
    assert fresh.read_bytes() == index_of(source).read_bytes(), "run: python -m rkgraph.tables.index"
