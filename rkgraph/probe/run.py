"""Runs cases on this machine, a few workers side by side, and keeps what they give."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

from rkgraph.probe.case import Case
from rkgraph.probe.measure import LIMITS, measure
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import Toolkit

__all__ = ["run_cases"]


def run_cases(
    cases: Iterable[Case],
    target: Target,
    toolkit: Toolkit,
    store: ProbeStore,
    *,
    jobs: int = 2,
    on_done: Callable[[Case], None] = lambda _case: None,
) -> None:
    """Build every case that the store does not have yet.

    Raises:
        ToolkitFailed: the toolkit cannot be started.
    """
    waiting: SimpleQueue[Case] = SimpleQueue()
    for case in cases:
        if store.find(case.text, target) is None:
            waiting.put(case)

    def work(_number: int) -> None:
        with Worker(toolkit, LIMITS) as worker:
            while True:
                try:
                    case = waiting.get_nowait()
                except Empty:
                    return
                with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
                    store.keep(case.text, target, measure(case.text, target, worker, Path(folder)))
                on_done(case)

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(work, number) for number in range(jobs)]:
            done.result()
