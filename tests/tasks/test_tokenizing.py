"""Fixed lengths, padding, and texts that are too long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.errors import UsageError
from rkgraph.tasks import tokenizing
from rkgraph.tasks.tokenizing import Tokenizer, Tokens, TooLong
from tests.tasks.tokenizers_of import write_embedder

LONG = " ".join(["hello"] * 30)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(write_embedder(tmp_path_factory.mktemp("embedder")))


def test_the_files_own_padding_and_truncation_do_not_count(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokens("hello world", 24).ids == (2, 31, 32, 3)
    assert len(tokenizer.tokens(LONG, 32).ids) == 32


def test_an_empty_text_has_its_special_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokens("", 24).ids == (2, 3)


def test_the_limit_has_two_sides(tokenizer: Tokenizer) -> None:
    words = " ".join(["hello"] * 22)
    assert len(tokenizer.tokens(words, 24).ids) == 24
    with pytest.raises(TooLong, match="24 tokens, the model takes 23"):
        tokenizer.tokens(words, 23)


def test_truncation_is_only_for_those_who_ask_and_is_told(tokenizer: Tokenizer) -> None:
    cut = tokenizer.tokens(LONG, 24, "truncate")
    assert (len(cut.ids), cut.total, cut.truncated) == (24, 32, True)
    assert cut.ids[-1] == 3, "the last token is still [SEP]"
    whole = tokenizer.tokens("hello", 24, "truncate")
    assert (whole.total, whole.truncated) == (3, False)
    with pytest.raises(TooLong):
        tokenizer.tokens(LONG, 24)  # a truncated text before it changes nothing


def test_padding_is_masked_and_counted() -> None:
    tokens = Tokens((2, 31, 3), (0, 0, 0), 3, pad=7)
    feeds = tokens.feeds(8)
    assert feeds["input_ids"].tolist() == [[2, 31, 3, 7, 7, 7, 7, 7]]
    assert feeds["attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0, 0, 0]]
    assert feeds["token_type_ids"].tolist() == [[0] * 8]
    assert {feed.dtype for feed in feeds.values()} == {np.dtype("int64")}
    assert tokens.padded_share(8) == 5 / 8
    assert tokens.feeds()["input_ids"].shape == (1, 3)
    assert tokens.padded_share(3) == 0
    with pytest.raises(ValueError, match="3 tokens do not fit into 2"):
        tokens.feeds(2)


def test_texts_beyond_all_measure_are_refused(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizing, "_MAX_TEXT", 10)
    assert tokenizer.tokens("a" * 10, 24).total == 3  # one unknown word
    with pytest.raises(UsageError, match="11 characters"):
        tokenizer.tokens("a" * 11, 24, "truncate")


def test_lower_case_where_the_folder_asks_for_it(tmp_path: Path) -> None:
    from dataclasses import replace

    folder = write_embedder(tmp_path)
    upper = Tokenizer(replace(folder, lower_case=True)).tokens("HELLO", 24)
    assert upper.ids == (2, 31, 3)


def test_a_missing_and_a_broken_tokenizer(tmp_path: Path) -> None:
    folder = write_embedder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match=r"tokenizer\.json: not a tokenizer"):
        Tokenizer(folder)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"tokenizer\.json: is missing"):
        Tokenizer(folder)
