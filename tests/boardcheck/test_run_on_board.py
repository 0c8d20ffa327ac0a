"""The script on a board that is not real: every way in which a model can fare, stopping and going on."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from rkgraph.boardcheck import run_on_board
from rkgraph.boardcheck.candidates import Candidate
from rkgraph.probe.case import case, computed
from tests.boardcheck.boards import ABS, CONTROL, EXP, SOFTSIGN, calls_of, check_of, results_of, run

IDS = [each.case.id for each in (SOFTSIGN, EXP, ABS)]
FIRST = IDS[0]


@pytest.fixture
def check(tmp_path: Path) -> Path:
    return check_of(tmp_path)


def test_it_is_python_3_7_and_needs_numpy_and_lite_only() -> None:
    tree = ast.parse(Path(run_on_board.__file__).read_text(), feature_version=(3, 7))
    imports = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    standard = {"argparse", "hashlib", "json", "platform", "re", "signal", "subprocess", "sys", "tempfile", "time"}
    assert imports - standard == {"__future__", "importlib", "numpy", "pathlib", "rknnlite.api", "typing"}


def test_all_models_run_right(check: Path) -> None:
    done = run(check)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 ran" in done.stdout
    assert "rkgraph evidence import results.json" in done.stdout
    results = results_of(check)
    assert [r["id"] for r in results["runs"]] == IDS
    assert {r["status"] for r in [results["control"], *results["runs"]]} == {"ran"}
    for each in results["runs"]:
        assert (each["load"], each["init"], each["inference"]) == (0, 0, 0)
        assert {o["against"]["expected"]["max_error"] for o in each["outputs"]} == {0.0}
    assert results["manifest"] == json.loads((check / "manifest.json").read_text())
    assert "DRV: 0.9.8" in results["board"]["versions"]
    assert calls_of(check) == [CONTROL.case.id, *IDS]


@pytest.mark.parametrize(
    ("told", "status", "stage", "code"),
    [
        ("load", "refused", "load", -1),
        ("init", "refused", "init", -3),
        ("inference", "refused", "inference", -1),
        ("raise", "refused", "inference", None),
        ("fewer", "refused", "inference", 0),
        ("crash", "crashed", "init", None),
    ],
)
def test_a_model_that_fails_costs_itself_only(
    check: Path, told: str, status: str, stage: str, code: int | None
) -> None:
    done = run(check, {FIRST: told})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{status} at {stage}" in done.stdout
    first, *others = results_of(check)["runs"]
    assert (first["id"], first["status"], first["stage"]) == (FIRST, status, stage)
    assert first.get(stage) == code
    assert "outputs" not in first
    assert [r["status"] for r in others] == ["ran", "ran"]
    if told in ("init", "crash"):
        assert first["printed"] == [
            "E RKNN: Unsupport CPU op: Softsign in this librknnrt.so, please try to register custom op"
        ]
    assert first.get("signal") == ("SIGSEGV" if told == "crash" else None)


def test_a_hang_ends_and_the_npu_is_asked_again(check: Path) -> None:
    done = run(check, {FIRST: "hang"}, "--timeout", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    first, *others = results_of(check)["runs"]
    assert (first["status"], first["stage"]) == ("timed-out", "inference")
    assert [r["status"] for r in others] == ["ran", "ran"]
    assert calls_of(check) == [CONTROL.case.id, FIRST, CONTROL.case.id, *IDS[1:]]


def test_it_goes_on_and_runs_failures_again_only_when_told(check: Path) -> None:
    run(check, {FIRST: "init"})
    whole = results_of(check)
    cut = {**whole, "runs": whole["runs"][:2]}
    (check / "results.json").write_text(json.dumps(cut))
    (check.parent / "calls").unlink()
    assert run(check).returncode == 0
    assert calls_of(check) == [CONTROL.case.id, IDS[2]]
    assert results_of(check)["runs"][0]["status"] == "refused"
    assert run(check, {}, "--retry").returncode == 0
    assert calls_of(check)[2:] == [CONTROL.case.id, FIRST]
    assert [r["status"] for r in results_of(check)["runs"]] == ["ran"] * 3


def test_results_of_another_folder_are_not_gone_on_with(check: Path) -> None:
    run(check)
    other = results_of(check)
    other["manifest"]["rkgraph"] = "other"
    (check / "results.json").write_text(json.dumps(other))
    (check.parent / "calls").unlink()
    assert run(check).returncode == 0
    assert calls_of(check) == [CONTROL.case.id, *IDS]


def test_nothing_runs_where_the_control_model_does_not(check: Path) -> None:
    done = run(check, {CONTROL.case.id: "init"})
    assert done.returncode == 1
    assert "control model" in done.stdout
    assert "Unsupport CPU op" in done.stdout
    assert results_of(check)["runs"] == []


def test_without_lite_it_says_so(check: Path) -> None:
    done = run(check, lite=False)
    assert done.returncode == 2
    assert "rknn-toolkit-lite2 cannot be imported" in done.stdout
    assert "pip3 install rknn-toolkit-lite2" in done.stdout
    assert not (check / "results.json").exists()


def test_differences_are_measured(tmp_path: Path) -> None:
    whole = Candidate(case("Abs", "made-int8", [computed(2, 7, dtype="int8")]), "no-kernel", ("Abs",))
    check = check_of(tmp_path, [EXP, whole])
    run(check, {EXP.case.id: "nan", whole.case.id: "wrong"})
    exp, integers = ({o["name"]: o["against"]["expected"] for o in r["outputs"]} for r in results_of(check)["runs"])
    assert exp["probe_y"]["spoilt"] == exp["probe_y"]["elements"] == 30
    assert exp["k1"]["spoilt"] == 0
    assert exp["k1"]["cosine"] == pytest.approx(1)
    assert integers["probe_y"]["whole"]
    assert 0 < integers["probe_y"]["differing"] <= 14
