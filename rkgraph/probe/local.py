"""Builds models on this machine: a few toolkit workers side by side, each fed by a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType

from rkgraph.probe.facts import Facts
from rkgraph.probe.measure import LIMITS, measure
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import Toolkit

__all__ = ["LocalExecutor"]

_Result = tuple[str, Facts] | BaseException | None
"""What a thread reports: a model's facts, why it cannot go on, or that nothing is left to do."""


class LocalExecutor:
    """Up to `jobs` workers, started for the first model of a toolkit version and kept for the next ones.

    A context manager: on leaving, Ctrl-C included, no process and no folder is left.
    """

    def __init__(self, find: Callable[[str], Toolkit], jobs: int = 1) -> None:
        """`find` gives the toolkit of a version, or raises ToolkitMissing."""
        self._find = find
        self._jobs = jobs
        self._version = ""
        self._workers: list[Worker] = []

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def run(self, texts: Iterable[str], target: Target) -> Iterator[tuple[str, Facts]]:
        """As `rkgraph.probe.run.Executor.run`."""
        waiting: SimpleQueue[str] = SimpleQueue()
        for text in texts:
            waiting.put(text)
        if waiting.empty():
            return
        workers = self._workers_of(target.toolkit)[: waiting.qsize()]
        results: SimpleQueue[_Result] = SimpleQueue()
        stop = threading.Event()
        threads = [
            threading.Thread(target=_serve, args=(worker, target, waiting, results, stop), daemon=True)
            for worker in workers
        ]
        for thread in threads:
            thread.start()
        try:
            yield from _collected(results, len(threads))
        finally:
            stop.set()  # from here on nothing that a worker says is believed: it may have been killed by us
            if any(thread.is_alive() for thread in threads):
                self._abort(threads)

    def _workers_of(self, version: str) -> list[Worker]:
        if version != self._version:
            self._leave()
            toolkit = self._find(version)
            self._workers = [Worker(toolkit, LIMITS) for _ in range(self._jobs)]
            self._version = version
        return self._workers

    def _abort(self, threads: list[threading.Thread]) -> None:
        """End what is under way now: a thread that has just begun to start its process is told again."""
        while any(thread.is_alive() for thread in threads):
            for worker in self._workers:
                worker.abort()
            for thread in threads:
                thread.join(0.1)

    def _leave(self) -> None:
        workers, self._workers, self._version = self._workers, [], ""
        for worker in workers:
            worker.close()


def _serve(
    worker: Worker,
    target: Target,
    waiting: SimpleQueue[str],
    results: SimpleQueue[_Result],
    stop: threading.Event,
) -> None:
    """Build what waits, until nothing does or `stop` is set."""
    try:
        while not stop.is_set():
            text = waiting.get_nowait()
            facts = measure(text, target, worker)
            if not stop.is_set():
                results.put((text, facts))
    except Empty:
        results.put(None)
    except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits for results
        results.put(error)


def _collected(results: SimpleQueue[_Result], threads: int) -> Iterator[tuple[str, Facts]]:
    """Results as they come. Raises what ended a thread."""
    while threads:
        result = results.get()
        if result is None:
            threads -= 1
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result
