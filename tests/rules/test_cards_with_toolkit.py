"""What every card shows as fixed: the real compiler takes it, on the devices that it claims, with the right numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.cli.common import DEFAULT_TOOLKIT
from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.tensors import read_npz, tensors_of, write_npz
from rkgraph.graph.load import read_view
from rkgraph.rulebook.card import Block
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.logs import read_log
from tests.rules.harness import parse
from tests.rules.rewriting import run
from tests.toolkits import toolkit_of

pytestmark = pytest.mark.toolkit

RELATIVE, OF_LARGEST = 1e-2, 4e-3
"""fp16 has a spacing of 2^-10 of a number; a few roundings, and as much where terms cancel."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[str], Worker]]:
    """The worker of a version, started when it is first asked for."""
    with ExitStack() as started:
        yield cache(lambda version: started.enter_context(Worker(toolkit_of(version))))


def fixed_blocks() -> list[object]:
    return [
        pytest.param(rule, block, id=f"{rule.card.stem}:{block.line}")
        for rule in load_rules()
        if rule.fix is not None
        for block in rule.card.blocks("Fixed")
        if block.options.get("precision", "fp16") == "fp16"
    ]


@pytest.mark.parametrize(("rule", "block"), fixed_blocks())
def test_the_compiler_takes_it_and_the_simulator_computes_it(
    workers: Callable[[str], Worker], rule: Rule, block: Block, tmp_path: Path
) -> None:
    model = parse(block.text)
    path, feeds, outputs = tmp_path / "model.onnx", tmp_path / "feeds.npz", tmp_path / "outputs"
    path.write_bytes(model.SerializeToString())
    outputs.mkdir()
    main = read_view(path).main
    case = in_fp16(generate_feeds(main, tensors_of(main)[0]), block.options.get("samples") or 1.0)
    write_npz(feeds, case)
    platform = block.options.get("platform", "rk3588")
    job = Job(path, platform, simulate=(feeds,), inputs=main.inputs, outputs=main.outputs, output_folder=outputs)
    done = workers(block.options.get("toolkit", DEFAULT_TOOLKIT)).run(job)
    assert done.ok, f"{rule.code}: {done.error}"
    facts = read_log(done.log)
    assert {lost.op for lost in facts.no_lowering} == set()
    on_cpu = [layer.op for layer in facts.layers if layer.target == "CPU" and not layer.is_boundary]
    assert len(on_cpu) == block.options.get("cpu", 0), on_cpu
    for name, expected in zip(main.outputs, expected_of(model, case), strict=True):
        actual = read_npz(done.outputs[0])[name].reshape(expected.shape).astype(np.float64)
        wanted = expected.astype(np.float64)
        largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
        np.testing.assert_allclose(actual, wanted, rtol=RELATIVE, atol=OF_LARGEST * largest)


def in_fp16(case: dict[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    """The numbers that the NPU sees, times the scale of a card's samples.

    Where a function ends (arccos at 1), rounding may lead beyond.
    """
    floats = {name: array * scale for name, array in case.items() if array.dtype.kind == "f"}
    return {**case, **{name: array.astype(np.float16).astype(array.dtype) for name, array in floats.items()}}


def expected_of(model: onnx.ModelProto, case: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(array) for array in run(model, case)]
