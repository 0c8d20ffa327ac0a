"""What a sentence-transformers folder says, and every way in which it can be none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rkgraph.errors import UsageError
from rkgraph.export.folder import POOLINGS, read_embedder
from tests.export.embedders import put, write_settings

TRANSFORMER = {"type": "sentence_transformers.models.Transformer", "path": ""}
POOLING = {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}
DENSE = {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}


def test_a_folder_as_most_are(tmp_path: Path) -> None:
    embedder = read_embedder(write_settings(tmp_path))
    assert embedder.poolings == ("mean",)
    assert embedder.normalize
    assert not embedder.lower_case
    assert (embedder.max_seq_length, embedder.max_positions) == (24, 64)
    assert embedder.transformer == tmp_path


def test_without_normalisation(tmp_path: Path) -> None:
    assert not read_embedder(write_settings(tmp_path, normalize=False)).normalize


@pytest.mark.parametrize(("key", "name"), POOLINGS.items())
def test_each_pooling_mode_has_a_name(tmp_path: Path, key: str, name: str) -> None:
    assert read_embedder(write_settings(tmp_path, pooling=key)).poolings == (name,)


@pytest.mark.parametrize(
    ("sentence", "tokenizer", "config", "length"),
    [
        ({"max_seq_length": 24}, {"model_max_length": 40}, {"max_position_embeddings": 64}, 24),
        ({}, {"model_max_length": 40}, {"max_position_embeddings": 64}, 40),
        ({"max_seq_length": None}, {"model_max_length": 1e30}, {"max_position_embeddings": 64}, 64),
        ({}, {"model_max_length": 10**30}, {}, 512),
    ],
)
def test_the_longest_sequence_comes_from_the_nearest_file(
    tmp_path: Path, sentence: Any, tokenizer: Any, config: Any, length: int
) -> None:
    write_settings(tmp_path)
    put(tmp_path / "sentence_bert_config.json", sentence)
    put(tmp_path / "tokenizer_config.json", tokenizer)
    put(tmp_path / "config.json", config)
    assert read_embedder(tmp_path).max_seq_length == length


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514}, 513),
        ({"model_type": "roberta", "max_position_embeddings": 1, "pad_token_id": 1}, None),
        ({"model_type": "roberta"}, None),
    ],
)
def test_positions_that_begin_behind_the_padding(tmp_path: Path, config: Any, positions: int | None) -> None:
    put(write_settings(tmp_path) / "config.json", config)
    (tmp_path / "sentence_bert_config.json").unlink()
    embedder = read_embedder(tmp_path)
    assert (embedder.max_positions, embedder.max_seq_length) == (positions, positions or 512)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({}, "not a list"),
        (["x"], "not a list"),
        ([], "modules are none"),
        ([TRANSFORMER], "modules are Transformer"),
        ([POOLING, TRANSFORMER], "modules are Pooling, Transformer"),
        ([TRANSFORMER, POOLING, DENSE], "its module Dense is not supported"),
        ([TRANSFORMER, {**POOLING, "path": "../elsewhere"}], "leaves the folder"),
        ([{**TRANSFORMER, "path": "/etc"}, POOLING], "leaves the folder"),
        ([TRANSFORMER, {**POOLING, "path": "missing"}], "cannot be read"),
    ],
)
def test_modules_that_are_none(tmp_path: Path, modules: Any, message: str) -> None:
    write_settings(tmp_path)
    put(tmp_path / "modules.json", modules)
    with pytest.raises(UsageError, match=message):
        read_embedder(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"pooling_mode_lasttoken": True}, "pooling_mode_lasttoken is not supported"),
        ({"pooling_mode_mean_tokens": False}, "no pooling mode is on"),
        ([], "not a JSON object"),
    ],
)
def test_poolings_that_are_none(tmp_path: Path, config: Any, message: str) -> None:
    write_settings(tmp_path)
    put(tmp_path / "1_Pooling/config.json", config)
    with pytest.raises(UsageError, match=message):
        read_embedder(tmp_path)


def test_no_folder_a_file_an_empty_folder_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        read_embedder(tmp_path / "missing")
    with pytest.raises(UsageError, match=r"modules\.json is missing"):
        read_embedder(tmp_path)
    write_settings(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        read_embedder(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json: not JSON"):
        read_embedder(tmp_path)
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"config\.json: not JSON"):
        read_embedder(tmp_path)
