"""A tiny random sentence embedder as a folder on disk, for tests that must not need real weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["VOCABULARY", "write_settings", "write_tiny_bert", "write_tokenizer"]

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "hello", "world", "##s", "."]
WIDTH, LAYERS, INNER, POSITIONS = 32, 2, 64, 64
CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": len(VOCABULARY),
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": INNER,
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}


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
    """The whole folder: a BERT of 2 layers, 32 wide, with random weights of fixed seed, and its tokenizer.

    torch is not needed to write it: weights are named and shaped as transformers' BertModel has them.
    """
    from safetensors.numpy import save_file

    write_settings(folder)
    random = np.random.default_rng(7)
    weights = {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in _bert_shapes().items()}
    weights.update({name: values + 1 for name, values in weights.items() if name.endswith("LayerNorm.weight")})
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    put(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": POSITIONS})
    write_tokenizer(folder)
    return folder


def write_tokenizer(folder: Path) -> None:
    """tokenizer.json: WordPiece over `VOCABULARY`; it asks for padding and truncation of its own, as many do."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {word: index for index, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=VOCABULARY[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    tokenizer.enable_padding(length=12)
    tokenizer.enable_truncation(8)
    tokenizer.save(str(folder / "tokenizer.json"))


def _bert_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of BertModel's parameters."""
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, inner: int, outer: int) -> None:
        shapes.update({f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)})

    def norm(name: str) -> None:
        shapes.update({f"{name}.LayerNorm.weight": (WIDTH,), f"{name}.LayerNorm.bias": (WIDTH,)})

    for kind, rows in (("word", len(VOCABULARY)), ("position", POSITIONS), ("token_type", 2)):
        shapes[f"embeddings.{kind}_embeddings.weight"] = (rows, WIDTH)
    norm("embeddings")
    for layer in (f"encoder.layer.{index}" for index in range(LAYERS)):
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", WIDTH, WIDTH)
        linear(f"{layer}.attention.output.dense", WIDTH, WIDTH)
        norm(f"{layer}.attention.output")
        linear(f"{layer}.intermediate.dense", WIDTH, INNER)
        linear(f"{layer}.output.dense", INNER, WIDTH)
        norm(f"{layer}.output")
    linear("pooler.dense", WIDTH, WIDTH)
    return shapes


def put(file: Path, data: Any) -> None:
    """Write `data` as JSON, with the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")
