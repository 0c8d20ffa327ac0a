from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import assert_same, floats, microsoft
from tests.rules.rewriting import fixed

CODE = "RK201"


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 7)),
    metric=st.sampled_from([None, "euclidean", "sqeuclidean"]),
    known=st.booleans(),
    opset=st.sampled_from([9, 13, 18]),
)
def test_distances_of_rows(sizes: tuple[int, int, int], metric: str | None, known: bool, opset: int) -> None:
    rows, others, width = sizes
    a, b = floats(0, rows, width), floats(1, others, width)
    feeds, constants = ({"a": a}, {"b": b}) if known else ({"a": a, "b": b}, {})
    attributes = {"metric": metric} if metric else {}
    model = microsoft(
        "CDist", ["a", "b"], {"y": (rows, others)}, fed=feeds, constants=constants, opset=opset, **attributes
    )
    assert_same(model, feeds, CODE)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
def test_the_engine_proves_it(metric: str, tmp_path: Path) -> None:
    model = microsoft(
        "CDist", ["a", "b"], {"y": (4, 5)}, fed={"a": floats(0, 4, 3)}, constants={"b": floats(1, 5, 3)}, metric=metric
    )
    outcome = fix_text(model, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


@pytest.mark.parametrize(("metric", "width"), [("cosine", 3), ("cityblock", 3), ("euclidean", 200_000)])
def test_what_is_not_known_or_too_large_is_refused(metric: str, width: int) -> None:
    feeds = {"a": np.zeros((4, width), "f"), "b": np.zeros((5, width), "f")}
    model = microsoft("CDist", ["a", "b"], {"y": (4, 5)}, fed=feeds, metric=metric)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)
