"""What `benchmarks/drawn_suite.py` draws: models that ONNX Runtime runs, and the same ones for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import drawn_suite
from benchmarks.drawn.case import Case, Draw
from benchmarks.drawn.families import FAMILIES
from benchmarks.drawn.model import Refused, build, name_of
from benchmarks.drawn_suite import drawn, write_suite
from benchmarks.fix_rate import reference_of
from benchmarks.suite_cases import DATA, agree, read_case, run

FEW = {name: FAMILIES[name] for name in ("Conv", "GRU", "Quantized", "Einsum")}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_draws_models_that_onnx_runtime_runs(family: str) -> None:
    found = [drawn(FAMILIES[family], f"test/{family}/{number}") for number in range(6)]
    models = [model for _, model in filter(None, found)]
    assert len(models) == len(found)
    for one in models:
        assert one.feeds
        assert all(np.isfinite(v).all() and v.size for v in one.expected.values())
        assert len(one.model.graph.node) == 1
    assert len({one.model.SerializeToString() for one in models}) > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_key_always_draws_the_same_case_and_another_key_another(family: str) -> None:
    def text(key: str) -> str:
        case = FAMILIES[family](Draw.seeded(key))
        return repr([(v.dtype, v.shape, v.tobytes()) if v is not None else None for v in case.inputs]) + name_of(case)

    assert text("1") == text("1")
    assert len({text(str(key)) for key in range(5)}) > 1


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def test_a_suite_is_the_same_bytes_for_a_seed_and_others_for_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert len(write_suite(tmp_path / name, seed, 2, FEW)) == 2 * len(FEW)
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert not _bytes(tmp_path / "a").keys() & {k for k in _bytes(tmp_path / "c") if k.endswith(".onnx")}


def test_a_family_draws_the_same_models_whatever_others_are_drawn(tmp_path: Path) -> None:
    both = set(write_suite(tmp_path / "all", 3, 1, FEW))
    assert set(write_suite(tmp_path / "one", 3, 1, {"GRU": FAMILIES["GRU"]})) < both


def test_the_command_writes_what_fix_rate_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["drawn_suite", str(tmp_path / "suite"), "--seed", "5", "--rounds", "1", "--families", "Conv", "LSTM"]
    monkeypatch.setattr("sys.argv", command)
    drawn_suite.main()
    assert capsys.readouterr().out.startswith("2 models")
    cases = [read_case(path) for path in (tmp_path / "suite" / DATA).glob("*/*/model.onnx")]
    assert reference_of(tmp_path / "suite", "rk3588:2.3.2") == {case.id for case in cases}
    assert [agree(case.expected, run(str(case.path), case.feeds)) for case in cases] == ["", ""]
    with pytest.raises(SystemExit):  # a second suite is not mixed with the first
        drawn_suite.main()
    assert "not an empty folder" in capsys.readouterr().err


def test_what_comes_out_otherwise_the_second_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter((1.0, 2.0))
    monkeypatch.setattr("benchmarks.drawn.model.run", lambda *_: {"y0": np.full(2, next(runs), np.float32)})
    with pytest.raises(Refused, match="run to run"):
        build(Case("Neg", [np.ones(2, np.float32)]))


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (Case("Neg", [np.ones(2, np.float32)], constants=[0]), "all inputs are constants"),
        (Case("Log", [np.zeros(2, np.float32)]), "not finite"),
        (Case("NonZero", [np.zeros(2, np.float32)]), "empty"),
        (Case("Neg", [np.ones(2, np.uint8)]), "uint8"),
    ],
)
def test_what_cannot_be_measured_is_refused(case: Case, why: str) -> None:
    with pytest.raises(Refused, match=why):
        build(case)
