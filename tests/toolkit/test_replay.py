"""The client against recorded sessions, and against workers that do not keep to the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rkgraph.errors import ToolkitFailed
from rkgraph.toolkit import client
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.replay import replay_toolkit
from tests.toolkit.conftest import SESSIONS

READY = {"send": {"event": "ready", "seconds": 0.5}}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "model.onnx").write_text("not read by a replay")
    return Job(tmp_path / "model.onnx")


def replay(session: Path, job: Job, seconds: float = 30) -> JobResult:
    with Worker(replay_toolkit(session), Limits(seconds=seconds)) as worker:
        return worker.run(job)


def written(folder: Path, *steps: dict[str, Any], start: tuple[dict[str, Any], ...] = (READY,)) -> Path:
    folder.mkdir()
    session = {"toolkit": "2.3.2", "start": list(start), "job": list(steps)}
    (folder / "session.json").write_text(json.dumps(session))
    return folder


def test_a_recorded_build(tmp_path: Path, private_tmp: Path) -> None:
    (tmp_path / "m.onnx").touch()
    np.savez(tmp_path / "x.npz", x=np.zeros((1, 3, 8, 6), np.float32))
    job = Job(
        tmp_path / "m.onnx",
        export=tmp_path / "m.rknn",
        simulate=(tmp_path / "x.npz",),
        inputs=("x",),
        outputs=("z",),
        output_folder=tmp_path,
    )
    result = replay(SESSIONS / "conv_rk3588_2.3.2", job)
    assert result.ok
    assert result.log == (SESSIONS / "conv_rk3588_2.3.2" / "log").read_bytes().decode()
    assert (tmp_path / "m.rknn").read_bytes()[:4] == b"RKNN"
    assert np.load(result.outputs[0])["z"].shape == (1, 4, 8, 6)


@pytest.mark.parametrize("session", sorted(path.name for path in SESSIONS.iterdir()))
def test_every_session_replays_to_what_was_recorded(session: str, job: Job, private_tmp: Path) -> None:
    recorded = json.loads((SESSIONS / session / "session.json").read_text())["job"][-1]["send"]
    result = replay(SESSIONS / session, job)
    assert (result.outcome, result.stage, result.signal) == (
        recorded["outcome"],
        recorded["stage"],
        recorded["signal"],
    )
    assert (result.error or "").startswith((recorded["error"] or "").split(" (")[0])


def test_a_worker_that_dies_itself(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    stage = {"send": {"event": "stage", "stage": "build"}}
    result = replay(written(tmp_path / "s", stage, {"kill": "SIGSEGV"}), job)
    assert (result.outcome, result.stage, result.signal) == ("died", "build", "SIGSEGV")


def test_a_dead_worker_is_started_again(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    with Worker(replay_toolkit(written(tmp_path / "s", {"kill": "SIGKILL"}))) as worker:
        assert [worker.run(job).signal for _ in range(2)] == ["SIGKILL", "SIGKILL"]


def test_a_worker_that_dies_in_the_middle_of_a_line(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    result = replay(written(tmp_path / "s", {"raw": '{"event": "res'}, {"kill": "SIGABRT"}), job)
    assert (result.outcome, result.signal) == ("died", "SIGABRT")


def test_a_line_in_two_pieces(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    halves = ('{"event": "result", ', '"outcome": "ok"}\n')
    steps = ({"raw": halves[0]}, {"sleep": 0.05}, {"raw": halves[1]})
    assert replay(written(tmp_path / "s", *steps), job).ok


@pytest.mark.parametrize(
    "raw",
    [
        "Segmentation fault\n",
        "[1, 2]\n",
        '{"event": "party"}\n',
        '{"event": "result", "outcome": "splendid"}\n',
        '{"event": "stage"}\n',
        "\xff\x00\n",
        "x" * (2 << 20),
    ],
)
def test_nonsense_is_no_traceback(tmp_path: Path, job: Job, private_tmp: Path, raw: str) -> None:
    with pytest.raises(ToolkitFailed, match="sent what is no message"):
        replay(written(tmp_path / "s", {"raw": raw}), job)


@pytest.mark.parametrize("pid", [0, 1, -1, None, "7", 2**40])
def test_a_false_process_group_is_not_killed(tmp_path: Path, job: Job, private_tmp: Path, pid: object) -> None:
    steps = ({"send": {"event": "started", "pid": pid}}, {"raw": "nonsense\n"})
    with pytest.raises(ToolkitFailed, match="no message"):
        replay(written(tmp_path / "s", *steps), job)


def test_a_worker_that_hangs(tmp_path: Path, job: Job, private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_GRACE_SECONDS", 0.1)
    with pytest.raises(ToolkitFailed, match="does not answer"):
        replay(written(tmp_path / "s", {"sleep": 600}), job, seconds=0.1)


def test_an_import_that_hangs(tmp_path: Path, job: Job, private_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_START_SECONDS", 0.1)
    with pytest.raises(ToolkitFailed, match="does not answer"):
        replay(written(tmp_path / "s", start=({"sleep": 600},)), job)


def test_an_import_that_crashes(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    with pytest.raises(ToolkitFailed, match="cannot be imported: its worker ended with SIGILL"):
        replay(written(tmp_path / "s", start=({"kill": "SIGILL"},)), job)


def test_an_ok_without_its_files_is_nonsense(tmp_path: Path, job: Job, private_tmp: Path) -> None:
    from dataclasses import replace

    session = written(tmp_path / "s", {"send": {"event": "result", "outcome": "ok"}})
    with pytest.raises(ToolkitFailed, match=r"did not write model\.rknn"):
        replay(session, replace(job, export=tmp_path / "m.rknn"))
    assert not (tmp_path / "m.rknn").exists()
