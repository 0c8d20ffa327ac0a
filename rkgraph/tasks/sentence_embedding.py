"""Sentence embeddings from a compiled encoder, and how they compare with the model that it was made from.

embedder = SentenceEmbedder(read_embedder(folder), pipeline_runner(pipeline), length=256)
(embedding,) = embedder.embed(["A sentence."])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rkgraph.errors import UsageError
from rkgraph.export.folder import EmbedderFolder
from rkgraph.tasks.pooling import Vectors, cosine, normalise, pool
from rkgraph.tasks.tokenizing import Tokenizer, Tokens, TooLong, TooLongPolicy

__all__ = [
    "Embedding",
    "Likeness",
    "Run",
    "SentenceEmbedder",
    "compare_sentences",
    "lowest",
    "pipeline_runner",
    "reference_runner",
]

if TYPE_CHECKING:
    from rkgraph.runtime import Pipeline

Array = npt.NDArray[Any]
Run = Callable[[Sequence[Mapping[str, Array]]], Sequence[Mapping[str, Array]]]
"""What computes the encoder: for each case, arrays by input name in, arrays by output name out."""


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
        run: computes the encoder for many cases at once.
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

    def tokens(self, text: str) -> Tokens:
        """The tokens of a text. Raises TooLong where it has too many and truncation was not asked for."""
        return self._tokenizer.tokens(text, self.longest, self._too_long)

    def embed(self, texts: Iterable[str]) -> list[Embedding]:
        """The embeddings of texts, in order.

        Raises:
            TooLong: one has more tokens than the encoder takes, and truncation was not asked for.
            UsageError: the encoder gives no output of shape [1, sequence, hidden].
        """
        return self.embed_tokens([self.tokens(text) for text in texts])

    def embed_tokens(self, tokenized: Sequence[Tokens]) -> list[Embedding]:
        """The embeddings of texts that are tokenized already. Raises UsageError as `embed` does."""
        cases = [tokens.feeds(self._length) for tokens in tokenized]
        outputs = self._run(cases) if cases else []
        return [
            Embedding(self._vector(case["attention_mask"], output), tokens)
            for tokens, case, output in zip(tokenized, cases, outputs, strict=True)
        ]

    def _vector(self, mask: Array, outputs: Mapping[str, Array]) -> Vectors:
        pooled = pool(_hidden(outputs, mask.shape[1]), mask, self._folder.poolings)
        vector: Vectors = (normalise(pooled) if self._folder.normalize else pooled)[0]
        return vector


def compare_sentences(
    sentences: Iterable[str], embedder: SentenceEmbedder, reference: SentenceEmbedder
) -> list[Likeness]:
    """Each sentence through both, in order; the reference gets the very tokens of the embedder, without its padding."""
    tokenized = [(text, _tokens_or_refusal(text, embedder)) for text in sentences]
    accepted = [tokens for _, tokens in tokenized if isinstance(tokens, Tokens)]
    pairs = zip(embedder.embed_tokens(accepted), reference.embed_tokens(accepted), strict=True)
    return [
        _likeness(text, *next(pairs), embedder.longest)
        if isinstance(tokens, Tokens)
        else Likeness(text, tokens.total, None, None, f"refused: {tokens.message.partition(':')[0]}")
        for text, tokens in tokenized
    ]


def reference_runner(model: Path) -> Run:
    """ONNX Runtime on `model` as it is. Raises EvaluationError where it cannot be loaded."""
    from rkgraph.analysis.evaluator import Evaluator

    evaluator = Evaluator(model)
    return lambda cases: [evaluator.run(case) for case in cases]


def pipeline_runner(pipeline: Pipeline) -> Run:
    """A compiled encoder; of ids, mask and segments it gets those that are its inputs."""
    names = [tensor.name for tensor in pipeline.inputs]

    def run(cases: Sequence[Mapping[str, Array]]) -> list[Mapping[str, Array]]:
        return [done.outputs for done in pipeline.run_many([{name: case[name] for name in names} for case in cases])]

    return run


def lowest(rows: Sequence[Likeness]) -> float | None:
    """The lowest cosine; NaN if any is none, None where nothing was compared."""
    found = [row.cosine for row in rows if row.cosine is not None]
    return math.nan if any(map(math.isnan, found)) else min(found, default=None)


def _tokens_or_refusal(text: str, embedder: SentenceEmbedder) -> Tokens | TooLong:
    try:
        return embedder.tokens(text)
    except TooLong as refusal:
        return refusal


def _likeness(text: str, made: Embedding, wanted: Embedding, length: int) -> Likeness:
    return Likeness(
        text,
        made.tokens.total,
        made.tokens.padded_share(length),
        cosine(made.vector, wanted.vector),
        f"truncated to {length}" if made.tokens.truncated else "compared",
    )


def _hidden(outputs: Mapping[str, Array], sequence: int) -> Vectors:
    name = "last_hidden_state" if "last_hidden_state" in outputs else next(iter(outputs), "")
    hidden = np.asarray(outputs.get(name))
    if hidden.ndim != 3 or hidden.shape[:2] != (1, sequence):
        raise UsageError(
            f"the encoder's output {name!r} has shape {hidden.shape}, not (1, {sequence}, hidden)",
            "give an encoder that outputs last_hidden_state",
        )
    return hidden
