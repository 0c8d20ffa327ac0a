from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK197"


def model(
    samples: int, length: int, step: int, pads: tuple[int, int] = (0, 0), *, bias: bool = True, more: str = ""
) -> str:
    count = 1 + (samples + sum(pads) - length) // step
    return f"""g (float[2, 1, {samples}] x) => (float[2, 3, {count}] y)
    <float[3, 1, {length}] w = {{{", ".join(str(i % 7 - 3) for i in range(3 * length))}}}, float[3] b = {{1, 2, 3}}>
    {{ y = Conv<strides = [{step}], pads = [{pads[0]}, {pads[1]}]{more}>(x, w{", b" if bias else ""}) }}"""


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(60, 120),
    length=st.integers(17, 60),
    step=st.sampled_from([8, 16, 24, 64]),
    pads=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    bias=st.booleans(),
)
def test_frames_times_kernels_are_the_convolution(
    samples: int, length: int, step: int, pads: tuple[int, int], bias: bool
) -> None:
    text = model(samples, length, step, pads, bias=bias)
    after, _ = fixed(text, CODE)
    assert "Conv" not in operators(after)
    feeds = {"x": np.random.default_rng(0).normal(0, 1, (2, 1, samples)).astype("f")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (text, after))
    np.testing.assert_allclose(new, old, atol=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        model(80, 16, 8),
        model(80, 24, 4),
        model(80, 24, 12),
        model(400, 350, 8),
        model(80, 24, 8, more=', auto_pad = "SAME_UPPER"').replace("pads = [0, 0], ", ""),
        "g (float[2, 1, 80] x, float[3, 1, 24] w) => (float[2, 3, 8] y) { y = Conv<strides = [8]>(x, w) }",
        "g (float[1, 1, n] x) => (float[1, 1, m] y) <float[1, 1, 20] w = {"
        + ", ".join("1" for _ in range(20))
        + "}> { y = Conv<strides = [8]>(x, w) }",
    ],
)
def test_what_gains_nothing_or_is_not_known_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    outcome = fix_text(model(100, 40, 16, (3, 4)), tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
