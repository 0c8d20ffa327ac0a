"""Runs jobs in a toolkit's worker process and cleans up after it, whatever happens.

Nothing that the worker sends is trusted to be well formed: a worker that dies, hangs or talks nonsense
becomes a result or a ToolkitFailed, never a traceback.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.files import writing
from rkgraph.interrupts import held_back
from rkgraph.toolkit.channel import Channel, ChannelClosed, Garbage, Timeout
from rkgraph.toolkit.jobs import Job, JobResult, Limits, Outcome
from rkgraph.toolkit.locate import Toolkit
from rkgraph.toolkit.logs import last_error

__all__ = ["Worker"]

_GRACE_SECONDS = 15.0
"""How long after a job's own limit the worker may take to say so before it counts as hanging itself."""

_START_SECONDS = 180.0
"""How long the toolkit's import may take (1 to 2 s measured; a cold disk takes longer)."""

Progress = Callable[[str], None]


class Worker:
    """A running toolkit: a context manager; `run` may be called any number of times.

    The process starts on entering and imports the toolkit while the caller goes on; a process that dies is
    started again for the next job. On leaving, Ctrl-C at any moment included, no process and no temporary folder is
    left; nor where a worker is forgotten without leaving it.
    """

    def __init__(self, toolkit: Toolkit, limits: Limits | None = None) -> None:
        self.toolkit = toolkit
        self.limits = limits or Limits()
        self._process: _Process | None = None

    def __enter__(self) -> Worker:
        try:
            self._living()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove its folder; a later `run` would start it again."""
        self._stop()

    def start(self) -> float:
        """Wait until the toolkit is imported; seconds that took. Raises ToolkitFailed if it cannot be."""
        return self._living().wait_until_ready(lambda _: None)

    def run(self, job: Job, on_progress: Progress | None = None) -> JobResult:
        """Run one job to its end and return how it ended.

        Args:
            job: what to do. Its files are only written when their stage has succeeded.
            on_progress: called with a few words as each stage begins.

        Raises:
            ToolkitFailed: the toolkit cannot be imported, or its worker hangs or talks nonsense.
            UsageError: `job.export` cannot be written, or a file of the job does not exist.
        """
        _check_files(job)
        tell = on_progress or (lambda _: None)
        try:
            return self._living().run(job, self.limits, tell)
        except BaseException:
            self._stop()
            raise
        finally:
            if self._process is not None and self._process.dead:
                self._stop()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for the files of jobs. It goes with the worker, even where this process is killed."""
        folder = Path(tempfile.mkdtemp(prefix="files-", dir=self._living().folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def abort(self) -> None:
        """Kill what is running, from another thread: the job under way ends as "died", the next starts anew."""
        process = self._process
        if process is not None:
            process.kill()

    def _living(self) -> _Process:
        if self._process is None:
            with held_back():  # between a process and its bookkeeping Ctrl-C would leave it behind
                self._process = _Process(self.toolkit)
        return self._process

    def _stop(self) -> None:
        with held_back():  # an impatient second Ctrl-C, too
            process, self._process = self._process, None
            if process is not None:
                process.stop()


class _Process:
    """One worker process with its channel and its private folder."""

    def __init__(self, toolkit: Toolkit) -> None:
        self.toolkit = toolkit
        self.folder = Path(tempfile.mkdtemp(prefix="rkgraph-"))
        self.dead = False
        self._ready: float | None = None
        self._group: int | None = None
        self._jobs = 0
        self._channel, theirs = Channel.pair()
        try:
            with theirs, (self.folder / "worker.log").open("wb") as log:
                self._popen = subprocess.Popen(
                    [*toolkit.command, str(theirs.fileno()), os.fspath(self.folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C reaches us alone; we decide what ends
                )
        except OSError as error:
            self._channel.close()
            _remove(self.folder)
            raise ToolkitFailed(f"{toolkit.python} cannot be started ({error.strerror})", "rkgraph doctor") from error
        # Runs in `stop`, or where nobody gets to call it: Ctrl-C may come before anybody holds this object.
        self._forgotten = weakref.finalize(self, _end, self._channel, self._popen, self.folder)

    def run(self, job: Job, limits: Limits, tell: Progress) -> JobResult:
        """Send one job, follow it, fetch what it wrote."""
        started = self.wait_until_ready(tell)
        self._jobs += 1
        folder = self.folder / f"job-{self._jobs}"
        folder.mkdir()
        try:
            message = self._follow(job, limits, folder, tell)
            return _result(message, job, folder, started)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def wait_until_ready(self, tell: Progress) -> float:
        """Wait for the import; seconds it took, 0 if an earlier call paid for it."""
        if self._ready is not None:
            return 0.0
        tell(f"start rknn-toolkit2 {self.toolkit.version}")
        message = self._receive(time.monotonic() + _START_SECONDS)
        if message.get("event") != "ready":
            error = message.get("error") or self._died()
            raise ToolkitFailed(f"rknn-toolkit2 {self.toolkit.version} cannot be imported: {error}", "rkgraph doctor")
        self._ready = float(message.get("seconds", 0.0))
        return self._ready

    def kill(self) -> None:
        """Kill the worker, and its job with it; whoever waits for a message sees that it is gone."""
        self._popen.kill()

    def stop(self) -> None:
        """Kill the worker and its job, and remove the private folder."""
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        self._forgotten()

    def _follow(self, job: Job, limits: Limits, folder: Path, tell: Progress) -> Mapping[str, Any]:
        """The result message of a job; made up here where the worker itself died."""
        request = {
            "folder": os.fspath(folder),
            "model": os.fspath(job.model.resolve()),
            "platform": job.platform,
            "config": dict(job.config),
            "load": dict(job.load),
            "build": dict(job.build),
            "islands": None if job.islands is None else list(job.islands),
            "optimised": job.optimised is not None,
            "export": job.export is not None,
            "simulate": [os.fspath(path.resolve()) for path in job.simulate],
            "inputs": list(job.inputs),
            "outputs": list(job.outputs),
            "seconds": limits.seconds,
            "memory_mb": limits.memory_mb,
        }
        stage: str | None = None
        deadline = time.monotonic() + limits.seconds + _GRACE_SECONDS
        self._channel.send(request)
        while True:
            message = self._receive(deadline)
            event = message.get("event")
            if event == "started":
                self._group = self._checked_group(message)
            elif event == "stage" and isinstance(message.get("stage"), str):
                stage = message["stage"]
                tell(_words(message))
            elif event == "result" and message.get("outcome") in get_args(Outcome):
                self._group = None
                return message
            elif event == "gone":
                return {"outcome": "died", "stage": stage, "error": self._died(), "signal": self._signal()}
            else:
                raise self._nonsense(str(message))

    def _checked_group(self, message: Mapping[str, Any]) -> int | None:
        """The process group of a job; None unless it really is one of our worker's."""
        pid = message.get("pid")
        with contextlib.suppress(ProcessLookupError, OverflowError):
            if isinstance(pid, int) and pid > 1 and os.getsid(pid) == self._popen.pid:
                return pid
        return None

    def _receive(self, deadline: float) -> Mapping[str, Any]:
        """The next message; {"event": "gone"} when the worker has died."""
        try:
            return self._channel.receive(deadline)
        except ChannelClosed:
            self.dead = True
            return {"event": "gone"}
        except Timeout as error:
            raise ToolkitFailed(
                f"the worker of rknn-toolkit2 {self.toolkit.version} does not answer", "rkgraph doctor --deep"
            ) from error
        except Garbage as error:
            raise self._nonsense(str(error)) from error

    def _nonsense(self, what: str) -> ToolkitFailed:
        return ToolkitFailed(
            f"the worker of rknn-toolkit2 {self.toolkit.version} sent what is no message: {what[:120]!r}",
            "rkgraph doctor --deep",
        )

    def _died(self) -> str:
        """What to say of a worker that is gone: its last line, else how it ended."""
        self._popen.wait()
        text = (self.folder / "worker.log").read_text(errors="replace").strip()
        if text:
            return text.splitlines()[-1].strip()
        return f"its worker ended with {self._signal() or f'exit code {self._popen.returncode}'}"

    def _signal(self) -> str | None:
        code = self._popen.wait()
        return signal.Signals(-code).name if code < 0 else None


def _check_files(job: Job) -> None:
    """Raise UsageError before minutes are spent on a job whose files cannot be read or written."""
    for path in (job.model, *job.simulate):
        if not path.is_file():
            raise UsageError(f"{path}: no such file", "check the path")
    for folder in filter(
        None,
        (
            job.export and job.export.resolve().parent,
            job.optimised and job.optimised.resolve().parent,
            job.output_folder,
        ),
    ):
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UsageError(f"{folder}: is not a folder that can be written", "create it, or give another -o")
    if job.export is not None and job.export.is_dir():
        raise UsageError(f"{job.export}: is a folder, the .rknn file is to be written there", "give another -o")


def _words(message: Mapping[str, Any]) -> str:
    """A stage message as progress text: "build", "inference 3/20"."""
    if isinstance(message.get("of"), int) and isinstance(message.get("done"), int):
        return f"{message['stage']} {message['done'] + 1}/{message['of']}"
    return str(message["stage"])


def _result(message: Mapping[str, Any], job: Job, folder: Path, started: float) -> JobResult:
    """Fetch log, .rknn and outputs out of the job's folder."""
    log_file = folder / "log"
    log = log_file.read_bytes().decode(errors="replace") if log_file.exists() else ""
    outcome: Outcome = message["outcome"]
    error = message.get("error")
    seconds = dict(message.get("seconds", {}))
    if started:
        seconds["import"] = started
    if outcome not in ("ok", "timed-out", "out-of-memory"):
        error = _best(error, log)
    outputs: list[Path] = []
    if job.export is not None and outcome in ("ok", "simulate-failed"):
        _move(folder / "model.rknn", job.export)
    if job.optimised is not None and outcome in ("ok", "simulate-failed"):
        _move(folder / "optimised.onnx", job.optimised)
    if job.output_folder is not None and outcome == "ok":
        for index in range(len(job.simulate)):
            outputs.append(job.output_folder / f"{index:04d}.npz")
            _move(folder / outputs[-1].name, outputs[-1])
    return JobResult(
        outcome=outcome,
        stage=message.get("stage"),
        signal=message.get("signal"),
        error=error,
        log=log,
        seconds=seconds,
        outputs=tuple(outputs),
        peak_mb=float(message.get("peak_mb", 0.0)),
    )


def _best(error: str | None, log: str) -> str | None:
    """The toolkit's own last error line where the exception says nothing ("build returned -1", a signal)."""
    said = last_error(log)
    if said and (not error or " returned -" in error or "was killed by" in error):
        return f"{said} ({error})" if error else said
    return error


def _end(channel: Channel, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill a worker (its jobs end when it goes) and remove its folder."""
    channel.close()
    process.kill()
    process.wait()
    _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder in which a process that was just killed may still be writing."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def _move(source: Path, target: Path) -> None:
    """Bring a finished file to its place: whole or not at all, across file systems too."""
    if not source.is_file():
        raise ToolkitFailed(f"the toolkit reports success and did not write {source.name}", "rkgraph doctor --deep")
    with source.open("rb") as reader, writing(target) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
