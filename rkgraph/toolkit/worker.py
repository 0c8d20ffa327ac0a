"""Runs the real toolkit. Executed by the toolkit's own interpreter: standard library, numpy and rknn only.

    worker.py CHANNEL FOLDER

CHANNEL is the number of an inherited socket on which JSON lines travel; FOLDER holds this worker's private files
and is removed when the client is gone. The toolkit is imported once; each job runs in a fork of this process,
which may crash, hang or eat memory without harm.

    client → worker   {"folder": …, "model": …, "platform": …, "config": {}, "load": {}, "build": {}, "export": bool,
                       "islands": [tensor…]|null, "optimised": bool, "simulate": [npz…], "inputs": [name…],
                       "outputs": [name…], "seconds": s, "memory_mb": n|null}
    worker → client   {"event": "ready", "seconds": s}  or  {"event": "broken", "error": …}      once
                      {"event": "started", "pid": process group}                                 once a job
                      {"event": "stage", "stage": …, "done": i, "of": n}                         as they begin
                      {"event": "result", "outcome": …, "stage": …, "signal": …, "error": …,
                       "seconds": {}, "peak_mb": x}

A job writes only below its `folder`: `log` (all that was printed), `cwd`, `tmp`, `model.rknn`, `optimised.onnx`
and `0000.npz` ….
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

_TICK_SECONDS = 0.1
_LATE_IMPORTS = ("pkg_resources", "onnxruntime")
"""What the toolkit imports only when its first object is made: 0.1 s that every job would pay, so it is done once."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_IOLBF = 1  # stdio.h
_FAILURES = {
    "config": "load-failed",
    "load": "load-failed",
    "build": "build-failed",
    "export": "export-failed",
    "runtime": "simulate-failed",
    "inference": "simulate-failed",
}

Message = Mapping[str, Any]


class _ClientGone(Exception):
    """The other end of the channel was closed: nobody waits for results any more."""


class _StageFailed(Exception):
    """A toolkit call returned an error code, or feeds or outputs do not fit the model."""


def main(arguments: list[str]) -> int:
    """Import the toolkit, serve jobs until the client closes the channel, clean up; the exit code."""
    channel = socket.socket(fileno=int(arguments[0]))
    folder = arguments[1]
    try:
        began = time.monotonic()
        os.environ["TMPDIR"] = folder  # imports, too, leave files behind: onnxruntime its .ses
        try:
            from rknn.api import RKNN

            for name in _LATE_IMPORTS:
                with contextlib.suppress(ImportError):  # the toolkit says so itself, if it matters
                    importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001  a broken installation fails in many ways: report each
            _send(channel, event="broken", error=innermost(error))
            return 1
        _send(channel, event="ready", seconds=time.monotonic() - began)
        for line in channel.makefile("rb"):
            _send(channel, event="result", **supervise(RKNN, json.loads(line), channel))
    except (_ClientGone, BrokenPipeError, ConnectionResetError):
        pass  # the normal end of an interrupted client
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _send(channel: socket.socket, **message: Any) -> None:
    channel.sendall(json.dumps(message).encode() + b"\n")


# ---------------------------------------------------------------- the parent: forks, watches, judges


def supervise(toolkit: Callable[..., Any], job: Message, channel: socket.socket) -> Message:
    """Run `job` in a fork and return its result. Raises _ClientGone."""
    read_end, write_end = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        channel.close()
        _child(toolkit, job, write_end, parent)
    os.close(write_end)
    with contextlib.suppress(OSError):  # the child does the same: whoever is first
        os.setpgid(pid, pid)
    watch = _Watch(job, pid, read_end, channel)
    try:
        _send(channel, event="started", pid=pid)
        return watch.until_end()
    finally:
        _kill_group(pid)
        watch.reap()
        os.close(watch.ending)
        os.close(read_end)


class _Watch:
    """What the parent knows of one running child."""

    def __init__(self, job: Message, pid: int, pipe: int, channel: socket.socket) -> None:
        self.job, self.pid, self.pipe, self.channel = job, pid, pipe, channel
        self.deadline = time.monotonic() + job["seconds"]
        self.buffer = b""
        self.result: Message | None = None
        self.stage: str | None = None
        self.status: int | None = None
        self.peak_mb = 0.0
        self.ending = os.pidfd_open(pid)  # readable as soon as the child has ended: no tick is lost

    def until_end(self) -> Message:
        """Forward stages until the child ends or a limit is reached; return the result."""
        channel, pipe_open = self.channel.fileno(), True
        while not self.reap(block=False):
            sources = [channel, self.ending, *([self.pipe] if pipe_open else [])]
            ready, _, _ = select.select(sources, [], [], _TICK_SECONDS)
            if channel in ready and not self.channel.recv(1, socket.MSG_PEEK):
                raise _ClientGone
            if self.pipe in ready:
                pipe_open = self.read_events()
            self.peak_mb = max(self.peak_mb, _resident_mb(self.pid))
            if time.monotonic() > self.deadline:
                return self.verdict("timed-out", f"no end after {self.job['seconds']:g} s")
            if self.job["memory_mb"] and self.peak_mb > self.job["memory_mb"]:
                return self.verdict("out-of-memory", f"used more than {self.job['memory_mb']} MiB")
        self.drain()
        return self.ended()

    def ended(self) -> Message:
        """The result of a child that has ended by itself."""
        status = self.status or 0
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            return self.verdict("died", f"the toolkit was killed by {name}", name)
        if self.result is None:
            return self.verdict("died", f"the toolkit left by itself with exit code {os.WEXITSTATUS(status)}")
        return {**self.result, "peak_mb": self.peak_mb}

    def verdict(self, outcome: str, error: str, by_signal: str | None = None) -> Message:
        """A result for a child that could not give one itself."""
        return {
            "outcome": outcome,
            "stage": self.stage,
            "signal": by_signal,
            "error": error,
            "seconds": {},
            "peak_mb": self.peak_mb,
        }

    def read_events(self) -> bool:
        """Read once from the child and forward whole lines. False at the end of the pipe."""
        data = os.read(self.pipe, 65536)
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["event"] == "result":
                self.result = {key: value for key, value in message.items() if key != "event"}
            else:
                self.stage = message["stage"]
                _send(self.channel, **message)
        return bool(data)

    def drain(self) -> None:
        """Read what the ended child left in the pipe (a grandchild may hold it open: never wait)."""
        while select.select([self.pipe], [], [], 0)[0] and self.read_events():
            continue

    def reap(self, *, block: bool = True) -> bool:
        """Collect the child's exit status; true when it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, 0 if block else os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None


def _kill_group(pid: int) -> None:
    """Kill the job and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _resident_mb(pid: int) -> float:
    """Resident memory (MiB) of a process and its descendants; 0 for one that has ended."""
    process = Path(f"/proc/{pid}")
    try:
        total = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
        for task in (process / "task").iterdir():
            total += sum(_resident_mb(int(child)) for child in (task / "children").read_text().split())
    except (OSError, IndexError):  # it ended meanwhile
        return 0.0
    return total


# ---------------------------------------------------------------- the child: one job, then _exit


def _child(toolkit: Callable[..., Any], job: Message, pipe: int, parent: int) -> NoReturn:
    """Run the job in this forked process and never return."""
    try:
        os.setpgid(0, 0)
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above took effect
            os._exit(1)
        _enter(Path(job["folder"]))
        _write_by_line(libc)
        result = _Stages(pipe).run(toolkit, job)
        sys.stdout.flush()
        sys.stderr.flush()
        libc.fflush(None)  # "No lowering found" may sit in buffers of C libraries until here
        _report(pipe, event="result", **result)
    finally:
        os._exit(0)


def _enter(folder: Path) -> None:
    """Make `folder` this process's world: current directory, TMPDIR, stdin, stdout and stderr."""
    cwd, tmp = folder / "cwd", folder / "tmp"
    cwd.mkdir()
    tmp.mkdir()
    os.chdir(cwd)
    os.environ["TMPDIR"] = os.fspath(tmp)
    tempfile.tempdir = None
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, descriptor)
    os.close(log)
    os.close(null)


def _write_by_line(libc: ctypes.CDLL) -> None:
    """Let Python and C write each line at once, so that a crash loses none and their lines stay in order."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, _IOLBF, ctypes.c_size_t(0))


def _report(pipe: int, **message: Any) -> None:
    """One JSON line to the parent."""
    line = json.dumps(message).encode() + b"\n"
    while line:
        line = line[os.write(pipe, line) :]


class _Stages:
    """The toolkit's calls in order, timed, each announced before it begins."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.stage = "config"
        self.seconds: dict[str, float] = {}

    def run(self, toolkit: Callable[..., Any], job: Message) -> Message:
        """All stages that the job asks for, and how they ended."""
        outcome, error = "ok", None
        try:
            self.build(toolkit, job)
        except BaseException as caught:  # noqa: BLE001  the toolkit raises anything, SystemExit included
            outcome, error = _FAILURES[self.stage], innermost(caught)
        return {"outcome": outcome, "stage": self.stage, "signal": None, "error": error, "seconds": self.seconds}

    def build(self, toolkit: Callable[..., Any], job: Message) -> None:
        """Raises _StageFailed or whatever the toolkit raises."""
        rknn = self.loaded(toolkit, job)
        if job["islands"] is None:
            self.call("build", rknn.build, **{"do_quantization": False, **job["build"]})
        else:
            rknn = self.hybrid(rknn, toolkit, job)
        if job.get("optimised"):
            _keep_optimised(Path(job["folder"]))
        if job["export"]:
            self.call("export", rknn.export_rknn, os.fspath(Path(job["folder"], "model.rknn")))
        if job["simulate"]:
            self.call("runtime", rknn.init_runtime)
            for index, feeds in enumerate(job["simulate"]):
                self.begin("inference", done=index, of=len(job["simulate"]))
                self.infer(rknn, job, feeds, index)

    def loaded(self, toolkit: Callable[..., Any], job: Message) -> Any:
        """A toolkit object that holds the model."""
        rknn = self.configured(toolkit, job)
        self.call("load", rknn.load_onnx, model=job["model"], **job["load"])
        return rknn

    def configured(self, toolkit: Callable[..., Any], job: Message) -> Any:
        """A toolkit object that knows the platform and the options."""
        rknn = toolkit(verbose=True)  # the layer table is printed at no other level
        self.call("config", rknn.config, target_platform=job["platform"], **job["config"])
        return rknn

    def hybrid(self, rknn: Any, toolkit: Callable[..., Any], job: Message) -> Any:
        """Quantize all but the tensors of `job["islands"]`, which stay float16; returns the object that was built.

        The toolkit's hybrid quantization writes NAME.model (ONNX), NAME.data and NAME.quantization.cfg into the current
        directory; in the last, tensors of other types stand under `custom_quantize_layers`, its first key.
        """
        self.call("build", rknn.hybrid_quantization_step1, dataset=job["build"]["dataset"], proposal=False)
        files = {suffix: _only_file(suffix) for suffix in (".model", ".data", ".quantization.cfg")}
        shutil.copyfile(files[".model"], Path(job["folder"], "optimised.onnx"))
        _set_islands(files[".quantization.cfg"], job["islands"])
        second = self.configured(toolkit, job)
        names = {"model_input": ".model", "data_input": ".data", "model_quantization_cfg": ".quantization.cfg"}
        paths = {argument: os.fspath(files[suffix]) for argument, suffix in names.items()}
        self.call("build", second.hybrid_quantization_step2, **paths)
        return second

    def call(self, stage: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """One toolkit call; an integer other than 0 is its error code."""
        self.begin(stage)
        began = time.monotonic()
        code = function(*arguments, **options)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - began
        if isinstance(code, int) and code != 0:
            raise _StageFailed(f"{function.__name__} returned {code}")

    def begin(self, stage: str, **more: int) -> None:
        """Announce a stage."""
        self.stage = stage
        _report(self.pipe, event="stage", stage=stage, **more)

    def infer(self, rknn: Any, job: Message, feeds: str, index: int) -> None:
        """Simulate one .npz of feeds (layout as in the ONNX model) and write an .npz of outputs."""
        import numpy as np

        names, outputs = job["inputs"], job["outputs"]
        with np.load(feeds, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays]
            if missing:
                raise _StageFailed(f"{feeds} has no array for input {', '.join(missing)}")
            inputs = [_float32(arrays[name]) for name in names]
        began = time.monotonic()
        # Without data_format the toolkit takes every 4-D input for NHWC.
        values = rknn.inference(inputs=inputs, data_format=["nchw"] * len(inputs))
        self.seconds["inference"] = self.seconds.get("inference", 0.0) + time.monotonic() - began
        if values is None or len(values) != len(outputs):
            raise _StageFailed(f"inference returned {values and len(values)} outputs, not {len(outputs)}")
        np.savez(Path(job["folder"], f"{index:04d}.npz"), **dict(zip(outputs, values, strict=True)))


def _keep_optimised(folder: Path) -> None:
    """Keep the graph that a build leaves in the current directory behind its fusions; one with islands is there."""
    found = sorted(Path.cwd().glob("check*_fuse_ops.onnx"))
    if found and not (folder / "optimised.onnx").exists():
        shutil.copyfile(found[-1], folder / "optimised.onnx")


def _only_file(suffix: str) -> Path:
    """The file in the current directory whose name ends so. Raises _StageFailed where there is not exactly one."""
    found = [path for path in Path.cwd().iterdir() if path.name.endswith(suffix)]
    if len(found) != 1:
        raise _StageFailed(f"hybrid quantization left {len(found)} files *{suffix}, not 1")
    return found[0]


def _set_islands(path: Path, islands: list[str]) -> None:
    """Write the tensors that stay float16 into the toolkit's configuration (YAML), where it has none yet."""
    empty = "custom_quantize_layers: {}"
    text = path.read_text(encoding="utf-8")
    if not text.startswith(empty):
        raise _StageFailed(f"{path.name} does not begin with {empty!r}")
    lines = "".join(f"\n    {json.dumps(name)}: float16" for name in islands)
    path.write_text((empty.removesuffix(" {}") + lines if islands else empty) + text[len(empty) :], encoding="utf-8")


def _float32(array: Any) -> Any:
    """The toolkit makes float32 of a model's float64 and then takes no arrays of that; others stay as they are."""
    return array.astype("float32") if array.dtype == "float64" else array


def innermost(error: BaseException) -> str:
    """The message of the error at the bottom: of its cause, or of the traceback that the toolkit put into its text."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    flush_left = [line for line in lines if not line.startswith(" ")]
    if isinstance(error, _StageFailed) or lines[0].startswith("Traceback"):
        return (flush_left or lines)[-1]
    return f"{type(error).__name__}: {lines[0].strip()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
