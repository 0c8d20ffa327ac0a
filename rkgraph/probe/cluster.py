"""Builds models on a Dask cluster: batches go to its worker processes, each of which keeps a toolkit alive.

A batch has no effect but its result, so one that is lost with a worker is given to another. A cluster runs what it is
sent: connect only to one that is your own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import distributed

import rkgraph
from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.probe.facts import Facts
from rkgraph.probe.measure import LIMITS, measure
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit

__all__ = ["DaskExecutor", "ToolkitPlugin", "address_of"]

_SCHEME = "dask://"
_LARGEST_BATCH = 16
"""Cases that are lost with a worker at most; about 5 s of work."""

_CONNECT_SECONDS = 20.0


def address_of(text: str) -> str:
    """The scheduler's address in Dask's spelling of "dask://HOST:PORT". Raises UsageError for anything else."""
    host, _, port = text.removeprefix(_SCHEME).rpartition(":")
    if not text.startswith(_SCHEME) or not host or not port.isdecimal():
        raise UsageError(f"--executor {text}: is not of the form {_SCHEME}HOST:PORT", f"e.g. {_SCHEME}127.0.0.1:8786")
    return f"tcp://{host}:{port}"


class DaskExecutor:
    """Sends batches to a cluster. The toolkits must be installed where its workers run."""

    def __init__(self, address: str) -> None:
        """`address` is the scheduler's, e.g. "tcp://127.0.0.1:8786"."""
        self._address = address
        self._client: Any = None  # a distributed.Client; its methods are not typed

    def __enter__(self) -> DaskExecutor:
        """Connect. Raises UsageError where nobody answers, no worker is there, or they have another rkgraph."""
        try:
            connect: Any = distributed.Client
            self._client = connect(self._address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            raise UsageError(f"no Dask scheduler answers at {self._address}", "start one: dask scheduler") from error
        try:
            self._client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            self._client.register_plugin(ToolkitPlugin(rkgraph.__version__))
        except TimeoutError as error:
            self._close()
            raise UsageError(
                f"the Dask scheduler at {self._address} has no workers",
                f"start some: dask worker {self._address} --nthreads 1",
            ) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run(self, texts: Iterable[str], target: Target) -> Iterator[tuple[str, Facts]]:
        """As `rkgraph.probe.run.Executor.run`."""
        assert self._client is not None, "used outside of its `with` block"  # noqa: S101
        batches = _batches(list(texts), len(self._client.scheduler_info()["workers"]))
        futures = {self._client.submit(_build, batch, target, pure=False): batch for batch in batches}
        try:
            completed: Any = distributed.as_completed
            for future, records in completed(list(futures), loop=self._client.loop, with_results=True):
                yield from zip(futures[future], map(Facts.read, records), strict=True)
        except distributed.KilledWorker as error:
            raise ToolkitFailed("the same cases ended several Dask workers", "look at the workers' logs") from error
        finally:
            self._client.cancel(list(futures))

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


class ToolkitPlugin(distributed.WorkerPlugin):
    """Lives in each worker process of the cluster: its toolkit, started for the first batch, ended with the process.

    Where the process is killed, the toolkit sees that nobody is left, ends, and removes its folder.
    """

    name = "rkgraph-toolkit"

    def __init__(self, version: str) -> None:
        self.version = version

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        """Called by Dask in the worker process. Raises UsageError where it has another rkgraph."""
        if self.version != rkgraph.__version__:
            raise UsageError(
                f"a Dask worker has rkgraph {rkgraph.__version__}, here it is {self.version}", "install the same there"
            )
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """Called by Dask when the worker closes."""
        if self._worker is not None:
            self._worker.close()

    def build(self, texts: Sequence[str], target: Target) -> list[Mapping[str, Any]]:
        """Facts of the models, as JSON. One batch at a time, whatever threads the Dask worker has."""
        with self._lock:
            toolkit = self._toolkit(target.toolkit)
            return [measure(text, target, toolkit).record for text in texts]

    def _toolkit(self, version: str) -> Worker:
        if self._worker is None or self._worker.toolkit.version != version:
            home = os.environ.get("RKGRAPH_HOME")
            found = find_toolkit(version, home=Path(home).expanduser() if home else None)
            if self._worker is not None:
                self._worker.close()
            self._worker = Worker(found, LIMITS)
        return self._worker


def _build(texts: Sequence[str], target: Target) -> list[Mapping[str, Any]]:
    """Runs in a worker process of the cluster."""
    plugin = distributed.get_worker().plugins[ToolkitPlugin.name]
    return cast("ToolkitPlugin", plugin).build(texts, target)


def _batches(texts: Sequence[str], workers: int) -> list[tuple[str, ...]]:
    """Equal parts, some for each worker, none larger than what may be lost."""
    size = max(1, min(_LARGEST_BATCH, len(texts) // (4 * max(1, workers))))
    return [tuple(texts[start : start + size]) for start in range(0, len(texts), size)]
