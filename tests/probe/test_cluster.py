"""The same jobs on a Dask cluster: a worker process that is killed loses nothing and leaves nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from rkgraph.errors import TargetError, UsageError
from rkgraph.probe.case import Case, case, computed
from rkgraph.probe.cluster import DaskExecutor, ToolkitPlugin, address_of
from rkgraph.probe.local import LocalExecutor
from rkgraph.probe.run import run_cases
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit
from tests.toolkit.conftest import eventually, processes_with

TARGET = Target()


def some_cases() -> list[Case]:
    slugs = [(op, size) for op in ("Relu", "Trilu", "Erf") for size in range(3, 7)]
    return [case(op, f"made-{size}", [computed(1, size, size + 3)]) for op, size in slugs]


def test_addresses() -> None:
    assert address_of("dask://127.0.0.1:8786") == "tcp://127.0.0.1:8786"
    assert address_of("dask://some.host:1") == "tcp://some.host:1"


@pytest.mark.parametrize("text", ["dask://", "dask://host", "dask://:8786", "dask://host:port", "tcp://host:1", ""])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        address_of(text)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rkgraph.probe.cluster._CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match="no Dask scheduler answers"), DaskExecutor("tcp://127.0.0.1:9"):
        pass


def test_another_rkgraph_is_refused() -> None:
    with pytest.raises(UsageError, match=r"here it is 0\.0\.0\.other"):
        ToolkitPlugin("0.0.0.other").setup(None)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two worker processes with a temporary folder of their own, in which nothing of ours may be left."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    options = {"processes": True, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options, local_directory=str(tmp_path / "dask"), silence_logs=50) as made:
        yield made
    assert eventually(lambda: not processes_with(str(temporary))), processes_with(str(temporary))
    assert eventually(lambda: not list(temporary.glob("rkgraph-*"))), list(temporary.iterdir())


@pytest.mark.toolkit
def test_a_worker_process_is_killed(cluster: Any, tmp_path: Path) -> None:
    cases = some_cases()
    store, alone = ProbeStore(tmp_path / "store"), ProbeStore(tmp_path / "alone")
    done: list[str] = []
    killed: list[int] = []

    def on_done(each: Case) -> None:
        done.append(each.id)
        if not killed:
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with DaskExecutor(cluster.scheduler_address) as executor:
        run_cases(cases, TARGET, executor, store, on_done)
    assert killed
    assert sorted(done) == sorted(each.id for each in cases)
    with LocalExecutor(find_toolkit) as executor:
        run_cases(cases, TARGET, executor, alone)
    for each in cases:
        found = store.find(each.text, TARGET)
        assert found is not None
        assert found == alone.find(each.text, TARGET)


@pytest.mark.toolkit
def test_what_a_worker_raises_is_told(cluster: Any, tmp_path: Path) -> None:
    with (
        DaskExecutor(cluster.scheduler_address) as executor,
        pytest.raises(TargetError, match="not one that rkgraph installs"),
    ):
        list(executor.run([some_cases()[0].text], Target("rk3588", "1.6.0", "fp16")))
