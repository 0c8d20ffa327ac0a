from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.rewriting import fixed, operators, run

CODE = "RK190"


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(16, 40),
    length=st.integers(1, 16),
    step=st.integers(1, 9),
    onesided=st.booleans(),
    window=st.sampled_from(["none", "constant", "computed"]),
    rank=st.sampled_from([2, 3]),
    batch=st.integers(1, 2),
)
def test_frames_are_those_of_numpy(  # noqa: PLR0917
    samples: int, length: int, step: int, onesided: bool, window: str, rank: int, batch: int
) -> None:
    frames = 1 + (samples - length) // step
    bins = length // 2 + 1 if onesided else length
    weights = np.hamming(length).astype("f") if length > 1 else np.ones(1, "f")
    signal = f"float[{batch}, {samples}{', 1' if rank == 3 else ''}] x"
    name = '""' if window == "none" else "w"
    given = f", float[{length}] w" if window == "computed" else ""
    constant = f", float[{length}] w = {{{', '.join(map(repr, weights.tolist()))}}}" if window == "constant" else ""
    text = f"""g ({signal}{given}) => (float[{batch}, {frames}, {bins}, 2] y)
    <int64 h = {{{step}}}, int64 n = {{{length}}}{constant}>
    {{ y = STFT<onesided = {int(onesided)}>(x, h, {name}, n) }}"""
    after, _ = fixed(text, CODE)
    assert "STFT" not in operators(after)
    x = np.random.default_rng(0).normal(0, 1, (batch, samples)).astype("f")
    feeds = {"x": x[..., None] if rank == 3 else x, **({"w": weights} if window == "computed" else {})}
    cut = np.stack([x[:, i * step : i * step + length] for i in range(frames)], 1)
    expected = np.fft.fft(cut * (1 if window == "none" else weights))[..., :bins]
    found = np.asarray(run(after, feeds)[0], "f8")
    np.testing.assert_allclose(found, np.stack([expected.real, expected.imag], -1), atol=1e-4)


@pytest.mark.parametrize(
    "body",
    [
        '(float[1, 40, 1] x, int64 h) => (float[1, f, 5, 2] y) <int64 n = {8}> { y = STFT(x, h, "", n) }',
        '(float[1, 40, 2] x) => (float[1, f, 8, 2] y) <int64 h = {4}, int64 n = {8}> { y = STFT(x, h, "", n) }',
        '(float[1, 400] x) => (float[1, f, b, 2] y) <int64 h = {1}, int64 n = {200}> { y = STFT(x, h, "", n) }',
        '(float[1, 4] x) => (float[1, f, b, 2] y) <int64 h = {1}, int64 n = {20}> { y = STFT(x, h, "", n) }',
    ],
)
def test_what_is_not_known_or_too_large_is_refused(body: str) -> None:
    (refusal,) = fixed(f"g {body}", CODE)[1]
    assert isinstance(refusal, Refusal)
