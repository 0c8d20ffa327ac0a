from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK416"
SHAPE = (4, 3, 5)
BODIES = {
    "product": ("MatMul({0}, w) ", 1, 2),
    "dense": ("MatMul({0}, w) h{1} = Add(g{1}, b) ", 2, 2),
    "scaled": ("Relu({0}) h{1} = Mul(row, g{1}) ", 2, 5),
}


def model(
    axis: int = 1,
    way: str = "gather",
    body: str = "dense",
    steps: tuple[int, ...] = (0, 1, 2),
    *,
    place: int = 1,
    change: tuple[str, str] = ("", ""),
    extra: str = "",
) -> str:
    """Steps along `axis` of 4×3×5, selected by Gather, Slice or Split, and joined along `place`."""
    text, operators_, last = BODIES[body]
    parts, names = [], []
    if way == "split":
        parts.append(f"{', '.join(f's{i}' for i in range(SHAPE[axis]))} = Split<axis = {axis}>(x)")
    for i in steps:
        if way == "slice":
            parts.append(f"s{i} = Slice(x, at{i}, at{i + 1}, axis)")
        if way == "gather":
            parts.append(f"q{i} = Gather<axis = {axis}>(x, n{i})")
        else:
            parts.append(f"q{i} = Squeeze(s{i}, axis)")
        parts.append(f"g{i} = {text.format(f'q{i}', i)}")
        parts.append(f"u{i} = Unsqueeze({'gh'[operators_ - 1]}{i}, place)")
        names.append(f"u{i}")
    shape = [*[size for at, size in enumerate(SHAPE) if at != axis][:-1], last]
    shape.insert(place, len(steps))
    last_step = parts[-2]
    parts[-2] = last_step.replace(*change) if change[0] else last_step
    numbers = ", ".join(f"int64[1] at{i} = {{{i}}}, int64 n{i} = {{{i}}}" for i in range(6))
    return f"""g (float[4, 3, 5] x) => (float[{", ".join(map(str, shape))}] y{extra})
    <{numbers}, int64[1] axis = {{{axis}}}, int64[1] place = {{{place}}}, float[2] b = {{1, -2}}, float[2] c = {{1, 2}},
     float[5] row = {{1, 2, 3, 4, 5}}, float[5, 2] w = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 1}}>
    {{ {" ".join(parts)} y = Concat<axis = {place}>({", ".join(names)}) }}"""


@settings(max_examples=30, deadline=None)
@given(
    axis=st.integers(0, 1),
    way=st.sampled_from(["gather", "slice", "split"]),
    body=st.sampled_from(sorted(BODIES)),
    place=st.integers(0, 2),
)
def test_all_steps_at_once_are_the_same(axis: int, way: str, body: str, place: int) -> None:
    text = model(axis, way, body, tuple(range(SHAPE[axis])), place=place)
    after, edits = fixed(text, CODE)
    assert len(edits) == 1
    assert len(operators(after)) == len(BODIES[body][0].split("=")) + (axis != place)
    feeds = {"x": np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)}
    np.testing.assert_allclose(np.asarray(run(after, feeds)[0]), np.asarray(run(text, feeds)[0]), rtol=1e-5, atol=1e-5)


def test_a_part_of_the_steps_is_cut_out_first() -> None:
    text = model(0, "gather", "dense", (1, 2, 3), place=0)
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Slice", "MatMul", "Add"]
    feeds = {"x": np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)}
    np.testing.assert_allclose(np.asarray(run(after, feeds)[0]), np.asarray(run(text, feeds)[0]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        model(steps=(0, 2, 1)),
        model(0, place=0, steps=(0, 1, 3)),
        model(0, place=0, steps=(0, 1)),
        model(change=("Add(g2, b)", "Add(g2, c)")),
        model(change=("Add(g2, b)", "Sub(g2, b)")),
        model(change=("Add(g2, b)", "Add(g2, g1)")),
        model(extra=", float[4, 2] h1"),
    ],
)
def test_other_steps_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_equal_constants_of_other_names_are_the_same() -> None:
    text = model(change=("Add(g2, b)", "Add(g2, c)")).replace("c = {1, 2}", "c = {1, -2}")
    assert len(diagnostics(text, CODE)) == 1
