"""From sentences to vectors, and how the comparison sees differences."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rkgraph.errors import UsageError
from rkgraph.export.folder import EmbedderFolder
from rkgraph.runtime import Pipeline
from rkgraph.tasks.sentence_embedding import (
    Likeness,
    Run,
    SentenceEmbedder,
    compare_sentences,
    lowest,
    pipeline_runner,
    reference_runner,
)
from rkgraph.tasks.tokenizing import TooLong
from tests.builders import saved, text_model
from tests.tasks.tokenizers_of import write_embedder

LONG = " ".join(["world"] * 40)
LENGTH = 16
TABLE = np.random.default_rng(3).normal(size=(64, 6)).astype(np.float32)

Feeds = Mapping[str, npt.NDArray[Any]]


def encoder(cases: Sequence[Feeds]) -> list[dict[str, npt.NDArray[Any]]]:
    """Looks vectors up; padded positions get garbage, as from a real encoder."""
    hidden = [TABLE[feeds["input_ids"]] + 50 * (1 - feeds["attention_mask"][:, :, None]) for feeds in cases]
    return [{"last_hidden_state": each.astype(np.float32)} for each in hidden]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> EmbedderFolder:
    return write_embedder(tmp_path_factory.mktemp("embedder"))


def compared(folder: EmbedderFolder, texts: list[str], run: Run = encoder, **options: Any) -> list[Likeness]:
    embedder = SentenceEmbedder(folder, run, LENGTH, **options)
    return list(compare_sentences(texts, embedder, SentenceEmbedder(folder, encoder)))


def test_a_vector_is_the_normalised_mean_of_its_tokens(folder: EmbedderFolder) -> None:
    (made,) = SentenceEmbedder(folder, encoder, LENGTH).embed(["hello world"])
    mean = TABLE[[2, 31, 32, 3]].mean(axis=0)
    assert made.vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_without_a_normalising_module_the_length_stays(tmp_path: Path) -> None:
    (made,) = SentenceEmbedder(write_embedder(tmp_path, normalize=False), encoder).embed(["hello"])
    assert made.vector == pytest.approx(TABLE[[2, 31, 3]].mean(axis=0), abs=1e-6)


def test_padding_does_not_move_the_embedding(folder: EmbedderFolder) -> None:
    short, long = compared(folder, ["hello", " ".join(["world"] * 14)])
    assert short.cosine == pytest.approx(1, abs=1e-6)
    assert short.padded == (LENGTH - 3) / LENGTH
    assert (long.padded, long.tokens, long.outcome) == (0, 16, "compared")


def test_long_sentences_are_refused_unless_truncation_was_asked_for(folder: EmbedderFolder) -> None:
    (refused,) = compared(folder, [LONG])
    assert refused == Likeness(LONG, 42, None, None, "refused: 42 tokens, the model takes 16")
    (cut,) = compared(folder, [LONG], too_long="truncate")
    assert (cut.outcome, cut.tokens, cut.padded) == ("truncated to 16", 42, 0)
    assert cut.cosine == pytest.approx(1, abs=1e-6)
    with pytest.raises(TooLong):
        SentenceEmbedder(folder, encoder, LENGTH).embed([LONG])


def test_all_sentences_go_through_in_one_batch_and_come_back_in_order(folder: EmbedderFolder) -> None:
    sizes: list[int] = []

    def counting(cases: Sequence[Feeds]) -> list[dict[str, npt.NDArray[Any]]]:
        sizes.append(len(cases))
        return encoder(cases)

    texts = ["hello", LONG, "world .", ""]
    rows = compared(folder, texts, counting)
    assert [row.text for row in rows] == texts
    assert [row.tokens for row in rows] == [3, 42, 4, 2]
    assert [row.cosine is None for row in rows] == [False, True, False, False]
    assert sizes == [3]


def test_a_wrong_encoder_is_seen(folder: EmbedderFolder) -> None:
    """The negative control: another table."""

    def other(cases: Sequence[Feeds]) -> list[dict[str, npt.NDArray[Any]]]:
        return [{"last_hidden_state": each["last_hidden_state"][:, :, ::-1]} for each in encoder(cases)]

    (row,) = compared(folder, ["hello world"], other)
    assert row.cosine is not None
    assert row.cosine < 0.9
    assert not row.reaches(0.999)


@pytest.mark.parametrize(("value", "reached"), [(0.999, True), (0.9989, False), (math.nan, False), (None, True)])
def test_the_bar(value: float | None, reached: bool) -> None:
    assert Likeness("x", 1, 0.0, value, "compared").reaches(0.999) is reached


def test_not_a_number_is_the_lowest_of_all() -> None:
    rows = [Likeness("x", 1, 0.0, value, "compared") for value in (0.5, None, 0.7)]
    assert lowest(rows) == 0.5
    assert lowest(rows[1:2]) is None
    assert math.isnan(lowest([*rows, Likeness("x", 1, 0.0, math.nan, "compared")]) or 0)


@pytest.mark.parametrize(
    "outputs",
    [{}, {"y": np.zeros((1, 384))}, {"y": np.zeros((1, 5, 6))}, {"y": np.zeros((2, LENGTH, 6))}],
)
def test_outputs_that_are_no_token_vectors(folder: EmbedderFolder, outputs: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="the encoder's output"):
        SentenceEmbedder(folder, lambda cases: [outputs] * len(cases), LENGTH).embed(["hello"])


def test_the_demos_sentences_are_what_they_should_be() -> None:
    sentences = json.loads(files("rkgraph.cli").joinpath("demo_sentences.json").read_text(encoding="utf-8"))
    assert len(sentences) == len(set(sentences)) >= 25
    assert "" in sentences
    assert sum(len(text.split()) > 180 for text in sentences) >= 2, "some have more than 256 tokens"
    assert sum(not text.isascii() for text in sentences) >= 8


def test_an_encoder_without_segments_gets_none(folder: EmbedderFolder, tmp_path: Path) -> None:
    """DistilBERT and RoBERTa have no token_type_ids; the ONNX Runtime reference and a pipeline agree on them."""
    text = """g (int64[1, 8] input_ids, int64[1, 8] attention_mask) => (float[1, 8, 2] last_hidden_state)
    <int64[1] end = {2}, int64[1] two = {2}> {
        both = Add(input_ids, attention_mask) wide = Unsqueeze(both, end)
        float_ids = Cast<to = 1>(wide) square = Mul(float_ids, float_ids)
        last_hidden_state = Concat<axis = 2>(float_ids, square)
    }"""
    model = saved(text_model(text), tmp_path)
    with Pipeline(model, "cpu") as pipeline:
        (made,) = SentenceEmbedder(folder, pipeline_runner(pipeline), 8).embed(["hello world"])
    (wanted,) = SentenceEmbedder(folder, reference_runner(model), 8).embed(["hello world"])
    np.testing.assert_allclose(made.vector, wanted.vector, rtol=1e-6)
    assert made.vector.shape == (2,)
