from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed, operators
from tests.rules.simulated import simulated_error

CODE = "RK233"
SHAPE = (2, 4, 8)


def model(added: float, length: str = "n = ReduceL2<axes = [-1]>(x)", end: str = "s = Add(n, e) y = Div(x, s)") -> str:
    return f"""g (float[2, 4, 8] x) => (float[2, 4, 8] y) <float e = {{{added:.12f}}}, float two = {{2}}> {{
        {length} {end}
    }}"""


def vectors(seed: int, scale: float) -> dict[str, np.ndarray]:
    return {"x": (np.random.default_rng(seed).normal(size=SHAPE) * scale).astype(np.float32)}


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1e-4, 0.01, 1.0, 100.0]),
    st.floats(0.001, 2.0),
    st.sampled_from(["axes = [-1]", "axes = [1]", "axes = [0, 2]", "axes = [-1], keepdims = 1"]),
    st.sampled_from(["Add(n, e)", "Add(e, n)"]),
)
def test_the_numbers_stay(seed: int, scale: float, added: float, axes: str, total: str) -> None:
    text = model(added, f"n = ReduceL2<{axes}>(x)", f"s = {total} y = Div(x, s)")
    after = rewritten(text, CODE)
    assert operators(after) == ["Mul", "ReduceSum", "Sqrt", "Add", "Div"]
    x = vectors(seed, scale)
    np.testing.assert_allclose(result(after, x), result(text, x), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        model(0.01, end="s = Max(n, e) y = Div(x, s)"),
        model(0.01, end="s = Add(n, e) y = Div(s, x)"),
        model(0.01, end="s = Add(n, e) b = Mul(x, two) y = Div(b, s)"),
        model(0.01, length="n = ReduceL1<axes = [-1]>(x)"),
        model(0.01, end="s = Add(n, n) y = Div(x, s)"),
        model(0.0),
    ],
    ids=range(6),
)
def test_other_quotients_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("version", "count"), [("2.2.0", 0), ("2.3.0", 0), ("2.3.2", 1), ("2.5.0", 1)])
def test_only_versions_that_do_it(version: str, count: int) -> None:
    assert len(diagnostics(model(0.01), CODE, target=Target(toolkit=version))) == count


def test_samples_decide_of_small_numbers() -> None:
    (note,) = diagnostics(model(1e-5), CODE)
    assert note.severity.value == "note"
    (refusal,) = fixed(model(1e-5), CODE)[1]
    assert "--calibration" in (refusal.needs or "")  # type: ignore[union-attr]
    assert diagnostics(model(1e-5), CODE, samples=1.0) == ()
    (found,) = diagnostics(model(1e-5), CODE, samples=0.001)
    assert found.severity.value == "warning"


@pytest.mark.toolkit
def test_the_simulator_puts_it_under_the_root_and_does_not_any_more(tmp_path: Path) -> None:
    text, case = model(0.01), vectors(0, 0.02)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        before = simulated_error(worker, parse(text), parse(text), case, tmp_path / "before")
        after = simulated_error(worker, rewritten(text, CODE), parse(text), case, tmp_path / "after")
    assert before > 0.1
    assert after < 0.005
