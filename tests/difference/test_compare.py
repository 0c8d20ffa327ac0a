"""What differs is found whatever became of names, and nothing is found where nothing differs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rkgraph.diagnostics import Device, Safety, Severity, Verdict
from rkgraph.difference.compare import Change, Changed, Difference, compare
from rkgraph.difference.nodes import match_nodes
from rkgraph.difference.render import as_json, lines, markdown
from rkgraph.gate.measures import COMPILED, COUNTED, Kind
from rkgraph.results import AppliedFix, Fixes, PlacedNode, Result
from rkgraph.targets import Target
from tests.gate.samples import ESTIMATE, compiled, finding, placed, result, told

OPS = st.sampled_from(["Add", "Mul", "Conv"])


def changed(before: Result, after: Result) -> Changed:
    (found,) = compare(told(before), told(after)).models
    return found


def text(before: Result, after: Result, **options: Any) -> str:
    return "\n".join(line for line, _ in lines(compare(told(before), told(after)), **options))


def test_the_same_is_equal() -> None:
    for each in (result(), compiled(), compiled(cosine=float("nan"))):
        found = compare(told(each), told(each))
        assert found.equal
        assert "nothing differs" in text(each, each)
        assert markdown(found) == "Nothing differs.\n"
        assert json.loads(as_json(found))["equal"] is True


def test_numbers_are_compared_by_source() -> None:
    better = compiled()
    better = replace(better, cost={**better.cost, "rw_kb": 2.0, "estimate": {**ESTIMATE, "crossings": 1}})
    found = {(c.name, c.source): (c.before, c.after) for c in changed(compiled(), better).numbers}
    assert found == {("traffic", "compiled"): (4096.0, 2048.0), ("crossings", "estimated"): (2.0, 1.0)}
    grown = {(c.name, c.source): (c.before, c.after) for c in changed(result(), compiled()).numbers}
    assert grown["size", "compiled"] == (None, 5000.0)
    assert "size       none → 4.88 kB" in text(result(), compiled())


def test_verdict_and_findings() -> None:
    kept, lost, louder = finding("RK104"), replace(finding("RK203"), fingerprint="1" * 16), Severity.ERROR
    before = result(diagnostics=(kept, lost), verdict=Verdict.UNKNOWN)
    fresh = replace(finding("RK602"), fingerprint="2" * 16)
    after = result(diagnostics=(replace(kept, severity=louder), fresh))
    found = changed(before, after)
    assert found.facts == {"verdict": ("unknown", "deployable")}
    assert ([d.code for d in found.gone], [d.code for d in found.new]) == (["RK203"], ["RK602"])
    assert [(a.severity, b.severity) for a, b in found.severities] == [(Severity.WARNING, louder)]
    said = text(before, after)
    assert "verdict: unknown → deployable" in said
    assert "1 finding gone: RK203" in said
    assert "+ RK602 warning at model: m" in said
    assert "warning → error: RK104" in said


def test_a_long_list_is_cut_unless_verbose() -> None:
    many = tuple(replace(finding(), fingerprint=f"{i:016x}") for i in range(20))
    assert "and 8 more (--verbose shows them)" in text(result(diagnostics=many), result())
    assert text(result(diagnostics=many), result(), verbose=True).count("- RK104") == 20


def test_fixes_and_layers() -> None:
    fix = AppliedFix("RK203", "t", Safety.SAFE, finding().at, "default", fingerprint="3" * 16)
    fixed = result(fixes=Fixes((fix, fix)))
    assert [f.code for f in changed(result(fixes=Fixes((fix,))), fixed).fixes_new] == ["RK203"]
    known = compiled()
    stage = dict(known.compile or {})["stages"][0]
    layers = (*stage["layers"], {"id": 2, "op": "Conv", "target": "CPU"})
    more = replace(known, compile={**(known.compile or {}), "stages": ({**stage, "layers": layers},)})
    assert changed(known, more).layers == {"Conv on CPU": (0, 1)}


def test_models_are_matched_by_path_then_name_then_target() -> None:
    a, b, c = result("x/a.onnx"), result("x/b.onnx"), result("c.onnx", target=Target("rk3576"))
    renamed = (result("y/b.onnx"), result("x/a.onnx"), result("d.onnx", target=Target("rk3576")))
    found = compare(told(a, b, c), told(*renamed))
    pairs = {each.before.path: each.after.path for each in found.models}
    assert pairs == {"x/a.onnx": "x/a.onnx", "x/b.onnx": "y/b.onnx", "c.onnx": "d.onnx"}
    one = compare(told(a, b), told(a))
    assert [s.path for s in one.gone] == ["x/b.onnx"]
    assert not one.equal


@given(st.lists(st.tuples(OPS, st.sampled_from(Device)), max_size=30), st.data())
def test_nodes_are_matched_whatever_they_are_called(nodes: list[tuple[str, Device]], data: st.DataObject) -> None:
    """Renamed, and with some left out of either side: every node is in one pair or in one list, and ops agree."""
    before = [PlacedNode(i, f"a{i}", op, (f"v{i}",), device) for i, (op, device) in enumerate(nodes)]
    gone = data.draw(st.sets(st.integers(0, 30), max_size=3))
    prefix = data.draw(st.sampled_from(["a", "z"]))
    after = [replace(n, node=f"{prefix}{n.index}", outputs=(f"w{n.index}",)) for n in before if n.index not in gone]
    found = match_nodes(before, after)
    assert sorted([*(id(o) for o, _ in found.pairs), *map(id, found.gone)]) == sorted(map(id, before))
    assert sorted([*(id(n) for _, n in found.pairs), *map(id, found.new)]) == sorted(map(id, after))
    assert all(old.op == new.op for old, new in found.pairs)
    if not gone.intersection(range(len(nodes))):
        assert len(found.pairs) == len(nodes)
        assert not found.moved


def test_a_moved_node_is_told() -> None:
    after = placed(Device.NPU, Device.NPU, Device.NPU, Device.FOLDED)
    assert changed(result(), result(placement=after)).nodes.moves() == {(Device.CPU, Device.NPU): 1}
    said = text(result(), result(placement=after))
    assert "1 node moved: 1 cpu → npu" in said
    assert "cpu → npu: n1 (Add)" in said


def test_hostile_names_stay_text() -> None:
    name = "a|b`\n# x\x1b[31m<img>"
    after = result(diagnostics=(replace(finding(), message=name),))
    for shown in (text(result(), after), markdown(compare(told(result()), told(after)))):
        assert "\x1b" not in shown
        assert "\n# x" not in shown
    assert "<img>" not in markdown(compare(told(result()), told(after))).replace("\\<img\\>", "")


def test_a_number_of_two_sources_says_which_is_lints() -> None:
    found = changed(result(), compiled())
    both = tuple(Change("cpu-nodes", Kind.COUNT, source, 1.0, 2.0) for source in (COMPILED, COUNTED))
    for numbers, labels in ((both, ["cpu-nodes", "cpu-nodes (predicted)"]), (both[1:], ["cpu-nodes"])):
        shown = [line for line, _ in lines(Difference((replace(found, numbers=numbers),))) if "cpu-nodes" in line]
        assert [line.split("  ")[1] for line in shown] == labels
