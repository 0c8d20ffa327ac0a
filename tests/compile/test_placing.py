"""`op_target` by the names of the model: what the first build tells, what is refused, what is warned of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.compiler import compile_model
from rkgraph.compile.placing import Placement, learn_placement
from rkgraph.compile.plan import Plan
from rkgraph.compile.toolchain import Toolchain
from rkgraph.errors import UsageError
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import parse

MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 16, 8, 8] x) => (float[1, 16, 64] y)
<float[16, 1, 1, 1] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, int64[4] sizes = {16, 16, 3, 3},
 int64[3] flat = {1, 16, 64}>
{ weight = Expand(w, sizes) [conv] c = Conv <pads = [1, 1, 1, 1]> (x, weight) [act] s = Sigmoid(c)
  [flatten] f = Reshape(s, flat) [soft] p = Softmax <axis = -1> (f) [last] y = Exp(p) }"""

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def chain() -> Iterator[Toolchain]:
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as started:
        yield started


def learn(chain: Toolchain, folder: Path, **op_target: str) -> Placement:
    path = folder / "model.onnx"
    path.write_bytes(parse(MODEL).SerializeToString())
    return learn_placement(Plan(path, Target(), BuildConfig(op_target=op_target)), chain)


def targets(chain: Toolchain, placement: Placement, folder: Path) -> dict[str, str]:
    """Operator → device, by the layer table of the second build."""
    compiled = compile_model(placement.plan, folder / "model.rknn", chain)
    (stage,) = dict(compiled.result.compile or {})["stages"]
    return {layer["op"]: layer["target"] for layer in stage["layers"]}


def test_a_node_an_operator_and_a_value_are_found(chain: Toolchain, tmp_path: Path) -> None:
    by_node = learn(chain, tmp_path, soft="cpu")
    (key,) = dict(by_node.plan.config.op_target or {})
    assert key not in ("soft", "p")
    assert learn(chain, tmp_path, p="cpu").plan.config.op_target == {key: "cpu"}
    assert learn(chain, tmp_path, Softmax="cpu").plan.config.op_target == {key: "cpu"}
    assert targets(chain, by_node, tmp_path)["exSoftmax13"] == "CPU"


def test_what_is_forced_to_the_npu_is_warned_of(chain: Toolchain, tmp_path: Path) -> None:
    placement = learn(chain, tmp_path, last="npu", conv="npu")
    (warning,) = placement.warnings
    assert warning.startswith("last (Exp) is forced to the NPU")
    assert targets(chain, placement, tmp_path)["Exp"] == "NPU"


@pytest.mark.parametrize(
    ("name", "device", "said"),
    [
        ("softt", "cpu", "no node"),
        ("flatten", "npu", "gone"),
    ],
)
def test_what_cannot_be_is_refused(chain: Toolchain, tmp_path: Path, name: str, device: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        learn(chain, tmp_path, **{name: device})


def test_an_operator_without_a_kernel_is_never_sent_to_the_cpu(chain: Toolchain, tmp_path: Path) -> None:
    from rkgraph.compile.placing import _has_cpu_kernel

    assert _has_cpu_kernel("Softmax", Target())
    assert not _has_cpu_kernel("Det", Target())
    path = tmp_path / "model.onnx"
    text = MODEL.replace("[soft] p = Softmax <axis = -1> (f)", "[soft] p = Asinh(f)")
    path.write_bytes(parse(text).SerializeToString())
    with pytest.raises(UsageError, match="a kernel for Asinh"):
        learn_placement(Plan(path, Target(), BuildConfig(op_target={"soft": "cpu"})), chain)
