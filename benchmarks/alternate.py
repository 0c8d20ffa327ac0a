"""Times commands as whole processes, in turns: A B A B …, so that a slow minute hits both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One finished process: wall seconds, peak resident memory in MB (largest single process), exit code."""

    seconds: float
    peak_mb: float
    code: int


def run_once(command: Sequence[str]) -> Run:
    """Run a command with its output thrown away, and measure it by the operating system's own accounting."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - started, usage.ru_maxrss / 1024, process.returncode)


def alternate(commands: dict[str, Sequence[str]], rounds: int, warmup: int = 1) -> dict[str, list[Run]]:
    """Each command `rounds` times, in turns, after `warmup` uncounted rounds."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(warmup + rounds):
        for name, command in commands.items():
            run = run_once(command)
            if number >= warmup:
                runs[name].append(run)
    return runs


def median_ratio(runs: Sequence[Run], reference: Sequence[Run]) -> float:
    """Median over rounds of the ratio of wall times within the same round."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(runs, reference, strict=True))


def markdown(runs: dict[str, list[Run]], references: dict[str, str]) -> str:
    """A table: median, range, peak, and the ratio to each command's reference."""
    lines = ["| command | median s | range s | peak MB | ratio to its reference |", "|---|---|---|---|---|"]
    for name, found in runs.items():
        seconds = sorted(r.seconds for r in found)
        reference = references.get(name)
        ratio = f"{median_ratio(found, runs[reference]):.2f} × {reference}" if reference else ""
        lines.append(
            f"| {name} | {statistics.median(seconds):.3f} | {seconds[0]:.3f}–{seconds[-1]:.3f} "
            f"| {max(r.peak_mb for r in found):.0f} | {ratio} |"
        )
    return "\n".join(lines)
