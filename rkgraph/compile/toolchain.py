"""The toolkit as a compile needs it: found and started only when a build is not in the cache."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rkgraph.toolkit.deaths import MOST, run_past_deaths
from rkgraph.toolkit.jobs import Job, JobResult, Limits

if TYPE_CHECKING:
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.locate import Toolkit

__all__ = ["Toolchain"]


class Toolchain:
    """A context manager around one worker, which serves all builds of a command and starts with the first.

    Args:
        find: finds the toolkit; called once, when it is needed. It may raise ToolkitMissing.
        limits: of each job.
        takes: how many builds a job gets at most where the toolkit dies of a signal, each in a new process.
    """

    def __init__(self, find: Callable[[], Toolkit], limits: Limits | None = None, *, takes: int = MOST) -> None:
        self._find = find
        self._limits = limits
        self._takes = takes
        self._worker: Worker | None = None

    def __enter__(self) -> Toolchain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            self._worker.__exit__(kind, error, trace)

    def start(self) -> Worker:
        """Start the worker if it does not run; the toolkit's import goes on while the caller does other things.

        Raises:
            ToolkitMissing: the toolkit is not installed.
            ToolkitFailed: its interpreter cannot be started.
        """
        if self._worker is None:
            from rkgraph.toolkit.client import Worker

            toolkit = self._find()
            self._worker = Worker(toolkit, self._limits)  # known here before its process starts
            self._worker.__enter__()
        return self._worker

    def renew(self) -> None:
        """Let the next job run in a new process of the toolkit, whose memory no other job has had a part in."""
        if self._worker is not None:
            self._worker.__exit__(None, None, None)

    def run(self, job: Job, tell: Callable[[str], None]) -> JobResult:
        """Run one job to its end, past deaths that come by chance. Raises as `start` and `Worker.run`."""
        return run_past_deaths(lambda: self.start().run(job, tell), self.renew, tell, self._takes)
