"""Sentence embeddings from a compiled encoder, and how they compare with the model that it was made from.

embedder = SentenceEmbedder(read_embedder(folder), pipeline.run, length=256)
vector = embedder.embed("A sentence.").vector
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rkgraph.errors import UsageError
from rkgraph.export.folder import EmbedderFolder
from rkgraph.tasks.pooling import Vectors, cosine, normalise, pool
from rkgraph.tasks.tokenizing import Tokenizer, Tokens, TooLong, TooLongPolicy

__all__ = ["Embedding", "Likeness", "Run", "SentenceEmbedder", "compare_sentences", "lowest", "reference_runner"]

Run = Callable[[Mapping[str, npt.NDArray[Any]]], Mapping[str, npt.NDArray[Any]]]
"""What computes the encoder: arrays by input name in, arrays by output name out."""


@dataclass(frozen=True)
class Embedding:
    """A text's vector, float32 of shape [hidden], and the tokens that it was computed from."""

    vector: Vectors
    tokens: Tokens


@dataclass(frozen=True)
class Likeness:
    """How one sentence fared.

    Attributes:
        text: the sentence.
        tokens: how many it has, special tokens included.
        padded: share of the model's positions that were padding, 0 to 1; None where it was refused.
        cosine: between the two embeddings; None where it was refused.
        outcome: "compared", "truncated" (compared as truncated), or "refused" with the reason.
    """

    text: str
    tokens: int
    padded: float | None
    cosine: float | None
    outcome: str

    def reaches(self, bar: float) -> bool:
        """True where it was refused, or its cosine is a number of at least `bar`."""
        return self.cosine is None or self.cosine >= bar


class SentenceEmbedder:
    """Text to vector: tokenizer, encoder, pooling and normalisation of one embedder folder.

    Args:
        folder: what the embedder's files say.
        run: computes the encoder.
        length: positions of a static encoder, to which every text is padded; None for a dynamic one.
        too_long: what to do with texts of more tokens than `length` (or the folder's own limit).
    """

    def __init__(
        self, folder: EmbedderFolder, run: Run, length: int | None = None, too_long: TooLongPolicy = "refuse"
    ) -> None:
        self._folder = folder
        self._run = run
        self._length = length
        self._too_long = too_long
        self._tokenizer = Tokenizer(folder)

    @property
    def longest(self) -> int:
        """Most tokens that a text may have."""
        return self._length or self._folder.max_seq_length

    def count_tokens(self, text: str) -> int:
        """How many tokens the whole text has, special tokens included."""
        return self._tokenizer.tokens(text, self.longest, "truncate").total

    def embed(self, text: str) -> Embedding:
        """The embedding of one text.

        Raises:
            TooLong: it has more tokens than the encoder takes, and truncation was not asked for.
            UsageError: the encoder gives no output of shape [1, sequence, hidden].
        """
        return self.embed_tokens(self._tokenizer.tokens(text, self.longest, self._too_long))

    def embed_tokens(self, tokens: Tokens) -> Embedding:
        """The embedding of a text that is tokenized already. Raises UsageError as `embed` does."""
        feeds = tokens.feeds(self._length)
        mask = feeds["attention_mask"]
        hidden = _hidden(self._run(feeds), mask.shape[1])
        pooled = pool(hidden, mask, self._folder.poolings)
        return Embedding((normalise(pooled) if self._folder.normalize else pooled)[0], tokens)


def compare_sentences(
    sentences: Iterable[str], embedder: SentenceEmbedder, reference: SentenceEmbedder
) -> Iterable[Likeness]:
    """Each sentence through both; the reference gets the very tokens of the embedder, without its padding.

    Yields:
        One `Likeness` a sentence, in order, as it is computed.
    """
    for text in sentences:
        try:
            made = embedder.embed(text)
        except TooLong as refusal:
            total = embedder.count_tokens(text)
            yield Likeness(text, total, None, None, f"refused: {refusal.message.partition(':')[0]}")
            continue
        same = reference.embed_tokens(made.tokens)
        yield Likeness(
            text,
            made.tokens.total,
            made.tokens.padded_share(embedder.longest),
            cosine(made.vector, same.vector),
            f"truncated to {embedder.longest}" if made.tokens.truncated else "compared",
        )


def reference_runner(model: Path) -> Run:
    """ONNX Runtime on `model` as it is. Raises EvaluationError where it cannot be loaded."""
    from rkgraph.analysis.evaluator import Evaluator

    evaluator = Evaluator(model)
    return evaluator.run


def lowest(rows: Sequence[Likeness]) -> float | None:
    """The lowest cosine; NaN if any is none, None where nothing was compared."""
    found = [row.cosine for row in rows if row.cosine is not None]
    return math.nan if any(map(math.isnan, found)) else min(found, default=None)


def _hidden(outputs: Mapping[str, npt.NDArray[Any]], sequence: int) -> Vectors:
    name = "last_hidden_state" if "last_hidden_state" in outputs else next(iter(outputs), "")
    hidden = np.asarray(outputs.get(name))
    if hidden.ndim != 3 or hidden.shape[:2] != (1, sequence):
        raise UsageError(
            f"the encoder's output {name!r} has shape {hidden.shape}, not (1, {sequence}, hidden)",
            "give an encoder that outputs last_hidden_state",
        )
    return hidden
