"""What comes back from a board: judged, added, and refused where it is not what it says it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rkgraph.boardcheck import results as results_module
from rkgraph.boardcheck.importing import add_to_repository, add_to_user_table
from rkgraph.boardcheck.judge import answers_of, judge
from rkgraph.boardcheck.results import read_results
from rkgraph.errors import TargetError, UsageError
from rkgraph.probe.case import Case
from rkgraph.probe.evidence import device_lines_of, measured_targets, models_of, write_evidence
from rkgraph.tables.signature import key_of
from rkgraph.tables.user_table import load_user_table
from rkgraph.targets import Target
from tests.boardcheck.boards import ABS, CONTROL, EXP, SOFTSIGN, check_of, results_of, run

TARGET = Target()
IDS = {each.case.op: each.case.id for each in (SOFTSIGN, EXP, ABS)}


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A check that was run: Softsign crashed, Exp gave wrong numbers, Abs ran right."""
    check = check_of(tmp_path_factory.mktemp("board"))
    done = run(check, {IDS["Softsign"]: "crash", IDS["Exp"]: "wrong"})
    assert done.returncode == 0, done.stdout + done.stderr
    return check


@pytest.fixture
def document(check: Path) -> dict[str, Any]:
    return results_of(check)


def read(document: dict[str, Any], folder: Path) -> results_module.BoardResults:
    (folder / "results.json").write_text(json.dumps(document))
    return read_results(folder / "results.json")


def test_every_answer_is_a_line_of_evidence(check: Path) -> None:
    answers = {answer.case["op"]: answer for answer in answers_of(read_results(check / "results.json"))}
    assert {op: (a.kind, a.line["outcome"], a.confirms) for op, a in answers.items()} == {
        "Softsign": ("refused", "no-kernel", True),
        "Exp": ("wrong", "unknown", False),
        "Abs": ("right", "npu", True),
    }
    assert answers["Softsign"].line == {
        "id": IDS["Softsign"],
        "op": "Softsign",
        "outcome": "no-kernel",
        "grade": "device",
        "layers": ["Softsign@CPU"],
        "lost": ["Softsign"],
        "detail": "crashed at init (SIGSEGV): E RKNN: Unsupport CPU op: Softsign in this librknnrt.so, "
        "please try to register custom op",
    }
    assert answers["Exp"].detail.startswith("wrong numbers: probe_y: cosine ")


def test_what_runs_without_a_kernel_runs_on_the_cpu(tmp_path: Path) -> None:
    check = check_of(tmp_path, [SOFTSIGN])
    run(check)
    (answer,) = answers_of(read_results(check / "results.json"))
    assert (answer.kind, answer.line["outcome"], answer.confirms) == ("right", "cpu", False)


def output(name: str, **against: dict[str, Any]) -> dict[str, Any]:
    near = {"elements": 100, "whole": False, "spoilt": 0, "differing": 0, "cosine": 1.0, "max_error": 0.0, "peak": 1.0}
    return {"name": name, "against": {key: {**near, **value} for key, value in against.items()}}


def ran(*outputs: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ran", "outputs": [*outputs, output("k1", expected={}, simulated={})]}


CASE = {"id": "Exp/x,alone", "op": "Exp", "compiled": {"outcome": "cpu", "layers": ["Exp@CPU"]}}


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        ({}, "right"),
        ({"max_error": 0.05}, "right"),
        ({"max_error": 0.051}, "wrong"),
        ({"cosine": 0.99, "max_error": 0.01}, "right"),
        ({"cosine": 0.98, "max_error": 0.01}, "wrong"),
        ({"cosine": 0.0, "max_error": 0.001, "peak": 0.001}, "right"),
        ({"spoilt": 1}, "wrong"),
        ({"detail": "7 elements, not 8"}, "wrong"),
        ({"whole": True, "differing": 2, "max_error": 9.0}, "right"),
        ({"whole": True, "differing": 3}, "wrong"),
    ],
)
def test_what_counts_as_right(expected: dict[str, Any], kind: str) -> None:
    assert judge(CASE, ran(output("y", expected=expected))).kind == kind
    as_simulated = judge(CASE, ran(output("y", expected=expected, simulated={})))
    assert as_simulated.kind == ("right" if kind == "right" else "as-simulated")
    assert as_simulated.line["outcome"] == "cpu"
    assert judge(CASE, ran(output("y", expected=expected, simulated=expected))).kind == kind


def test_where_the_convolution_beside_it_is_wrong_nothing_is_settled() -> None:
    answer = judge(CASE, {"status": "ran", "outputs": [output("y", expected={}), output("k1", expected={"cosine": 0})]})
    assert answer.kind == "right", "a cosine without an error is of zeros"
    wrong = output("k1", expected={"cosine": 0.1, "max_error": 1.0})
    answer = judge(CASE, {"status": "ran", "outputs": [output("y", expected={}), wrong]})
    assert (answer.kind, dict(answer.line), answer.confirms) == ("unsettled", {}, False)


def test_a_board_that_does_not_run_the_control_settles_nothing(document: dict[str, Any], tmp_path: Path) -> None:
    control = document["control"]
    refused = {key: control[key] for key in ("id", "seconds", "printed", "files")}
    document["control"] = {**refused, "status": "refused", "stage": "init", "init": -1}
    with pytest.raises(UsageError, match=r"control model.* refused .*init \(code -1\)"):
        answers_of(read(document, tmp_path))


def test_the_user_table_learns_it(check: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    answers = answers_of(read_results(check / "results.json"))
    assert add_to_user_table(answers, TARGET, path).count == 3
    table = load_user_table(path)
    for candidate, outcome in ((SOFTSIGN, "no-kernel"), (EXP, "unknown"), (ABS, "npu")):
        entry = table.find(candidate.signed().signature, TARGET)
        assert entry is not None
        assert (entry.outcome, entry.grade) == (outcome, "device")
    assert key_of(EXP.signed().signature) in path.read_text()


def test_the_repository_takes_the_lines_and_new_models(check: Path, tmp_path: Path) -> None:
    answers = answers_of(read_results(check / "results.json"))
    write_evidence({EXP.case.id: EXP.case}, {TARGET: [{"id": EXP.case.id, "outcome": "cpu", "layers": []}]}, tmp_path)
    added = add_to_repository(answers, TARGET, tmp_path)
    assert added.place == tmp_path / "rknn-2.3.2" / "rk3588-fp16.device.jsonl"
    lines = device_lines_of(TARGET, tmp_path)
    assert {name: line["outcome"] for name, line in lines.items()} == {
        IDS["Softsign"]: "no-kernel",
        IDS["Exp"]: "unknown",
        IDS["Abs"]: "npu",
    }
    assert {line["grade"] for line in lines.values()} == {"device"}
    assert set(models_of(tmp_path)) == set(IDS.values())
    assert measured_targets("2.3.2", tmp_path) == (TARGET,)
    before = added.place.read_bytes()
    add_to_repository(answers[:1], TARGET, tmp_path)
    assert added.place.read_bytes() == before
    write_evidence({EXP.case.id: EXP.case}, {TARGET: [{"id": EXP.case.id, "outcome": "npu", "layers": []}]}, tmp_path)
    assert added.place.read_bytes() == before
    assert device_lines_of(Target("rk3576"), tmp_path) == {}


def test_the_repository_refuses_another_model_of_one_name(check: Path, tmp_path: Path) -> None:
    other = {IDS["Exp"]: Case(IDS["Exp"], "Exp", CONTROL.case.text)}
    write_evidence(other, {TARGET: [{"id": IDS["Exp"], "outcome": "cpu", "layers": []}]}, tmp_path)
    with pytest.raises(UsageError, match="another model of Exp"):
        add_to_repository(answers_of(read_results(check / "results.json")), TARGET, tmp_path)
    assert not list(tmp_path.rglob("*.device.jsonl"))


def edit(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


CASES = ("manifest", "cases")
BROKEN: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "schema": (edit("schema", to="rkgraph.board-results/2"), "schema"),
    "more": (edit("more", to=1), "more"),
    "digest": (edit("runs", 0, "files", "model.rknn", to="0" * 64), "other files were run"),
    "no digest": (edit("runs", 0, "files", "model.rknn", to="short"), "schema"),
    "control's digest": (edit("control", "files", "inputs.npz", to="0" * 64), "other files were run"),
    "control of another": (edit("control", "id", to="Exp/x,alone"), "its run is of"),
    "unknown run": (edit("runs", 0, "id", to="Exp/other,alone"), "does not have"),
    "twice": (lambda d: d["runs"].append(copy.deepcopy(d["runs"][0])), "two runs"),
    "case twice": (lambda d: d["manifest"]["cases"].append(d["manifest"]["cases"][0]), "a case twice"),
    "op": (edit(*CASES, 0, "op", to="Relu"), "do not belong together"),
    "signature": (edit(*CASES, 0, "signature", to="[]"), "signature"),
    "deep signature": (edit(*CASES, 0, "signature", to="[" * 50000), "signature"),
    "signature of another": (edit(*CASES, 0, "signature", to='{"op":"Relu","domain":""}'), "signature is of"),
    "path": (edit(*CASES, 0, "files", "model.rknn", to="../../etc/passwd"), "schema"),
    "outcome": (edit(*CASES, 0, "compiled", "outcome", to="great"), "schema"),
    "status": (edit("runs", 0, "status", to="fine"), "schema"),
    "ran without outputs": (edit("runs", 0, "status", to="ran"), "schema"),
    "other outputs": (edit("runs", 2, "outputs", 0, "name", to="z"), "its outputs are z"),
    "long line": (edit("runs", 0, "printed", to=["x" * 1000]), "schema"),
    "negative": (edit("runs", 0, "seconds", to=-1), "schema"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_what_it_says_is_refused(name: str, document: dict[str, Any], tmp_path: Path) -> None:
    change, words = BROKEN[name]
    change(document)
    with pytest.raises(UsageError, match=words):
        read(document, tmp_path)


def test_an_unknown_target_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    document["manifest"]["target"]["platform"] = "rk9999"
    with pytest.raises(TargetError, match="rk9999"):
        read(document, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ('{"a": NaN}', "NaN"), ("[" * 100000, "JSON"), ("1" * 5000, "digits"), ("\udcff", "JSON")],
)
def test_what_is_no_json_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=words):
        read_results(path)


def test_what_is_too_large_or_missing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    with pytest.raises(UsageError, match="cannot be read"):
        read_results(path)
    monkeypatch.setattr(results_module, "MAX_BYTES", 10)
    path.write_text('{"a": 12345678}')
    with pytest.raises(UsageError, match="larger than"):
        read_results(path)
