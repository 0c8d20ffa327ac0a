"""Which tensors of a quantized model stay fp16: ranked by measured harm, chosen by bisection over builds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.analysis.sensitivity import Harm, counted, harms, observed_ranges
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.hybrid import find_islands
from rkgraph.compile.islands import Goal, Islands, choose, cycles_of, harmed_tensors, int8_share
from rkgraph.compile.plan import Plan
from rkgraph.compile.toolchain import Toolchain
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from rkgraph.targets import resolve_target
from rkgraph.toolkit.layers import Layer
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import parse


def islands(losses: list[float], cycles: dict[str, int] | None = None) -> Islands:
    names = [f"v{index}" for index in range(len(losses))]
    found = tuple(Harm(name, -1.0, 1.0, loss) for name, loss in zip(names, losses, strict=True))
    return Islands(found, {name: (name, f"{name}_rs") for name in names}, cycles or {})


def counting(needed: int, total: int) -> tuple[Callable[[tuple[str, ...]], tuple[float, float, float]], list[int]]:
    """A build that is good enough from `needed` islands on; each island takes the same share of the cycles."""
    calls: list[int] = []

    def measure(tensors: tuple[str, ...]) -> tuple[float, float, float]:
        count = len(tensors) // 2
        calls.append(count)
        mean = 1.0 if count >= needed else 0.9 * count / max(needed, 1)
        return mean, mean, 1 - count / total

    return measure, calls


@given(st.integers(1, 40), st.data())
def test_the_fewest_values_that_reach_the_goal_are_found_in_few_builds(total: int, data: st.DataObject) -> None:
    needed = data.draw(st.integers(0, total - 1))
    measure, calls = counting(needed, total)
    choice = choose(islands([1 / (i + 1) for i in range(total)]), Goal(0.95, 0.0), measure)
    assert choice.reached
    assert len(choice.islands) == 2 * needed
    assert len(calls) <= 2 + total.bit_length()
    assert len(set(calls)) == len(calls)


def test_cycles_that_must_stay_int8_end_the_search() -> None:
    measure, _ = counting(needed=9, total=10)
    choice = choose(islands([1.0] * 10), Goal(0.95, 0.5), measure)
    assert not choice.reached
    assert len(choice.islands) == 2 * 5
    assert all(trial.share >= 0.5 for trial in choice.trials if trial.tensors == len(choice.islands))


def test_what_costs_no_cycles_goes_first() -> None:
    ranked = islands([0.5, 0.1, 0.4], {"v0": 100, "v2": 100}).ranked
    assert [harm.value for harm in ranked] == ["v1", "v0", "v2"]


def test_goals_are_shares() -> None:
    for wrong in ({"cosine": 0.0}, {"cosine": 1.1}, {"share": -0.1}, {"share": 1.5}):
        with pytest.raises(UsageError):
            Goal(**wrong)
    assert Goal(1.0, 1.0) == Goal(cosine=1.0, share=1.0)


OPTIMISED = """<ir_version: 8, opset_import: ["" : 17, "rknn" : 1]>
g (float[1, 4] x) => (float[1, 4] y)
{ [first] a_rs = Reshape(x, s) ["second#1"] "b-rs" = Conv(a_rs, w) [third] c = Add("b-rs", a_rs) [last] y = Relu(c) }"""


def test_a_value_is_kept_by_its_holders_and_what_reads_them() -> None:
    optimised = onnx.parser.parse_model(OPTIMISED.replace('"b-rs"', "b_rs"))
    assert harmed_tensors(optimised, ["b", "c", "nowhere"]) == {"b": ("b_rs", "c"), "c": ("c", "y")}


def layer(name: str, cycles: int, dtype: str = "INT8") -> Layer:
    return Layer(0, "Conv", dtype, "NPU", "", "", 0, cycles, 0.0, name)


def test_cycles_belong_to_the_tensors_of_the_layer_that_bears_the_nodes_name() -> None:
    graph = onnx.ModelProto()
    graph.graph.node.add(name="conv", op_type="Conv", output=["t"])
    graph.graph.node.add(name="/a/very/long/name" + "x" * 60, op_type="Conv", output=["u"])
    layers = [layer("conv#2", 7), layer(("/a/very/long/name" + "x" * 60)[:58], 9), layer("convolution", 99)]
    assert cycles_of(graph, layers) == {"t": 7, "u": 9}


def test_the_share_of_int8_is_of_npu_cycles() -> None:
    assert int8_share([layer("a", 30), layer("b", 10, "FLOAT16"), layer("c", 0, "FLOAT16")]) == 0.75
    assert int8_share([]) == 1.0


MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 4] x) => (float[1, 4] y)
<float[4] wide = {1000.0, 1.0, 1.0, 1.0}, float[4] narrow = {0.001, 1.0, 1.0, 1.0}>
{ outlier = Mul(x, wide) calm = Mul(x, narrow) back = Mul(outlier, narrow) y = Add(back, calm) }"""


def test_a_value_with_an_outlier_is_harmed_most() -> None:
    model = parse(MODEL)
    random = np.random.default_rng(0)
    samples = [{"x": random.normal(size=(1, 4)).astype(np.float32)} for _ in range(4)]
    ranges = observed_ranges(model, ["outlier", "calm", "back", "y"], samples)
    assert ranges["outlier"][1] > 50 * ranges["back"][1]
    found = harms(model, ranges, samples)
    assert found[0].value == "outlier"
    assert found[0].loss > 10 * found[1].loss


@pytest.mark.parametrize(("platform", "precision", "said"), [
    ("rv1106", "w8a8", "integers only"), ("rk3588", "fp16", "no effect with precision fp16"),
])  # fmt: skip
def test_islands_need_a_quantized_build_on_a_platform_with_fp16(platform: str, precision: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        BuildConfig.of({"fp16_islands": ["t"]}, resolve_target(platform, "2.3.2", precision))


@pytest.mark.toolkit
def test_islands_bring_back_what_int8_loses(tmp_path: Path) -> None:
    """Two branches of very different range that a sum joins: int8 loses the narrow one, until the sum stays fp16."""
    random = np.random.default_rng(0)
    text = """g (float[1, 8, 8, 8] x) => (float[1, 8, 8, 8] y)
    { big = Conv(x, w) small = Conv(x, v) sum = Add(big, small) less = Sub(sum, big) y = Relu(less) }"""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    for name, scale in (("w", 300.0), ("v", 1.0)):
        array = (random.normal(size=(8, 8, 1, 1)) * scale).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    path, samples = tmp_path / "model.onnx", tmp_path / "samples.npz"
    path.write_bytes(model.SerializeToString())
    np.savez(samples, x=random.normal(size=(6, 1, 8, 8, 8)).astype(np.float32))
    target = resolve_target("rk3588", "2.3.2", "w8a8")
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as chain:
        prepared = Plan(path, target, calibration=samples).prepare(read_view(path))
        choice = find_islands(prepared, Goal(0.98, 0.0), chain)
    assert choice.trials[0].mean < 0.9
    assert choice.reached
    assert choice.islands


def test_of_trials_that_leave_as_much_in_int8_the_most_alike_one_is_chosen() -> None:
    def measure(tensors: tuple[str, ...]) -> tuple[float, float, float]:
        count = len(tensors)
        return 0.0, min(1.0, 0.9 + count / 100), 1.0 if not count else (0.6 if count < 24 else 0.4)

    islands = Islands(
        tuple(Harm(f"v{i}", 0.0, 1.0, 1.0 / (1 + i)) for i in range(40)), {f"v{i}": (f"v{i}",) for i in range(40)}, {}
    )
    choice = choose(islands, Goal(0.95, 0.5), measure)
    assert choice.reached
    chosen = next(trial for trial in choice.trials if trial.tensors == len(choice.islands))
    assert chosen.mean == max(trial.mean for trial in choice.trials if trial.share >= 0.5)


def test_rows_of_padding_do_not_count() -> None:
    random = np.random.default_rng(0)
    output = random.normal(size=(1, 6, 4))
    mask = np.array([[1, 1, 1, 0, 0, 0]])
    assert counted({"attention_mask": mask}, output).shape == (3, 4)
    np.testing.assert_array_equal(counted({"attention_mask": mask}, output), output[0, :3])


@pytest.mark.parametrize(
    ("name", "mask", "shape"),
    [
        ("token_type_ids", np.array([[0, 0, 1]]), (1, 3, 4)),
        ("mask", np.array([[0, 0, 0]]), (1, 3, 4)),
        ("mask", np.array([[0.5, 1, 1]]), (1, 3, 4)),
        ("mask", np.array([[0, 1, 1]]), (1, 4, 3)),
        ("mask", np.array([[0, 1, 1]]), (1, 3)),
    ],
)
def test_without_a_mask_of_rows_all_counts(name: str, mask: np.ndarray, shape: tuple[int, ...]) -> None:
    output = np.ones(shape)
    assert counted({name: mask}, output) is output
