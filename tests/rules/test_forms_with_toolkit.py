"""What the cards say of the real compiler: which forms it fuses, and what each rewrite gains, on one small block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.layers import Layer
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import LogFacts, read_log
from tests.rules.attention_block import block, positions
from tests.rules.rewriting import fixed

pytestmark = pytest.mark.toolkit

ATTENTION, GELU, NORM = "exSDPAttention", "ConvExGelu", "exNorm"

CASES = [
    pytest.param({"mask": "sdpa"}, ("RK203", "RK202"), ATTENTION, id="RK202"),
    pytest.param({"mask": "added", "attention": "3d"}, ("RK203", "RK502"), ATTENTION, id="RK502"),
    pytest.param({"gelu": "erf"}, ("RK503",), GELU, id="RK503 erf"),
    pytest.param({"gelu": "tanh"}, ("RK503",), GELU, id="RK503 tanh"),
    pytest.param({"mask": "chosen"}, ("RK202", "RK203", "RK504"), ATTENTION, id="RK504"),
    pytest.param({"mask": "causal"}, ("RK203", "RK504"), ATTENTION, id="RK504 causal"),
    pytest.param({"mask": "parts"}, ("RK203", "RK505"), ATTENTION, id="RK505"),
    pytest.param({"guard": True}, ("RK203", "RK506"), ATTENTION, id="RK506"),
    pytest.param({"norm": "reciprocal"}, ("RK507",), NORM, id="RK507 reciprocal"),
    pytest.param({"norm": "quotient"}, ("RK507",), NORM, id="RK507 quotient"),
    pytest.param({"norm": "unscaled"}, ("RK507",), NORM, id="RK507 unscaled"),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(find_toolkit("2.3.2", None)) as started:
        yield started


def build(worker: Worker, model: onnx.ModelProto, folder: Path) -> LogFacts:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    result = worker.run(Job(path))
    assert result.ok, result.error
    return read_log(result.log, "2.3.2")


def work(facts: LogFacts) -> list[Layer]:
    return [layer for layer in facts.layers if not layer.is_boundary]


@pytest.mark.parametrize(("form", "codes", "fused"), CASES)
def test_after_the_fix_the_compiler_fuses_and_nothing_is_worse(
    worker: Worker, tmp_path: Path, form: dict[str, object], codes: tuple[str, ...], fused: str
) -> None:
    model = block(**form)  # type: ignore[arg-type]
    before, after = build(worker, model, tmp_path), build(worker, fixed(model, *codes)[0], tmp_path)
    was, now = work(before), work(after)
    assert fused in {layer.op for layer in now}
    assert sum(layer.target == "CPU" for layer in now) <= sum(layer.target == "CPU" for layer in was)
    assert sum(layer.rw_kb for layer in now) < sum(layer.rw_kb for layer in was)
    assert len(now) <= len(was)
    assert not after.no_lowering


@pytest.mark.parametrize(
    ("form", "fused"),
    [
        ({"attention": "3d"}, ATTENTION),
        ({"gelu": "erf"}, GELU),
        ({"gelu": "tanh"}, GELU),
        ({"mask": "chosen"}, ATTENTION),
        ({"mask": "causal"}, ATTENTION),
        ({"mask": "parts"}, ATTENTION),
        ({"guard": True}, ATTENTION),
        ({"norm": "reciprocal"}, NORM),
        ({"norm": "quotient"}, NORM),
        ({"norm": "unscaled"}, NORM),
    ],
    ids=str,
)
def test_without_the_fix_it_does_not(worker: Worker, tmp_path: Path, form: dict[str, object], fused: str) -> None:
    facts = build(worker, block(**form), tmp_path)  # type: ignore[arg-type]
    assert fused not in {layer.op for layer in facts.layers}


@pytest.mark.parametrize(("form", "fused"), [({}, ATTENTION), ({}, GELU), ({"norm": "fused"}, NORM)], ids=str)
def test_the_form_that_the_rules_write_is_fused(
    worker: Worker, tmp_path: Path, form: dict[str, object], fused: str
) -> None:
    facts = build(worker, block(**form), tmp_path)  # type: ignore[arg-type]
    assert fused in {layer.op for layer in facts.layers}


def test_the_guard_has_no_kernel_on_the_board(worker: Worker, tmp_path: Path) -> None:
    facts = build(worker, block(guard=True), tmp_path)
    assert "IsNaN" in {lost.op for lost in facts.no_lowering}


def test_counted_positions_have_no_kernel_until_they_are_counted_in_floats(worker: Worker, tmp_path: Path) -> None:
    before, after = (build(worker, model, tmp_path) for model in (positions(), fixed(positions(), "RK204")[0]))
    assert {lost.op for lost in before.no_lowering} == {"CumSum"}
    assert not after.no_lowering
    was, now = (sum(layer.target == "CPU" for layer in work(facts)) for facts in (before, after))
    assert now <= was - 5
