"""The toolkit as a compile needs it: found and started only when a build is not in the cache."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

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
    """

    def __init__(self, find: Callable[[], Toolkit], limits: Limits | None = None) -> None:
        self._find = find
        self._limits = limits
        self._stack = ExitStack()
        self._worker: Worker | None = None

    def __enter__(self) -> Toolchain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> Worker:
        """Start the worker if it does not run; the toolkit's import goes on while the caller does other things.

        Raises:
            ToolkitMissing: the toolkit is not installed.
            ToolkitFailed: its interpreter cannot be started.
        """
        if self._worker is None:
            from rkgraph.toolkit.client import Worker

            toolkit = self._find()
            with _interrupts_wait():  # or Ctrl-C between fork and bookkeeping would leave a process behind
                self._worker = self._stack.enter_context(Worker(toolkit, self._limits))
        return self._worker

    def run(self, job: Job, tell: Callable[[str], None]) -> JobResult:
        """Run one job to its end. Raises as `start` and `Worker.run`."""
        return self.start().run(job, tell)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back until the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
