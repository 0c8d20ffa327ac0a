"""A user's own measurements: which nodes they are about, what they change, and files that are broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx.parser
import pytest

from rkgraph.diagnostics import Confidence
from rkgraph.errors import UsageError
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, Node
from rkgraph.tables.signature import key_of, position_of, signature_of
from rkgraph.tables.table import Judgement, load_table
from rkgraph.tables.user_table import UserEntry, UserTable, default_user_table, load_user_table
from rkgraph.targets import Target

TARGET = Target()
HEAD = '<ir_version: 8, opset_import: ["" : 17]> g '
BRANCH = "branch = b () => (float[2,3] r) { r = Relu(x) }"
PAD = HEAD + (
    "(float[2,3] x) => (float[2,5] z) <int64[4] p = {0, 1, 0, 1}, float v = {0.5}>"
    '{ [n] z = Pad<mode = "constant">(x, p, v) }'
)


def place(text: str, op: str = "Pad") -> tuple[Node, GraphView]:
    graph = view_of(onnx.parser.parse_model(text), Path("m.onnx"), "", {}, {}).main
    return next(node for node in graph.nodes if node.op == op), graph


def signed(text: str, op: str = "Pad") -> str | None:
    node, graph = place(text, op)
    return signature_of(node, graph, graph.is_constant)


SAME: dict[str, Callable[[str], str]] = {
    "names": lambda t: t.replace("[n] z", "[other] z").replace("x", "first"),
    "a node beside it": lambda t: t.replace("[n]", "y = Abs(x) [n]"),
}
OTHER: dict[str, Callable[[str], str]] = {
    "shape": lambda t: t.replace("[2,3]", "[2,4]").replace("[2,5]", "[2,6]"),
    "dtype": lambda t: t.replace("float", "double"),
    "elements of a small constant": lambda t: t.replace("0, 1, 0, 1", "0, 2, 0, 0"),
    "attribute": lambda t: t.replace('"constant"', '"edge"'),
    "attribute left out": lambda t: t.replace('<mode = "constant">', ""),
    "input left out": lambda t: t.replace("(x, p, v)", "(x, p)"),
    "opset": lambda t: t.replace("17", "18"),
    "an input that is computed": lambda t: t.replace("(float[2,3] x)", "(float[2,3] x, float v)").replace(
        ", float v = {0.5}", ""
    ),
    "what stands before it": lambda t: t.replace("[n] z", "y = Abs(x) [n] z").replace("(x, p, v)", "(y, p, v)"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_makes_no_other_instance(name: str) -> None:
    assert signed(SAME[name](PAD)) == signed(PAD) is not None


@pytest.mark.parametrize("name", OTHER)
def test_what_makes_another_instance(name: str) -> None:
    assert OTHER[name](PAD) != PAD
    assert signed(OTHER[name](PAD)) not in (signed(PAD), None)


def test_weights_are_not_in_it() -> None:
    text = HEAD + "(float[2,20] x) => (float[2,20] z) <float[20] w = {%s}> { z = Add(x, w) }"
    first, second = (signed(text % ", ".join([str(v)] * 20), "Add") for v in (0.5, 1.5))
    assert first == second
    few = text.replace("20", "16")
    first, second = (signed(few % ", ".join([str(v)] * 16), "Add") for v in (0.5, 1.5))
    assert first != second


def test_one_input_twice_is_another_instance_than_two() -> None:
    text = HEAD + "(float[2,3] x, float[2,3] y) => (float[2,3] z) { z = Mul(x, y) }"
    assert signed(text, "Mul") != signed(text.replace("Mul(x, y)", "Mul(x, x)"), "Mul")


@pytest.mark.parametrize(
    ("text", "op"),
    [
        ("(float[N,3] x) => (float[N,3] z) { z = Relu(x) }", "Relu"),
        (f"(float[2,3] x, bool c) => (float[2,3] z) {{ z = If<then_{BRANCH}, else_{BRANCH}>(c) }}", "If"),
        ("(float[2,3] x) => (float[2,3] z) { z = my.domain.Thing(x) }", "Thing"),
    ],
)
def test_what_has_no_signature(text: str, op: str) -> None:
    if op == "Thing":
        text = text.replace("=> (float[2,3] z)", "=> (z)")
    assert signed(HEAD + text, op) is None


@pytest.mark.parametrize(
    ("nodes", "position"),
    [
        ("z = Neg(x)", "alone"),
        ("a = Abs(x) z = Neg(a)", "inside"),
        ("a = Cast<to = 7>(y) z = Neg(a)", "between"),
        ("b = Neg(x) z = Abs(b)", "between"),
    ],
)
def test_positions(nodes: str, position: str) -> None:
    node, graph = place(HEAD + f"(int64[2,3] x, float[2,3] y) => (int64[2,3] z) {{ {nodes} }}", "Neg")
    assert position_of(node, graph, graph.is_constant) == position


def table_of(outcome: str = "no-kernel", grade: str = "probed", target: Target = TARGET) -> UserTable:
    entry = UserEntry(outcome, grade, {"layers": ["Pad@CPU"]})  # type: ignore[arg-type]
    return UserTable().extended([("Pad", signed(PAD) or "", "text", target, entry)])


@pytest.mark.parametrize(("grade", "confidence"), [("probed", Confidence.PROBED), ("device", Confidence.DEVICE)])
def test_a_measured_instance_is_judged_by_it(grade: str, confidence: Confidence) -> None:
    node, graph = place(PAD)
    judged = table_of(grade=grade).consult(Judgement("unknown"), node, graph, TARGET, graph.is_constant)
    assert judged.outcome == "no-kernel"
    assert judged.confidence is confidence
    assert judged.evidence == (f"user:{key_of(signed(PAD) or '')}",)
    assert judged.entry is not None
    assert judged.entry.outcome == "no-kernel"
    assert judged.violations == ()


@pytest.mark.parametrize(("grade", "outcome"), [("probed", "cpu"), ("device", "no-kernel")])
def test_only_a_board_contradicts_the_table(grade: str, outcome: str) -> None:
    node, graph = place(PAD)
    known = Judgement("cpu", evidence=("probe:Pad/x",), confidence=Confidence.PROBED)
    judged = table_of(grade=grade).consult(known, node, graph, TARGET, graph.is_constant)
    assert judged.outcome == outcome
    board = ("Relu", "another", "text", TARGET, UserEntry("cpu", "device"))
    assert table_of(grade=grade).extended([board]).consult(known, node, graph, TARGET, graph.is_constant) == judged


def test_where_both_agree_the_table_keeps_the_word() -> None:
    node, graph = place(PAD)
    known = Judgement("no-kernel", evidence=("probe:Pad/x",), confidence=Confidence.DOCUMENTED)
    assert table_of().consult(known, node, graph, TARGET, graph.is_constant) is known


@pytest.mark.parametrize(
    "table", [UserTable(), table_of(target=Target("rk3576")), table_of(target=Target("rk3588", "2.5.0"))]
)
def test_other_targets_and_an_empty_table_change_nothing(table: UserTable) -> None:
    node, graph = place(PAD)
    known = Judgement("unknown")
    assert table.consult(known, node, graph, TARGET, graph.is_constant) is known


def test_another_instance_changes_nothing() -> None:
    node, graph = place(OTHER["shape"](PAD))
    known = Judgement("unknown")
    assert table_of().consult(known, node, graph, TARGET, graph.is_constant) is known


def test_a_board_stands_above_the_compiler() -> None:
    what = ("Pad", signed(PAD) or "", "text", TARGET)
    both = table_of("npu", "device").extended([(*what, UserEntry("cpu", "probed"))])
    assert both.find(what[1], TARGET) == UserEntry("npu", "device", {"layers": ["Pad@CPU"]})
    newer = both.extended([(*what, UserEntry("cpu", "device"))])
    assert newer.find(what[1], TARGET) == UserEntry("cpu", "device")


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.json"
    table = table_of().extended([("Pad", signed(PAD) or "", "text", Target("rk3576"), UserEntry("cpu"))])
    table.write(path)
    first = path.read_bytes()
    read = load_user_table(path)
    assert len(read) == 1
    for target in (TARGET, Target("rk3576"), Target("rk3566")):
        assert read.find(signed(PAD) or "", target) == table.find(signed(PAD) or "", target)
    read.write(path)
    assert path.read_bytes() == first


def test_no_file_is_an_empty_table(tmp_path: Path) -> None:
    assert len(load_user_table(tmp_path / "none.json")) == 0


INSTANCE = '{"version": 1, "instances": {"a": {"op": "X", "signature": {}, "model": "", "outcomes": %s}}}'


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "7", "{}", '{"version": 1}', '{"version": 2, "instances": {}}'),
        *('{"version": 1, "instances": 7}', '{"version": 1, "instances": {"a": {}}}', INSTANCE % '{"t": {}}'),
        INSTANCE % '{"t": {"outcome": "fine", "grade": "probed"}}',
        INSTANCE % '{"t": {"outcome": "cpu", "grade": "guess"}}',
    ],
)
def test_a_file_that_is_no_table(content: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"table\.json: is") as caught:
        load_user_table(path)
    assert caught.value.hint


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_user_table(tmp_path)


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RKGRAPH_USER_TABLE", raising=False)
    monkeypatch.delenv("RKGRAPH_HOME", raising=False)
    assert default_user_table().name == "user_table.json"
    monkeypatch.setenv("RKGRAPH_HOME", str(tmp_path))
    assert default_user_table() == tmp_path / "user_table.json"
    monkeypatch.setenv("RKGRAPH_USER_TABLE", str(tmp_path / "mine.json"))
    assert default_user_table() == tmp_path / "mine.json"


def test_a_board_that_agrees_makes_the_judgement_as_sure_as_a_board() -> None:
    node, graph = place(PAD)
    table = load_table("2.3.2")
    known = table.judge(node, graph, TARGET, graph.is_constant)
    judged = table_of(known.outcome, "device").consult(known, node, graph, TARGET, graph.is_constant)
    assert judged.outcome == known.outcome != "unknown"
    assert judged.confidence is Confidence.DEVICE is not known.confidence
    assert judged.evidence == (f"user:{key_of(signed(PAD) or '')}", *known.evidence)
    assert [v.message for v in judged.violations] == [v.message for v in known.violations]


def test_wrong_numbers_on_a_board_are_told() -> None:
    node, graph = place(PAD)
    entry = UserEntry("unknown", "device", {"detail": "wrong numbers: y: cosine 0.1"})
    table = UserTable().extended([("Pad", signed(PAD) or "", "text", TARGET, entry)])
    judged = table.consult(Judgement("npu"), node, graph, TARGET, graph.is_constant)
    assert judged.outcome == "unknown"
    assert judged.entry is not None
    assert judged.entry.note == "wrong numbers: y: cosine 0.1"
