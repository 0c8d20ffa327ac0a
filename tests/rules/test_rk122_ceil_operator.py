from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.rules.elementwise import NUMPY, POINTS, agree, node
from tests.rules.harness import diagnostics

CODE = "RK122"


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("opset", [7, 12, 13])
def test_it_is_exact(dtype: str, opset: int) -> None:
    x = np.concatenate([POINTS, [np.nan, np.inf, -np.inf, 2**24 + 1, -0.5, 1e-40, -1e-40, 3e38]]).astype(NUMPY[dtype])
    assert agree(node("Ceil", (6, 8), dtype=dtype, opset=opset), CODE, {"x": x.reshape(6, 8)}).count("Neg") == 2


def test_other_roundings_have_kernels() -> None:
    assert diagnostics(node("Floor"), CODE) == () == diagnostics(node("Round"), CODE)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(node("Ceil"), tmp_path, CODE)
    assert [proof.outcome for proof in outcome.proofs if proof.outcome != "proved"] == []
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
