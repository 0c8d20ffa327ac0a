from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rkgraph.engine.suggest import suggested_shapes
from tests.rules.harness import view_of

TOKENS = """g (int64[batch, seq] input_ids, int64[batch, seq] attention_mask) => (int64[batch, seq] y) {
    y = Add(input_ids, attention_mask)
}"""
IMAGE = "g (float[n, 3, height, width] pixels) => (float[n, 3, height, width] y) { y = Relu(pixels) }"


def suggest(model: str, folder: Path, **files: Any) -> dict[str, tuple[int, ...]]:
    """The suggestions for a model in `folder`, with JSON files of these names (and contents) beside it."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return suggested_shapes(view_of(model), folder / "model.onnx")


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({"sentence_bert_config": {"max_seq_length": 256}, "config": {"max_position_embeddings": 512}}, 256),
        ({"tokenizer_config": {"model_max_length": 512}}, 512),
        ({"config": {"max_position_embeddings": 128}}, 128),
        ({"tokenizer_config": {"model_max_length": 1e30}, "config": {"max_position_embeddings": 384}}, 384),
        ({"tokenizer_config": {"model_max_length": 512}, "config": {"max_position_embeddings": 128}}, 128),
        ({"sentence_bert_config": {"max_seq_length": 64}, "tokenizer_config": {"model_max_length": 512}}, 64),
    ],
)
def test_a_sequence_is_as_long_as_the_files_say(files: dict[str, Any], length: int, tmp_path: Path) -> None:
    assert suggest(TOKENS, tmp_path, **files) == {"input_ids": (1, length), "attention_mask": (1, length)}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        *({"model_max_length": v} for v in (0, -1, 8193, "256", True, 2.5, None, [256])),
    ],
    ids=lambda content: str(content)[:30],
)
def test_files_that_make_no_sense_suggest_nothing(content: Any, tmp_path: Path) -> None:
    assert suggest(TOKENS, tmp_path, tokenizer_config=content) == {}


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = json.dumps({"model_max_length": 256, "more": "x" * (5 << 20)})
    assert suggest(TOKENS, tmp_path, tokenizer_config=large) == {}


def test_without_files_nothing_is_guessed(tmp_path: Path) -> None:
    assert suggest(TOKENS, tmp_path) == {}


def test_files_above_an_onnx_folder_count(tmp_path: Path) -> None:
    folder = tmp_path / "onnx"
    folder.mkdir()
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 128}')
    assert suggest(TOKENS, folder)["input_ids"] == (1, 128)
    other = tmp_path / "other"
    other.mkdir()
    assert suggest(TOKENS, other) == {}


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"size": {"height": 224, "width": 320}}, (224, 320)),
        ({"size": {"shortest_edge": 256}}, (256, 256)),
        ({"size": 384}, (384, 384)),
        (
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}},
            (224, 224),
        ),
        ({"size": {"shortest_edge": 256}, "do_center_crop": False, "crop_size": 224}, (256, 256)),
    ],
)
def test_an_image_is_as_large_as_the_preprocessor_makes_it(
    config: dict[str, Any], size: tuple[int, int], tmp_path: Path
) -> None:
    assert suggest(IMAGE, tmp_path, preprocessor_config=config) == {"pixels": (1, 3, *size)}


@pytest.mark.parametrize(
    "config", [{}, {"size": {"height": 224}}, {"size": {"height": 224, "width": 10**9}}, {"size": "x"}]
)
def test_half_a_size_is_none(config: dict[str, Any], tmp_path: Path) -> None:
    assert suggest(IMAGE, tmp_path, preprocessor_config=config) == {}


def test_static_inputs_and_unknown_dimensions_are_left_alone(tmp_path: Path) -> None:
    model = "g (float[2, 4] x, float[n, what] z) => (float[2, 4] y, float[n, what] w) { y = Relu(x) w = Relu(z) }"
    assert suggest(model, tmp_path, config={"max_position_embeddings": 128}) == {}
