"""Reductions with the real rknn-toolkit2 2.3.2: a crash, a lost kernel, a device, in nets of 23 and more nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Device
from rkgraph.reduce import Budget
from rkgraph.reduce.detect import Wanted
from rkgraph.reduce.driver import Reduced, Request, reduce_to_report
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import find_toolkit
from tests.reduce.test_driver import files, ops

pytestmark = pytest.mark.toolkit

CHANNELS = 16
Middle = Callable[[str], list[onnx.NodeProto]]


@pytest.fixture(scope="module")
def chain() -> Toolchain:
    """One worker for all."""
    with Toolchain(lambda: find_toolkit("2.3.2", None), Limits(300)) as running:
        yield running


def net(middle: Middle, constants: dict[str, np.ndarray], path: Path) -> Path:
    """Nine convolutions with a Relu each, `middle` between the fifth and the sixth, a classifier at the end."""
    random = np.random.default_rng(0)
    nodes, value, channels = [], "image", 3
    for index in range(9):
        weight = (random.standard_normal((CHANNELS, channels, 3, 3)) / 8).astype(np.float32)
        constants = {**constants, f"weight.{index}": weight}
        nodes += [
            helper.make_node("Conv", [value, f"weight.{index}"], [f"c{index}"], name=f"conv.{index}", pads=[1] * 4),
            helper.make_node("Relu", [f"c{index}"], [f"r{index}"], name=f"relu.{index}"),
        ]
        value, channels = f"r{index}", CHANNELS
        if index == 4:
            nodes += middle(value)
            value = nodes[-1].output[0]
    nodes += [
        helper.make_node("GlobalAveragePool", [value], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
        helper.make_node("Softmax", ["flat"], ["y"], name="softmax", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 24, 24))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, CHANNELS))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def run(chain: Toolchain, model: Path, tmp_path: Path, wanted: Wanted | None = None) -> Reduced:
    request = Request(
        model, tmp_path / "repro.zip", Target(), BuildConfig(), wanted or Wanted(), {}, {}, Budget(tries=150)
    )
    return reduce_to_report(request, chain)


def test_a_crash_on_int8(chain: Toolchain, tmp_path: Path) -> None:
    """A Clip of int8 between two Casts ends in SIGSEGV."""

    def middle(value: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Cast", [value], ["whole"], name="to", to=TensorProto.INT8),
            helper.make_node("Clip", ["whole", "low", "high"], ["clipped"], name="clip"),
            helper.make_node("Cast", ["clipped"], ["back"], name="from", to=TensorProto.FLOAT),
        ]

    bounds = {"low": np.array(-5, np.int8), "high": np.array(5, np.int8)}
    found = run(chain, net(middle, bounds, tmp_path / "net.onnx"), tmp_path)
    assert "SIGSEGV" in found.symptom.what
    assert not found.reduction.stopped
    assert ops(tmp_path) == ["Clip"]
    assert found.reduction.after.numbers == 1


def test_a_division_by_zero_in_a_constant(chain: Toolchain, tmp_path: Path) -> None:
    """Folding an integer modulo by zero kills the process."""

    def middle(value: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Mod", ["five", "zero"], ["rest"], name="mod"),
            helper.make_node("Cast", ["rest"], ["factor"], name="cast", to=TensorProto.FLOAT),
            helper.make_node("Mul", [value, "factor"], ["scaled"], name="mul"),
        ]

    constants = {"five": np.array([5], np.int32), "zero": np.array([0], np.int32)}
    found = run(chain, net(middle, constants, tmp_path / "net.onnx"), tmp_path)
    assert "SIGFPE" in found.symptom.what
    assert ops(tmp_path) == ["Mod"]


def test_a_lost_kernel(chain: Toolchain, tmp_path: Path) -> None:
    trilu: Middle = lambda value: [helper.make_node("Trilu", [value], ["low"], name="tri")]  # noqa: E731
    found = run(chain, net(trilu, {}, tmp_path / "net.onnx"), tmp_path)
    assert found.symptom.what == "a Trilu without a kernel"
    assert ops(tmp_path) == ["Trilu"]
    assert b"No lowering found for: Trilu_0, node type = Trilu" in files(tmp_path)["log.txt"]
    assert found.reduction.tries < 20


def test_an_operator_on_the_cpu(chain: Toolchain, tmp_path: Path) -> None:
    """The indices of a MaxPool, where they are read, make it one of the CPU."""

    def middle(value: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("MaxPool", [value], ["top", "at"], name="pool.max", kernel_shape=[2, 2]),
            helper.make_node("Cast", ["at"], ["place"], name="cast", to=TensorProto.FLOAT),
            helper.make_node("Add", ["top", "place"], ["both"], name="add"),
        ]

    wanted = Wanted("device", "pool.max", Device.CPU)
    found = run(chain, net(middle, {}, tmp_path / "net.onnx"), tmp_path, wanted)
    assert found.symptom.what == "MaxPool on the CPU"
    assert ops(tmp_path) == ["MaxPool", "Cast"]
