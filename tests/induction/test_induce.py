"""Whole tables from made-up evidence: platforms that fare alike share an entry, others get one of their own."""

from __future__ import annotations

import pytest

from rkgraph.derived import parse_toml
from rkgraph.induction.induce import BASE, induce
from rkgraph.induction.targets import carried_over, likeness
from rkgraph.probe.case import computed, positions
from rkgraph.tables.index import index_table
from rkgraph.tables.table import OpTable
from rkgraph.targets import Target

CASES = {
    case.id: case
    for dtype in ("float", "int64", "int32")
    for slug, shape in (("r2", (6, 24)), ("r3", (1, 12, 24)), ("r4", (1, 8, 12, 24)))
    for case in positions("Relu", f"{dtype},{slug}", [computed(*shape, dtype=dtype)])
}
RK3566 = Target("rk3566", "2.3.2", "fp16")
NEWER = Target("rk3588", "2.5.0", "fp16")


def line(name, outcome, layer="Relu@NPU"):
    return {"id": name, "outcome": outcome, "layers": [layer]}


def on_base():
    return {
        name: line(name, "cpu" if "int" in name else "npu", "Relu@CPU" if "int" in name else "Relu@NPU")
        for name in CASES
    }


def table(version, evidence):
    induced = induce(version, CASES, evidence)
    name = f"rknn-{version}.toml"
    return OpTable({"digest": "0", **index_table(parse_toml(induced.text, name), name)}, name), induced


def test_platforms_that_fare_alike_share_the_entry():
    some = dict(list(on_base().items())[::3])
    made, induced = table("2.3.2", {BASE: on_base(), RK3566: some})
    assert len(list(made.entries())) == 1
    assert made.entry("Relu", "rk3566").platforms == ()
    assert made.measured == {("rk3588", "fp16"): len(CASES), ("rk3566", "fp16"): len(some)}
    assert induced.unexplained == ()


def test_a_platform_that_differs_gets_an_entry_of_its_own():
    elsewhere = {name: line(name, "cpu", "Relu@CPU") for name in list(CASES)[::2]}
    made, _ = table("2.3.2", {BASE: on_base(), RK3566: elsewhere})
    assert made.entry("Relu", "rk3588").outcome == "npu"
    assert made.entry("Relu", "rk3566").platforms == ("rk3566",)
    assert made.entry("Relu", "rk3566").outcome == "cpu"
    assert made.entry("Relu", "rk3562").outcome == "npu"


def test_another_version_is_its_own_table_and_inherits_what_was_not_seen_to_differ():
    one = next(name for name in CASES if "int64" in name)
    made, _ = table("2.5.0", {BASE: on_base(), NEWER: {one: line(one, "no-kernel")}})
    assert made.version == "2.5.0"
    assert made.entry("Relu", "rk3588").cases == 1
    assert any(limit.outcome == "no-kernel" for limit in made.entry("Relu", "rk3588").limits)


def test_several_processes_give_the_same_bytes():
    evidence = {BASE: on_base()}
    assert induce("2.3.2", CASES, evidence, jobs=2) == induce("2.3.2", CASES, evidence)


def test_what_contradicts_is_listed_for_every_target_where_it_was_measured():
    odd = on_base()
    name = next(n for n in CASES if n == "Relu/float,r3,alone")
    odd[name] = line(name, "build-fails")
    twin = {**odd}
    _, induced = table("2.3.2", {BASE: odd, RK3566: twin})
    listed = {(target.platform, case) for target, case, _ in induced.unexplained}
    assert listed in ({("rk3588", name), ("rk3566", name)}, set())


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ({"outcome": "npu", "layers": ["A@NPU"]}, {"outcome": "npu", "layers": ["A@NPU"]}, True),
        ({"outcome": "npu", "layers": ["A@NPU"]}, {"outcome": "npu", "layers": ["B@NPU"]}, False),
        ({"outcome": "build-fails", "error": "x [1, 2]"}, {"outcome": "build-fails", "error": "x [3]"}, True),
        ({"outcome": "build-fails", "error": "x"}, {"outcome": "build-fails", "error": "y"}, False),
    ],
)
def test_likeness(a, b, alike):
    assert (likeness(a) == likeness(b)) is alike


def test_a_kind_of_case_that_differs_does_not_carry_over():
    from rkgraph.induction.sample import samples_of

    base = samples_of(CASES, [{"op": "Relu", **each} for each in on_base().values()])["Relu"]
    one = next(name for name in CASES if "float" in name)
    carried = carried_over(base, on_base(), {one: line(one, "cpu")})
    assert {s.outcome for s in carried} == {"cpu"}
    assert {s.id for s in carried if not s.imputed} == {one}
