from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK171"
MODES = ("constant", "edge", "reflect", "wrap")


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(MODES),
    st.lists(st.integers(-3, 2), min_size=1, max_size=3, unique_by=lambda axis: axis % 3),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
)
def test_named_axes_become_all_axes(mode: str, axes: list[int], given_pads: list[int]) -> None:
    x, pads = image(3, 4, 5), np.array(given_pads[: 2 * len(axes)])
    held = {"pads": pads, "axes": np.array(axes)}
    order = ["x", "pads", "", "axes"]
    model = one_node("Pad", {"x": x}, {"mode": mode}, opset=19, constants=held, order=order)
    assert assert_lowered(model, CODE, {"x": x}, rtol=0, atol=0) == ["Pad"]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MODES), st.lists(st.integers(-1, 2), min_size=4, max_size=4))
def test_whole_numbers_are_padded_in_pieces(mode: str, pads: list[int]) -> None:
    x = np.arange(12).reshape(3, 4)
    if mode != "constant":
        pads = [max(pad, 0) for pad in pads]
    model = parse(f"""<ir_version: 9, opset_import: ["" : 19]>
        g (int64[3, 4] x) => (int64[N, M] y) <int64[4] pads = {{{", ".join(map(str, pads))}}}, int64 fill = {{7}}>
        {{ n = Abs(x) y = Pad<mode = "{mode}">(n, pads, fill) }}""")
    if not diagnostics(model, CODE):
        return
    found = assert_lowered(model, CODE, {"x": x}, gone="Pad", rtol=0, atol=0)
    assert set(found) <= {"Abs", "Concat", "Slice", "Gather", "Identity"}


def test_an_old_pad_has_attributes() -> None:
    model = parse("""<ir_version: 4, opset_import: ["" : 9]>
        g (int64[3, 4] x) => (int64[4, 4] y) { n = Abs(x) y = Pad<pads = [0, 0, 1, 0], value = 2.0>(n) }""")
    assert diagnostics(model, CODE) is not None


def test_computed_pads_are_refused() -> None:
    model = one_node("Pad", {"x": image(2, 3), "pads": np.zeros(4, np.int64)})
    assert refusal_of(model, CODE)


@pytest.mark.parametrize("mode", MODES[:3])
def test_what_builds_is_left_alone(mode: str) -> None:
    model = one_node("Pad", {"x": image(1, 8, 4, 4)}, {"mode": mode}, constants={"pads": np.array([0, 0, 1, 1] * 2)})
    assert diagnostics(model, CODE) == ()
