from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.rules.elementwise import NUMPY, POINTS, agree, node, refusal, result, rewritten
from tests.rules.harness import diagnostics

CODE = "RK123"


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("opset", [9, 13])
def test_it_is_exact_for_what_fp16_holds(dtype: str, opset: int) -> None:
    x = np.concatenate([POINTS, [np.inf, -np.inf, 3e-10, -3e-10, 3e38, -3e38, 6e-8, 0]]).astype(NUMPY[dtype])
    agree(node("Sign", (6, 8), dtype=dtype, opset=opset), CODE, {"x": x.reshape(6, 8)})


def test_it_is_exact_for_every_fp16_number() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = every[np.isfinite(every)].reshape(2, -1)
    after = rewritten(node("Sign", x.shape, dtype="float16", opset=13), CODE)
    np.testing.assert_array_equal(result(after, {"x": x}), np.sign(x))


def test_whole_numbers_are_refused() -> None:
    assert "int32" in refusal(node("Sign", dtype="int32"), CODE)


def test_what_runs_is_left_alone() -> None:
    assert diagnostics(node("Abs"), CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(node("Sign"), tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
