"""The real worker and client over a fake toolkit that crashes, hangs and litters on command."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.locate import Toolkit
from tests.toolkit.conftest import FAKE_TOOLKIT, eventually, processes_with

Script = Callable[..., Path]


def run(job: Job, limits: Limits | None = None) -> JobResult:
    with Worker(FAKE_TOOLKIT, limits or Limits(seconds=30)) as worker:
        return worker.run(job)


def test_a_whole_job(script: Script, tmp_path: Path, private_tmp: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([1, 2], np.int64))
    np.savez(tmp_path / "b.npz", x=np.array([3.5], np.float32))
    (tmp_path / "out").mkdir()
    job = Job(
        script(build=["print hello"]),
        platform="rk3576",
        config={"optimization_level": 2},
        export=tmp_path / "m.rknn",
        simulate=(tmp_path / "a.npz", tmp_path / "b.npz"),
        inputs=("x",),
        outputs=("a/b",),
        output_folder=tmp_path / "out",
    )
    told: list[str] = []
    with Worker(FAKE_TOOLKIT, Limits(seconds=30)) as worker:
        result = worker.run(job, told.append)
    assert (result.outcome, result.stage, result.error, result.signal) == ("ok", "inference", None, None)
    assert result.ok
    assert (tmp_path / "m.rknn").read_text() == "RKNN whole"
    assert [dict(np.load(path))["a/b"].tolist() for path in result.outputs] == [[2, 4], [7.0]]
    assert np.load(result.outputs[0])["a/b"].dtype == np.int64
    assert told == [
        "start rknn-toolkit2 2.3.2",
        *("config", "load", "build", "export", "runtime", "inference 1/2", "inference 2/2"),
    ]
    assert set(result.seconds) == {"import", "config", "load", "build", "export", "runtime", "inference"}
    assert 'config rk3576 {"optimization_level": 2}' in result.log
    assert 'build {"do_quantization": false}' in result.log
    assert result.peak_mb > 1


def test_one_worker_serves_jobs_after_a_crash(script: Script, private_tmp: Path) -> None:
    with Worker(FAKE_TOOLKIT, Limits(seconds=30)) as worker:
        assert worker.run(Job(script(build=["kill SIGSEGV"]))).outcome == "died"
        second = worker.run(Job(script()))
    assert second.outcome == "ok"
    assert "import" not in second.seconds


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGFPE", "SIGKILL"])
def test_signals_become_results(script: Script, private_tmp: Path, name: str) -> None:
    result = run(Job(script(build=["print before", "print-c from C", f"kill {name}"])))
    assert (result.outcome, result.stage, result.signal) == ("died", "build", name)
    assert "before" in result.log
    assert "from C" in result.log


def test_leaving_by_itself_is_dying(script: Script, private_tmp: Path) -> None:
    result = run(Job(script(load=["exit 7"])))
    assert (result.outcome, result.signal) == ("died", None)
    assert "exit code 7" in (result.error or "")


@pytest.mark.parametrize(
    "failing",
    [
        ("load", "load-failed"),
        ("build", "build-failed"),
        ("export", "export-failed"),
        ("runtime", "simulate-failed"),
        ("inference", "simulate-failed"),
    ],
)
@pytest.mark.parametrize(
    "raised",
    [
        ("fail oh no", "ValueError: oh no"),
        ("fail-nested inner", "KeyError: inner"),
        ("sys-exit 3", "SystemExit: 3"),
    ],
)
def test_exceptions_become_results(
    script: Script, tmp_path: Path, private_tmp: Path, failing: tuple[str, str], raised: tuple[str, str]
) -> None:
    (stage, outcome), (action, error) = failing, raised
    np.savez(tmp_path / "a.npz", x=np.zeros(1))
    names = {"inputs": ("x",), "outputs": ("y",)}
    model = script(**{stage: [action]})
    job = Job(model, export=tmp_path / "m.rknn", simulate=(tmp_path / "a.npz",), output_folder=tmp_path, **names)
    result = run(job)
    assert (result.outcome, result.stage, result.error) == (outcome, stage, error)
    assert result.outputs == ()
    assert (tmp_path / "m.rknn").exists() == (outcome == "simulate-failed")


def test_an_error_code_is_explained_by_the_last_error_line(script: Script, private_tmp: Path) -> None:
    result = run(Job(script(build=["print E build: the reason", "print W later", "return -1"])))
    assert (result.outcome, result.error) == ("build-failed", "the reason (build returned -1)")


def test_an_error_code_without_a_word(script: Script, private_tmp: Path) -> None:
    assert run(Job(script(load=["return -1"]))).error == "load_onnx returned -1"


def test_time_limit_kills_grandchildren_too(script: Script, tmp_path: Path, private_tmp: Path) -> None:
    result = run(Job(script(build=[f"spawn {tmp_path}/pid", "sleep 600"])), Limits(seconds=1))
    assert (result.outcome, result.stage, result.error) == ("timed-out", "build", "no end after 1 s")
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_memory_limit(script: Script, private_tmp: Path) -> None:
    result = run(Job(script(build=["eat 300"])), Limits(seconds=30, memory_mb=200))
    assert (result.outcome, result.stage) == ("out-of-memory", "build")
    assert result.peak_mb > 200


def test_memory_below_the_limit_is_no_matter(script: Script, private_tmp: Path) -> None:
    assert run(Job(script()), Limits(seconds=30, memory_mb=200)).outcome == "ok"


def test_litter_goes_with_the_job(script: Script, private_tmp: Path) -> None:
    with Worker(FAKE_TOOLKIT, Limits(seconds=30)) as worker:
        assert worker.run(Job(script(build=["litter check3_fuse_ops.onnx"]))).outcome == "ok"
        (folder,) = private_tmp.iterdir()
        assert {path.name for path in folder.iterdir()} <= {"worker.log", ".ses"}  # the latter is onnxruntime's


def test_feeds_must_have_every_input(script: Script, tmp_path: Path, private_tmp: Path) -> None:
    np.savez(tmp_path / "a.npz", other=np.zeros(1))
    job = Job(script(), simulate=(tmp_path / "a.npz",), inputs=("x",), outputs=("y",), output_folder=tmp_path)
    result = run(job)
    assert result.outcome == "simulate-failed"
    assert "has no array for input x" in (result.error or "")


def test_outputs_must_be_as_many_as_named(script: Script, tmp_path: Path, private_tmp: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(1))
    job = Job(script(), simulate=(tmp_path / "a.npz",), inputs=("x",), outputs=("y", "z"), output_folder=tmp_path)
    assert run(job).error == "inference returned 1 outputs, not 2"


def test_simulating_needs_names() -> None:
    with pytest.raises(ValueError, match="needs inputs, outputs and output_folder"):
        Job(Path("m.onnx"), simulate=(Path("a.npz"),))


@pytest.mark.parametrize("where", ["missing/m.rknn", ""])
def test_unwritable_output_is_found_before_the_build(
    script: Script, tmp_path: Path, private_tmp: Path, where: str
) -> None:
    with pytest.raises(UsageError, match=r"folder"):
        run(Job(script(build=["sleep 600"]), export=tmp_path / where))


def test_a_missing_model_is_found_before_the_build(tmp_path: Path, private_tmp: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        run(Job(tmp_path / "none.onnx"))


def test_a_toolkit_that_cannot_be_imported(tmp_path: Path, script: Script, private_tmp: Path) -> None:
    toolkit = Toolkit("2.3.2", Path(sys.executable))
    with (
        Worker(toolkit) as worker,
        pytest.raises(ToolkitFailed, match=r"cannot be imported: Module.*rknn"),
    ):
        worker.run(Job(script()))


def test_an_interpreter_that_cannot_be_started(script: Script, private_tmp: Path) -> None:
    with pytest.raises(ToolkitFailed, match="cannot be started"), Worker(Toolkit("2.3.2", Path("/no/python"))):
        pass


CLIENT = textwrap.dedent(
    """
    import sys, tempfile
    from pathlib import Path
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.jobs import Job
    from tests.toolkit.conftest import FAKE_TOOLKIT
    tempfile.tempdir = sys.argv[1]
    with Worker(FAKE_TOOLKIT) as worker:
        worker.run(Job(Path(sys.argv[2]), export=Path(sys.argv[3])), lambda stage: print(stage, flush=True))
    """
)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["build", "export"])
def test_an_interrupted_client_leaves_nothing(
    script: Script, tmp_path: Path, private_tmp: Path, sent: signal.Signals, stage: str
) -> None:
    model = script(**{stage: [f"spawn {tmp_path}/pid", "sleep 600"]})
    arguments = [sys.executable, "-c", CLIENT, str(private_tmp), str(model), str(tmp_path / "m.rknn")]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2]
    ) as client:
        assert client.stdout is not None
        for line in client.stdout:
            if line.strip() == stage:
                break
        assert eventually((tmp_path / "pid").exists)
        os.kill(client.pid, sent)
        assert client.wait(timeout=30) != 0
    assert not (tmp_path / "m.rknn").exists()
    assert eventually(lambda: not processes_with(str(private_tmp)))
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


IN_A_HURRY = textwrap.dedent(
    """
    import sys, tempfile
    from pathlib import Path
    tempfile.tempdir = sys.argv[1]
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.jobs import Job
    from tests.toolkit.conftest import FAKE_TOOLKIT
    print("begin", flush=True)
    for _ in range(50):
        with Worker(FAKE_TOOLKIT) as worker:
            pass
        with Worker(FAKE_TOOLKIT) as worker:
            worker.run(Job(Path(sys.argv[2])))
    """
)


def test_ctrl_c_at_any_moment_leaves_nothing(script: Script, private_tmp: Path) -> None:
    """Twenty interrupts, many of them while a process is just being started or stopped; `private_tmp` asserts."""
    chance = random.Random(2)  # noqa: S311  # repeatable is what is wanted
    arguments = [sys.executable, "-c", IN_A_HURRY, str(private_tmp), str(script())]
    for _ in range(20):
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2]
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "begin\n"
            time.sleep(chance.uniform(0, 0.3))
            os.kill(client.pid, signal.SIGINT)
            assert client.wait(timeout=30) not in {0, None}
        assert eventually(lambda: not list(private_tmp.iterdir())), list(private_tmp.iterdir())


def test_a_worker_that_is_forgotten_leaves_nothing(private_tmp: Path) -> None:
    worker = Worker(FAKE_TOOLKIT)
    worker.start()
    assert list(private_tmp.iterdir())
    del worker
    gc.collect()
    assert not list(private_tmp.iterdir())
