"""Cases built by the real toolkit, fp16 and quantized: the outcomes that everybody can check in its log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rkgraph.probe.case import case, computed, weight
from rkgraph.probe.local import LocalExecutor
from rkgraph.probe.outcome import line_of
from rkgraph.probe.run import run_cases
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit

pytestmark = pytest.mark.toolkit

CASES = {
    "npu": case("Conv", "x", [computed(1, 8, 16, 16), weight(8, 8, 3, 3)]),
    "no-kernel": case("Trilu", "x", [computed(1, 12, 24)]),
    "build-fails": case("NoSuchOperator", "x", [computed(1, 12, 24)]),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(find_toolkit) as made:
        yield made


@pytest.mark.parametrize("target", [Target(), Target("rv1106", "2.3.2", "w8a8")], ids=str)
def test_outcomes(target: Target, executor: LocalExecutor, tmp_path: Path) -> None:
    store = ProbeStore(tmp_path)
    run_cases(CASES.values(), target, executor, store)
    found = {}
    for each in CASES.values():
        facts = store.find(each.text, target)
        assert facts is not None
        found[each.op] = line_of(each, facts)
    assert {found[each.op]["outcome"]: each for each in CASES.values()} == CASES
    assert any("Conv" in layer for layer in found["Conv"]["layers"])
    assert found["Trilu"]["lost"] == ["Trilu"]
    assert "/" not in found["NoSuchOperator"]["error"]
