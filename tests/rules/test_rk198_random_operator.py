from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome
from tests.engine.fixing import fix_text, operators, run

CODE = "RK198"


def outcome(body: str, folder: Path) -> FixOutcome:
    return fix_text(f"g {body}", folder, CODE, allow=frozenset({Safety.INTERFACE}), proof="local")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "(float[2, 3] x) => (float[2, 3] y) { y = RandomNormalLike<mean = 2.0, scale = 3.0>(x) }",
            lambda n, x: 3 * n + 2,
        ),
        (
            "(float[2, 3] x) => (float[2, 3] y) { y = RandomUniformLike<low = -1.0, high = 3.0>(x) }",
            lambda n, x: 4 * n - 1,
        ),
        ("(float[2, 3] x) => (double[2, 3] y) { y = RandomNormalLike<dtype = 11>(x) }", lambda n, x: n),
        ("(float[2, 3] x) => (float[2, 3] y) { y = Bernoulli(x) }", lambda n, x: n < x),
        ("(float[2, 3] x) => (int32[2, 3] y) { y = Bernoulli<dtype = 6>(x) }", lambda n, x: n < x),
    ],
)
def test_the_operator_is_arithmetic_of_fed_numbers(body: str, expected: object, tmp_path: Path) -> None:
    done = outcome(body, tmp_path)
    assert not {"RandomNormalLike", "RandomUniformLike", "Bernoulli"} & set(operators(done))
    assert done.model.view().main.inputs == ("x", "noise_y")
    random = np.random.default_rng(0)
    feeds = {"x": random.uniform(0, 1, (2, 3)).astype("f"), "noise_y": random.uniform(0, 1, (2, 3)).astype("f")}
    found = np.asarray(run(done, feeds)["y"], "f8")
    np.testing.assert_allclose(found, expected(feeds["noise_y"], feeds["x"]), rtol=1e-6)  # type: ignore[operator]


def test_what_is_drawn_of_a_multinomial_is_distributed_as_it_says(tmp_path: Path) -> None:
    done = outcome("(float[1, 3] x) => (int32[1, 4000] y) { y = Multinomial<sample_size = 4000>(x) }", tmp_path)
    chances = np.array([[0.1, 0.3, 0.6]])
    gumbel = -np.log(-np.log(np.random.default_rng(0).uniform(0, 1, (1, 4000, 3))))
    drawn = run(done, {"x": np.log(chances).astype("f"), "noise_y": gumbel.astype("f")})["y"]
    assert drawn.dtype == np.int32
    np.testing.assert_allclose(np.bincount(np.asarray(drawn, "i8")[0]) / 4000, chances[0], atol=0.03)


def test_the_name_of_the_input_is_free(tmp_path: Path) -> None:
    body = "(float[2] x, float[2] noise_y) => (float[2] y, float[2] z) { y = RandomNormalLike(x) z = Add(x, noise_y) }"
    assert outcome(body, tmp_path).model.view().main.inputs == ("x", "noise_y", "noise_y_0")


def test_it_is_not_done_unasked(tmp_path: Path) -> None:
    done = fix_text("g (float[2] x) => (float[2] y) { y = RandomNormalLike(x) }", tmp_path, CODE)
    assert done.fixes.applied == ()
    assert done.fixes.refused[0].needs == "--allow interface"


def test_what_to_feed_is_told_and_nothing_is_compared(tmp_path: Path) -> None:
    text = "g (float[2] x) => (float[2] y) { y = RandomNormalLike(x) }"
    done = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.INTERFACE}))
    assert "standard normal" in done.fixes.applied[0].detail
    assert [proof.outcome for proof in done.proofs if proof.kind == "model"] == ["skipped"]


def test_whole_numbers_and_dynamic_shapes_are_refused(tmp_path: Path) -> None:
    for body in (
        "(int32[2] x) => (int32[2] y) { y = RandomUniformLike(x) }",
        "(float[n] x) => (float[n] y) { y = RandomUniformLike(x) }",
    ):
        assert len(outcome(body, tmp_path).fixes.refused) == 1
