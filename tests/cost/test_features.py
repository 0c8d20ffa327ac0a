"""Counts, bytes and multiplications, held against numbers worked out by hand and layer tables of the compiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.cost.features import Features, read_features
from rkgraph.cost.products import padded_multiplications
from rkgraph.cost.sizes import Sizes
from rkgraph.diagnostics import Device
from rkgraph.graph.load import read_view
from tests.builders import saved, text_model


def features(folder: Path, text: str, *devices: Device) -> Features:
    view = read_view(saved(text_model(text), folder)).main
    placed = dict(enumerate(devices)) or dict.fromkeys(range(len(view.nodes)), Device.NPU)
    return read_features(view, view.nodes, placed, Sizes(view, "fp16"))


CONV = (
    "g (float[1,16,8,8] x, float[32,16,3,3] w) => (float[1,32,8,8] z)"
    " { y = Conv<pads=[1,1,1,1]>(x, w) r = Relu(y) z = Add(r, r) }"
)


def test_a_convolution(tmp_path: Path) -> None:
    found = features(tmp_path, CONV)
    assert found.counts == {"Conv×": 1, "Relu~": 1, "Add": 1}  # an input is no constant
    assert found.macs == 32 * 64 * 16 * 9
    assert found.reads["Relu~"] == 32 * 64 * 2
    assert found.activations == 3 * 32 * 64 * 2
    assert (found.interface, found.unshaped, found.weights) == (3, 0, 0)
    (product,) = found.products
    assert (product.padded, product.constant) == (32 * 32 * 64 * 9, False)  # 16 input channels are filled up to 32
    assert product.moved == 2 * (16 * 64 + 32 * 16 * 9 + 32 * 64)


def test_the_peak_counts_what_lives_at_one_time(tmp_path: Path) -> None:
    chain = "g (float[1,8] x) => (float[1,8] d) { a = Exp(x) b = Exp(a) c = Exp(b) d = Exp(c) }"
    assert features(tmp_path, chain).peak == 2 * 16
    both = "g (float[1,8] x) => (float[1,8] d) { a = Exp(x) b = Exp(a) c = Exp(b) d = Add(a, c) }"
    assert features(tmp_path, both).peak == 3 * 16
    renamed = "g (float[1,8] x) => (float[1,8] c) { a = Exp(x) b = Identity(a) c = Exp(b) }"
    assert features(tmp_path, renamed).peak == 2 * 16


def test_what_runs_on_the_cpu_is_a_class_of_its_own(tmp_path: Path) -> None:
    text = (
        "g (int64[1,4] i) => (float[1,4,8] y) <float[2,8] t = {0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}>"
        " { y = Gather(t, i) }"
    )
    found = features(tmp_path, text, Device.CPU)
    assert found.counts == {"cpu": 1}
    assert found.weights == found.tables == 2 * 8 * 2


def test_without_a_shape_nothing_is_said(tmp_path: Path) -> None:
    found = features(tmp_path, "g (float[n,8] x) => (float[n,8] y) { y = Exp(x) }")
    assert (found.macs, found.activations, found.peak, found.unshaped) == (None, None, None, 1)
    assert not found.known


@pytest.mark.parametrize(
    ("text", "cycles"),  # npu_cycles of layer tables of rknn-toolkit2 2.3.2 for rk3588: 512 multiplications each
    [
        ("g (float[1,64,256] x, float[256,256] w) => (float[1,64,256] y) { y = MatMul(x, w) }", 8192),
        ("g (float[1,64,256] x, float[256,1024] w) => (float[1,64,1024] y) { y = MatMul(x, w) }", 32768),
        ("g (float[1,256] x, float[256,256] w) => (float[1,256] y) { y = Gemm(x, w) }", 2048),
        ("g (float[1,32,112,112] x, float[16,32,1,1] w) => (float[1,16,112,112] y) { y = Conv(x, w) }", 12544),
        ("g (float[1,144,56,56] x, float[24,144,1,1] w) => (float[1,24,56,56] y) { y = Conv(x, w) }", 31360),
        (
            "g (float[1,96,112,112] x, float[96,1,3,3] w) => (float[1,96,56,56] y) {DEPTHWISE}",
            56448,
        ),
        ("g (float[1,1280,1,1] x, float[100,1280,1,1] w) => (float[1,100,1,1] y) { y = Conv(x, w) }", 4480),
    ],
)
def test_multiplications_are_filled_up_as_the_compiler_does(tmp_path: Path, text: str, cycles: int) -> None:
    depthwise = "{ y = Conv<group=96, strides=[2,2], pads=[1,1,1,1]>(x, w) }"
    view = read_view(saved(text_model(text.replace("{DEPTHWISE}", depthwise)), tmp_path)).main
    (node,) = view.nodes
    assert padded_multiplications(view, node) / 512 == pytest.approx(cycles, rel=0.01)
