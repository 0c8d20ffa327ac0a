"""Builds of which the toolkit died: made again in new processes, for it reads memory that nobody wrote.

Measured with 2.3.2 (`benchmarks/rewrites.md`, heading input-handed-out): of the same file one build in ten dies, and
the next process builds it. So one death says nothing of a model; one in each of `MOST` processes does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rkgraph.toolkit.jobs import JobResult

__all__ = ["MOST", "run_past_deaths"]

MOST = 3
"""Builds of one job at most: where one of ten dies by chance, one model of a thousand is wrongly called failing."""

_BY_CHANCE = frozenset({"SIGFPE", "SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT"})
"""Signals that a program sends itself. SIGKILL and SIGTERM come from outside: want of memory, or somebody's wish."""


def run_past_deaths(
    run: Callable[[], JobResult], renew: Callable[[], None], tell: Callable[[str], None], most: int = MOST
) -> JobResult:
    """Run a job, again in a new process where the toolkit died of a signal, up to `most` times.

    The last result is returned; its `deaths` are the signals of the builds before it.

    Args:
        run: runs the job once.
        renew: lets the next job run in a new process of the toolkit.
        tell: called with a few words before a build is made again.
        most: builds at most; 1: what the first one says is taken.
    """
    deaths: tuple[str, ...] = ()
    while True:
        done = run()
        if done.outcome != "died" or done.signal not in _BY_CHANCE or len(deaths) + 1 >= most:
            return replace(done, deaths=deaths) if deaths else done
        deaths = (*deaths, done.signal)
        tell(f"the toolkit died of {done.signal}: build again in a new process")
        renew()
