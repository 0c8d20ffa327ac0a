"""Times commands as whole processes, in turns: A B A B …, so that a slow minute hits both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished process: wall seconds, CPU seconds (user and system, of its children, too), peak memory, exit code.

    The peak is resident memory in MB, of the largest single process.
    """

    seconds: float
    peak_mb: float
    code: int
    cpu: float = 0.0


Measure = Callable[[Run], float]


def wall(run: Run) -> float:
    """What a user waits."""
    return run.seconds


def cpu(run: Run) -> float:
    """What is computed, however many others share the machine."""
    return run.cpu


def run_once(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command with its output thrown away, and measure it by the operating system's own accounting."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    return Run(seconds, usage.ru_maxrss / 1024, process.returncode, usage.ru_utime + usage.ru_stime)


def with_bytecode(folder: Path) -> dict[str, str]:
    """The environment, but that all modules of Python are compiled once, below `folder`, as pip does what it installs.

    A checkout has no bytecode where it must not be written; then a third of the time would be the compiler's, and only
    of one of two commands.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def alternate(
    commands: dict[str, Sequence[str]], rounds: int, warmup: int = 1, environment: Mapping[str, str] | None = None
) -> dict[str, list[Run]]:
    """Each command `rounds` times, in turns, after `warmup` uncounted rounds."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(warmup + rounds):
        for name, command in commands.items():
            run = run_once(command, environment)
            if number >= warmup:
                runs[name].append(run)
    return runs


def median_ratio(runs: Sequence[Run], reference: Sequence[Run], measure: Measure = wall) -> float:
    """Median over rounds of the ratio of times within the same round."""
    return statistics.median(measure(a) / measure(b) for a, b in zip(runs, reference, strict=True))


def markdown(runs: dict[str, list[Run]], references: dict[str, str], measure: Measure = wall) -> str:
    """A table: median, range, peak, and the ratio to each command's reference."""
    lines = ["| command | median s | range s | peak MB | ratio to its reference |", "|---|---|---|---|---|"]
    for name, found in runs.items():
        seconds = sorted(map(measure, found))
        reference = references.get(name)
        ratio = f"{median_ratio(found, runs[reference], measure):.2f} × {reference}" if reference else ""
        lines.append(
            f"| {name} | {statistics.median(seconds):.3f} | {seconds[0]:.3f}–{seconds[-1]:.3f} "
            f"| {max(r.peak_mb for r in found):.0f} | {ratio} |"
        )
    return "\n".join(lines)
