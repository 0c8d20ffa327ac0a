"""Crossings are counted by value, and moving nodes changes the count as counting again would."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.cost.crossings import Crossings
from rkgraph.cost.sizes import Sizes, float_bytes
from rkgraph.diagnostics import Device
from rkgraph.graph.load import read_view
from rkgraph.graph.view import GraphView
from tests.builders import saved, text_model

SIDES = st.sampled_from([Device.NPU, Device.CPU, Device.FOLDED, Device.UNKNOWN, Device.NO_KERNEL])


def graph(folder: Path, text: str) -> GraphView:
    return read_view(saved(text_model(text), folder)).main


def counted(view: GraphView, *devices: Device, precision: str = "fp16") -> Crossings:
    return Crossings(view, dict(enumerate(devices)), Sizes(view, precision))


def test_a_value_crosses_once_however_many_read_it(tmp_path: Path) -> None:
    view = graph(tmp_path, "g (float[1,8] x) => (float[1,8] y) { a = Relu(x) b = Exp(a) c = Abs(a) y = Add(b, c) }")
    found = counted(view, Device.NPU, Device.CPU, Device.CPU, Device.NPU)
    assert (found.values, found.bytes) == (("a", "b", "c"), 3 * 8 * 2)
    assert counted(view, *[Device.CPU] * 4).values == ()
    assert counted(view, Device.NPU, Device.UNKNOWN, Device.FOLDED, Device.NPU).values == ()


def test_bytes_are_those_of_the_precision_and_unknown_without_a_shape(tmp_path: Path) -> None:
    text = "g (float[n,8] x) => (int64[n,8] y) { a = Relu(x) y = Cast<to=7>(a) }"
    assert counted(graph(tmp_path, text), Device.NPU, Device.CPU).bytes is None
    view = graph(tmp_path, text.replace("[n", "[2"))
    assert counted(view, Device.NPU, Device.CPU, precision="w8a8").bytes == 16
    assert Sizes(view, "fp16").of("y") == 128
    assert (float_bytes("w4a16", weight=True), float_bytes("w8a16"), float_bytes("fp16")) == (0.5, 2.0, 2.0)


@st.composite
def placed(draw: st.DrawFn) -> tuple[str, list[Device], dict[int, Device]]:
    """A random graph as text, where its nodes run, and where some of them run then."""
    count = draw(st.integers(2, 8))
    lines = []
    for index in range(count):
        reads = [draw(st.sampled_from(["x", *(f"v{i}" for i in range(index))])) for _ in range(2)]
        lines.append(f"v{index} = Add({', '.join(reads)})")
    text = f"g (float[1,4] x) => (float[1,4] v{count - 1}) {{ {' '.join(lines)} }}"
    devices = draw(st.lists(SIDES, min_size=count, max_size=count))
    return text, devices, draw(st.dictionaries(st.integers(0, count - 1), SIDES))


@given(placed())
def test_the_gain_is_the_difference_of_two_counts(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, list[Device], dict[int, Device]]
) -> None:
    text, devices, moved = case
    view = graph(tmp_path_factory.mktemp("g"), text)
    before = counted(view, *devices)
    after = counted(view, *(moved.get(i, device) for i, device in enumerate(devices)))
    assert before.bytes is not None
    assert after.bytes is not None
    assert before.gain(moved) == (len(before.values) - len(after.values), before.bytes - after.bytes)
