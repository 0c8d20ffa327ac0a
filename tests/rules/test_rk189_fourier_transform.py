from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from rkgraph.rulebook.fourier import transform
from tests.rules.rewriting import fixed, operators, run

CODE = "RK189"


@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    parts=st.sampled_from([1, 2]),
    opset=st.sampled_from([17, 20]),
    data=st.data(),
)
def test_a_transform_is_numpys(shape: list[int], parts: int, opset: int, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    negative = data.draw(st.booleans())
    inverse = data.draw(st.booleans())
    onesided = parts == 1 and not inverse and data.draw(st.booleans())
    length = data.draw(st.sampled_from([None, 1, 3, 8]))
    points = shape[axis] if length is None else length
    out = [*shape, 2]
    out[axis] = points // 2 + 1 if onesided else points
    place = axis - len(shape) - 1 if negative else axis
    given, declared = ('""', "") if length is None else ("n", f"int64 n = {{{length}}}")
    if opset == 17:
        call, constants = (
            f"DFT<axis = {place}, inverse = {int(inverse)}, onesided = {int(onesided)}>(x, {given})",
            declared,
        )
    else:
        call = f"DFT<inverse = {int(inverse)}, onesided = {int(onesided)}>(x, {given}, a)"
        constants = f"int64 a = {{{place}}}" + (f", {declared}" if declared else "")
    text = f"""<ir_version: 9, opset_import: ["" : {opset}]>
    g (float[{", ".join(map(str, [*shape, parts]))}] x) => (float[{", ".join(map(str, out))}] y)
    {f"<{constants}>" if constants else ""} {{ y = {call} }}"""
    after, _ = fixed(text, CODE)
    assert "DFT" not in operators(after)
    x = np.random.default_rng(0).normal(0, 1, (*shape, parts)).astype("f")
    signal = x[..., 0] + (1j * x[..., 1] if parts == 2 else 0)
    expected = (np.fft.ifft if inverse else np.fft.fft)(signal, n=points, axis=axis)
    if onesided:
        expected = np.take(expected, range(points // 2 + 1), axis=axis)
    found = np.asarray(run(after, {"x": x})[0], "f8")
    np.testing.assert_allclose(found, np.stack([expected.real, expected.imag], -1), atol=1e-5)


def test_long_transforms_are_exact() -> None:
    matrix = transform(4096, 4096, onesided=True)
    angle = 2 * np.pi * ((4095 * 2047) % 4096) / 4096
    np.testing.assert_allclose(matrix[4095, 2047 * 2 : 2047 * 2 + 2], [np.cos(angle), -np.sin(angle)], atol=1e-12)


@pytest.mark.parametrize(
    "body",
    [
        "(float[1, 8, 1] x, int64 n) => (float[1, m, 2] y) { y = DFT<axis = 1>(x, n) }",
        "(float[1, 4096, 1] x) => (float[1, 4096, 2] y) { y = DFT<axis = 1>(x) }",
        "(float[1, 8, 2] x) => (float[1, 5, 2] y) { y = DFT<axis = 1, onesided = 1>(x) }",
        "(float[1, k, 1] x) => (float[1, k, 2] y) { y = DFT<axis = 1>(x) }",
    ],
)
def test_what_is_not_known_or_too_large_is_refused(body: str) -> None:
    (refusal,) = fixed(f"g {body}", CODE)[1]
    assert isinstance(refusal, Refusal)
