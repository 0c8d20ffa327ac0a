"""A stand-in for the worker that replays recorded sessions through the same protocol.

    replay.py SESSION CHANNEL FOLDER

A session is a folder with `session.json`: `{"toolkit": version, "start": [step…], "job": [step…]}`, the steps taken
at the start and for each job. A step is one of

    {"send": message}   one JSON line
    {"raw": text}       the text as it is, no newline added
    {"file": [a, b]}    copy file `a` of the session into the job's folder as `b` (`log`, `0000.npz`, `model.rknn`)
    {"sleep": seconds}  do nothing
    {"kill": signal}    die by it, e.g. "SIGSEGV"

Tests of everything that calls the toolkit run on it in milliseconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkgraph.toolkit.locate import Toolkit

__all__ = ["replay_toolkit"]


def replay_toolkit(session: Path) -> Toolkit:
    """A toolkit whose worker replays the session in the folder `session` for every job."""
    from rkgraph.toolkit.locate import Toolkit

    version = json.loads((session / "session.json").read_text())["toolkit"]
    return Toolkit(version, Path(sys.executable), (sys.executable, "-I", __file__, os.fspath(session.resolve())))


def main(arguments: list[str]) -> int:
    """Replay until the client closes the channel; the exit code."""
    session = Path(arguments[0])
    channel = socket.socket(fileno=int(arguments[1]))
    script = json.loads((session / "session.json").read_text())
    play(script["start"], channel, session, session)
    for line in channel.makefile("rb"):
        play(script["job"], channel, session, Path(json.loads(line)["folder"]))
    shutil.rmtree(arguments[2], ignore_errors=True)
    return 0


def play(steps: Iterable[Mapping[str, Any]], channel: socket.socket, session: Path, folder: Path) -> None:
    """Take the steps in order."""
    for step in steps:
        for kind, value in step.items():
            if kind == "send":
                channel.sendall(json.dumps(value).encode() + b"\n")
            elif kind == "raw":
                channel.sendall(value.encode())
            elif kind == "file":
                shutil.copyfile(session / value[0], folder / value[1])
            elif kind == "sleep":
                time.sleep(value)
            elif kind == "kill":
                os.kill(os.getpid(), signal.Signals[value])
            else:
                raise ValueError(f"{session}: unknown step {kind!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
