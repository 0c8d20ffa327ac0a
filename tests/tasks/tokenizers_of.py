"""A small embedder folder with a real tokenizer, made without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rkgraph.export.folder import EmbedderFolder, read_embedder
from tests.export.embedders import VOCABULARY, write_settings

__all__ = ["write_embedder"]


def write_embedder(folder: Path, **settings: Any) -> EmbedderFolder:
    """The folder with a WordPiece tokenizer of `VOCABULARY`; its file asks for padding and truncation, as many do."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    write_settings(folder, **settings)
    ids = {word: index for index, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=VOCABULARY[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    tokenizer.enable_padding(length=12)
    tokenizer.enable_truncation(8)
    tokenizer.save(str(folder / "tokenizer.json"))
    return read_embedder(folder)
