from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.microsoft_models import assert_same, floats, microsoft
from tests.rules.rewriting import fixed

CODE = "RK193"
B, S, H, N = 2, 5, 12, 3
MASKS = {
    "none": None,
    "tokens": [[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]],
    "left padding": [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]],
    "lengths": [3, 5],
    "ends and starts": [3, 5, 1, 2],
    "queries": [[[1] * (q + 1) + [0] * (S - q - 1) for q in range(S)]] * B,
}


@settings(max_examples=25, deadline=None)
@given(
    mask=st.sampled_from(list(MASKS)),
    causal=st.booleans(),
    scale=st.sampled_from([None, 0.3]),
    widths=st.sampled_from([(H, H, H), (H, H, 6)]),
)
def test_attention(mask: str, causal: bool, scale: float | None, widths: tuple[int, int, int]) -> None:
    feeds = {"x": floats(0, B, S, H)}
    constants = {"w": floats(1, H, sum(widths), spread=0.3), "b": floats(2, sum(widths))}
    inputs = ["x", "w", "b"]
    if MASKS[mask] is not None:
        feeds["m"] = np.array(MASKS[mask], "i4")
        inputs.append("m")
    more: dict[str, Any] = {"scale": scale} if scale else {}
    if widths[2] != H:
        more["qkv_hidden_sizes"] = widths
    model = microsoft(
        "Attention",
        inputs,
        {"y": (B, S, widths[2])},
        fed=feeds,
        constants=constants,
        num_heads=N,
        unidirectional=int(causal),
        **more,
    )
    assert_same(model, feeds, CODE)


def test_attention_to_earlier_steps() -> None:
    feeds = {"x": floats(0, B, 1, H), "past": floats(3, 2, B, N, 4, H // N)}
    model = microsoft(
        "Attention",
        ["x", "w", "b", "", "past"],
        {"y": (B, 1, H), "present": (2, B, N, 5, H // N)},
        fed=feeds,
        constants={"w": floats(1, H, 3 * H, spread=0.3), "b": floats(2, 3 * H)},
        num_heads=N,
        unidirectional=1,
    )
    assert_same(model, feeds, CODE)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("keys", ["rank3", "rank4", "past"])
def test_several_inputs(keys: str, bias: bool) -> None:
    feeds = {"q": floats(0, B, S, H)}
    shape = (B, N, 4, H // N) if keys == "rank4" else (B, S if keys == "past" else 4, H)
    feeds |= {"k": floats(1, *shape), "v": floats(2, *shape)}
    inputs, outputs = ["q", "k", "v", "b" if bias else ""], {"y": (B, S, H)}
    if keys == "past":
        feeds |= {"pk": floats(4, B, N, 2, H // N), "pv": floats(5, B, N, 2, H // N)}
        inputs += ["", "", "pk", "pv"]
        outputs |= {"nk": (B, N, S + 2, H // N), "nv": (B, N, S + 2, H // N)}  # type: ignore[dict-item]
    while not inputs[-1]:
        inputs.pop()
    if keys == "rank4" and bias:
        pytest.skip("ONNX Runtime takes no bias of keys that are split already")
    constants = {"b": floats(3, 3 * H)} if bias else {}
    model = microsoft("MultiHeadAttention", inputs, outputs, fed=feeds, constants=constants, num_heads=N)
    assert_same(model, feeds, CODE)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("positions", [[[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]], [2]])
@pytest.mark.parametrize("part", [False, True])
def test_rotary_embeddings(interleaved: int, rank: int, positions: list[Any], part: bool) -> None:
    shape = (B, S, H) if rank == 3 else (B, N, S, H // N)
    half = 1 if part else H // N // 2
    feeds = {"x": floats(0, *shape), "p": np.array(positions, "i8")}
    constants = {"c": floats(1, 12, half), "s": floats(2, 12, half)}
    more: dict[str, Any] = {"num_heads": N, "rotary_embedding_dim": 2 * half} if part else {}
    model = microsoft(
        "RotaryEmbedding",
        ["x", "p", "c", "s"],
        {"y": shape},
        fed=feeds,
        constants=constants,
        interleaved=interleaved,
        **more,
    )
    assert_same(model, feeds, CODE)


def test_what_onnx_runtime_dies_of_is_refused() -> None:
    feeds = {"x": floats(0, B, S, H)}
    constants = {"w": floats(1, H, 3 * H)}
    model = microsoft("Attention", ["x", "w"], {"y": (B, S, H)}, fed=feeds, constants=constants, num_heads=N)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)


def test_other_masks_are_refused() -> None:
    feeds = {"x": floats(0, B, S, H), "m": np.zeros(3 * B + 2, "i4")}
    constants = {"w": floats(1, H, 3 * H), "b": floats(2, 3 * H)}
    model = microsoft("Attention", ["x", "w", "b", "m"], {"y": (B, S, H)}, fed=feeds, constants=constants, num_heads=N)
    (refusal,) = fixed(model, CODE)[1]
    assert isinstance(refusal, Refusal)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    feeds = {"x": floats(0, B, S, H)}
    constants = {"w": floats(1, H, 3 * H, spread=0.3), "b": floats(2, 3 * H)}
    model = microsoft(
        "Attention", ["x", "w", "b"], {"y": (B, S, H)}, fed=feeds, constants=constants, num_heads=N, unidirectional=1
    )
    outcome = fix_text(model, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
