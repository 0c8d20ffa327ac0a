from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.microsoft_models import assert_same, floats, microsoft
from tests.rules.rewriting import fixed, run

CODE = "RK194"


@pytest.mark.parametrize(
    ("a", "b", "y", "attributes"),
    [
        ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 4, 6), {"transB": 1, "alpha": 0.5}),
        ((2, 3, 5, 4), (2, 3, 5, 6), (2, 3, 4, 6), {"transA": 1}),
        ((4, 3, 2, 5), (3, 2, 5, 6), (3, 2, 4, 6), {"transBatchA": 1}),
        ((3, 2, 4, 5), (5, 3, 2, 6), (3, 2, 4, 6), {"transBatchB": 1, "alpha": 2.0}),
        ((4, 5), (5, 6), (4, 6), {}),
    ],
)
def test_matrix_products(
    a: tuple[int, ...], b: tuple[int, ...], y: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    feeds = {"a": floats(0, *a), "b": floats(1, *b)}
    assert_same(microsoft("FusedMatMul", ["a", "b"], {"y": y}, fed=feeds, **attributes), feeds, CODE)


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [
        ("Relu", None),
        ("Tanh", None),
        ("Sigmoid", None),
        ("LeakyRelu", [0.1]),
        ("Clip", [0.0, 1.0]),
        ("HardSigmoid", [0.3, 0.4]),
    ],
)
@pytest.mark.parametrize("opset", [9, 17])
def test_convolutions(activation: str, parameters: list[float] | None, opset: int) -> None:
    feeds = {"x": floats(0, 1, 2, 5, 5)}
    constants = {"w": floats(1, 3, 2, 3, 3), "b": floats(2, 3)}
    more: dict[str, Any] = {} if parameters is None else {"activation_params": parameters}
    model = microsoft(
        "FusedConv",
        ["x", "w", "b"],
        {"y": (1, 3, 5, 5)},
        fed=feeds,
        constants=constants,
        opset=opset,
        activation=activation,
        pads=[1, 1, 1, 1],
        **more,
    )
    assert_same(model, feeds, CODE)


def test_a_convolution_with_a_sum() -> None:
    feeds = {"x": floats(0, 1, 2, 5, 5), "z": floats(3, 1, 3, 3, 3)}
    constants = {"w": floats(1, 3, 2, 3, 3), "b": floats(2, 3)}
    model = microsoft(
        "FusedConv", ["x", "w", "b", "z"], {"y": (1, 3, 3, 3)}, fed=feeds, constants=constants, activation="Relu"
    )
    assert assert_same(model, feeds, CODE) == ["Conv", "Add", "Relu"]


def test_gemm() -> None:
    feeds = {"x": floats(0, 4, 5)}
    constants = {"w": floats(1, 6, 5), "b": floats(2, 6)}
    model = microsoft(
        "FusedGemm",
        ["x", "w", "b"],
        {"y": (4, 6)},
        fed=feeds,
        constants=constants,
        activation="LeakyRelu",
        activation_alpha=0.1,
        transB=1,
        alpha=0.5,
    )
    assert assert_same(model, feeds, CODE) == ["Gemm", "LeakyRelu"]


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zeros", ["none", "packed", "floats"])
@pytest.mark.parametrize(("k", "size"), [(32, 16), (40, 16), (64, 32)])
def test_weights_of_few_bits(bits: int, zeros: str, k: int, size: int) -> None:
    if bits == 8 and zeros == "floats":
        pytest.skip("ONNX Runtime has no such kernel")
    random, n, blocks = np.random.default_rng(0), 6, -(-k // size)
    feeds = {"x": floats(0, 3, k)}
    constants = {
        "w": random.integers(0, 256, (n, blocks, size * bits // 8)).astype("u1"),
        "s": random.uniform(0.01, 0.1, n * blocks).astype("f"),
    }
    if zeros == "packed":
        constants["z"] = random.integers(0, 256, n * -(-blocks * bits // 8)).astype("u1")
    elif zeros == "floats":
        constants["z"] = random.uniform(5, 9, n * blocks).astype("f")
    inputs = ["x", *constants]
    model = microsoft(
        "MatMulNBits", inputs, {"y": (3, n)}, fed=feeds, constants=constants, K=k, N=n, bits=bits, block_size=size
    )
    assert_same(model, feeds, CODE, atol=2e-3 if bits == 8 else 1e-4)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from([0, 1]),
    k=st.integers(1, 40),
    n=st.integers(1, 7),
    size=st.sampled_from([16, 32]),
    opset=st.sampled_from([9, 17]),
)
def test_weights_of_codes(kind: int, k: int, n: int, size: int, opset: int) -> None:
    random = np.random.default_rng(k)
    feeds = {"x": floats(0, 2, 3, k)}
    constants = {
        "w": random.integers(0, 256, -(-n * k // 2)).astype("u1"),
        "s": random.uniform(0.01, 2, -(-n * k // size)).astype("f"),
    }
    model = microsoft(
        "MatMulBnb4", ["x", "w", "s"], {"y": (2, 3, n)}, fed=feeds, constants=constants, opset=opset,
        K=k, N=n, block_size=size, quant_type=kind,
    )  # fmt: skip
    assert_same(model, feeds, CODE)


@pytest.mark.parametrize("changed", [{"quant_type": 2}, {"transB": 0}, {"K": 17}, {"block_size": 32}])
def test_other_codes_are_refused(changed: dict[str, int]) -> None:
    feeds = {"x": floats(0, 2, 16)}
    constants = {"w": np.zeros(32, "u1"), "s": np.ones(4, "f")}
    attributes = {"K": 16, "N": 4, "block_size": 16, "quant_type": 0} | changed
    model = microsoft("MatMulBnb4", ["x", "w", "s"], {"y": (2, 4)}, fed=feeds, constants=constants, **attributes)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)


def test_unknown_activations_are_refused() -> None:
    feeds = {"x": floats(0, 1, 2, 5, 5)}
    model = microsoft(
        "FusedConv",
        ["x", "w"],
        {"y": (1, 3, 3, 3)},
        fed=feeds,
        constants={"w": floats(1, 3, 2, 3, 3)},
        activation="Swish",
    )
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "Swish" in refusal.reason


@settings(max_examples=25, deadline=None)
@given(
    form=st.sampled_from([("NhwcConv", True), ("NhwcConv", False), ("NhwcFusedConv", False)]),
    kernel=st.sampled_from([(1, 1), (3, 3), (2, 3)]),
    group=st.sampled_from([1, 2]),
    stride=st.sampled_from([1, 2]),
    added=st.booleans(),
)
def test_convolutions_of_channels_last(
    form: tuple[str, bool], kernel: tuple[int, int], group: int, stride: int, added: bool
) -> None:
    """Against Conv of ONNX Runtime, of which they are the form with channels last."""
    op, turned = form
    x, w, b = floats(0, 2, 6, 7, 8), floats(1, 4, 8 // group, *kernel), floats(2, 4)
    shared: dict[str, Any] = {"kernel_shape": kernel, "pads": [1, 0, 1, 1], "strides": [stride, 1], "group": group}
    first = {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}
    conv = microsoft("Conv", ["x", "w", "b"], {"y": ()}, fed=first, constants={"w": w, "b": b}, domain="", **shared)
    conv.graph.output[0].type.tensor_type.ClearField("shape")
    wanted = run(conv, first)[0].transpose(0, 2, 3, 1)
    feeds, more = {"x": x}, {}
    inputs = ["x", "w", "b"]
    if op == "NhwcFusedConv":
        more, wanted = {"activation": "Relu"}, np.maximum(wanted, 0)
        if added:
            feeds["z"] = floats(5, *wanted.shape)
            inputs.append("z")
            wanted = np.maximum(run(conv, first)[0].transpose(0, 2, 3, 1) + feeds["z"], 0)
    stored = w.transpose(0, 2, 3, 1) if turned else w
    model = microsoft(op, inputs, {"y": wanted.shape}, fed=feeds, constants={"w": stored, "b": b}, **shared, **more)
    after, _ = fixed(model, CODE)
    assert all(not node.domain for node in after.graph.node)
    np.testing.assert_allclose(run(after, feeds)[0], wanted, rtol=1e-4, atol=1e-4)


def test_weights_that_may_be_turned_or_not_are_refused() -> None:
    feeds = {"x": floats(0, 1, 6, 6, 3)}
    model = microsoft("NhwcConv", ["x", "w"], {"y": (1, 4, 4, 4)}, fed=feeds, constants={"w": floats(1, 4, 3, 3, 3)})
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "cannot be told" in refusal.reason


@pytest.mark.parametrize("biased", [False, True])
def test_a_product_with_a_gelu_behind(biased: bool) -> None:
    feeds, constants = {"x": floats(0, 2, 3, 5)}, {"w": floats(1, 5, 4)} | ({"b": floats(2, 4)} if biased else {})
    model = microsoft("GemmFastGelu", ["x", *constants], {"y": (2, 3, 4)}, fed=feeds, constants=constants)
    after, _ = fixed(model, CODE)
    z = feeds["x"].astype("f8") @ constants["w"] + (constants["b"] if biased else 0)
    wanted = 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    np.testing.assert_allclose(run(after, feeds)[0], wanted, rtol=1e-4, atol=1e-5)
