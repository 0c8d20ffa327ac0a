"""A small embedder folder with a real tokenizer, made without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rkgraph.export.folder import EmbedderFolder, read_embedder
from tests.export.embedders import write_settings, write_tokenizer

__all__ = ["write_embedder"]


def write_embedder(folder: Path, **settings: Any) -> EmbedderFolder:
    """The folder with settings and tokenizer, without weights."""
    write_settings(folder, **settings)
    write_tokenizer(folder)
    return read_embedder(folder)
