"""Runs the real `rkgraph` script as a user would, and checks what must hold after every run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SCRIPT = Path(sys.executable).with_name("rkgraph")
MARK = "RKGRAPH_TEST_MARK"


@dataclass(frozen=True)
class Outcome:
    """What a finished command printed and returned."""

    code: int
    stdout: str
    stderr: str

    @property
    def error_line(self) -> str:
        """The one line that says what is wrong."""
        (line,) = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        return line

    @property
    def hint_line(self) -> str:
        """The one line that says how to mend it."""
        (line,) = [line for line in self.stderr.splitlines() if line.startswith("  hint: ")]
        return line


class Sandbox:
    """A folder to work in, with a home and a temporary folder of its own, and an eye on what is left behind."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.folder = folder / "work"
        self.temporary = folder / "tmp"
        self.home = home or folder / "home"
        for made in (self.folder, self.temporary, self.home):
            made.mkdir(parents=True, exist_ok=True)
        self.mark = str(folder)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command: own temporary folder and home, marked so that its processes can be found."""
        own = {"TMPDIR": str(self.temporary), "RKGRAPH_HOME": str(self.home), MARK: self.mark, "COLUMNS": "120"}
        return {**os.environ, **own, **(extra or {})}

    def run(self, *arguments: str | Path, env: Mapping[str, str] | None = None, room: int | None = None) -> Outcome:
        """Run `rkgraph ARGUMENTS…` to its end; assert that no traceback, process or temporary file is left.

        `room`: bytes that a file may grow to, as if the disk were full.
        """
        limit = [] if room is None else ["prlimit", f"--fsize={room}:"]
        done = subprocess.run(
            [*limit, SCRIPT, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return self._checked(Outcome(done.returncode, done.stdout, done.stderr))

    def interrupt(self, *arguments: str | Path, when: Callable[[], bool]) -> Outcome:
        """Start the command in a process group of its own and send it Ctrl-C as soon as `when()` is true."""
        process = subprocess.Popen(
            [SCRIPT, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while not when():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate()
        return self._checked(Outcome(process.returncode, stdout, stderr))

    def processes(self) -> list[psutil.Process]:
        """The processes of this sandbox that are still alive."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Assert that the block neither adds, removes nor changes a file or folder of the working folder."""
        before = self._files()
        yield
        assert self._files() == before

    def _files(self) -> dict[str, bytes | None]:
        found = self.folder.rglob("*")
        return {str(p.relative_to(self.folder)): p.read_bytes() if p.is_file() else None for p in found}

    def _checked(self, outcome: Outcome) -> Outcome:
        assert "Traceback" not in outcome.stderr + outcome.stdout, outcome.stderr
        assert self._ends(self.processes()), self.processes()
        assert not list(self.temporary.iterdir()), "temporary files are left"
        return outcome

    @staticmethod
    def _ends(processes: list[psutil.Process]) -> bool:
        """True when all of them end: the kernel may need a moment to take down what was killed."""
        _, alive = psutil.wait_procs(processes, timeout=5)
        return not alive
