"""A tiny random sentence embedder as a folder on disk, for tests that must not need real weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["VOCABULARY", "write_settings", "write_tiny_bert"]

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "hello", "world", "##s", "."]
CONFIG = {"model_type": "bert", "hidden_size": 32, "max_position_embeddings": 64, "pad_token_id": 0}


def write_settings(folder: Path, *, pooling: str = "pooling_mode_mean_tokens", normalize: bool = True) -> Path:
    """All files of the folder but weights and tokenizer."""
    names = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{name}" if i else "", "type": f"sentence_transformers.models.{name}"}
        for i, name in enumerate(names)
    ]
    put(folder / "modules.json", modules)
    put(folder / "1_Pooling/config.json", {"word_embedding_dimension": 32, pooling: True})
    put(folder / "sentence_bert_config.json", {"max_seq_length": 24, "do_lower_case": False})
    put(folder / "config.json", CONFIG)
    return folder


def write_tiny_bert(folder: Path) -> Path:
    """The whole folder: a BERT of 2 layers, 32 wide, with random weights of fixed seed, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    write_settings(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return folder


def put(file: Path, data: Any) -> None:
    """Write `data` as JSON, with the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")
