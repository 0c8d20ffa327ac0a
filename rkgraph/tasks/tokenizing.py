"""Text → token ids of a fixed length, with padding; what is too long is refused or truncated, as the user says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rkgraph.errors import UsageError
from rkgraph.export.folder import EmbedderFolder

__all__ = ["Tokenizer", "Tokens", "TooLong", "TooLongPolicy"]

TooLongPolicy = Literal["refuse", "truncate"]
_MAX_TEXT = 1 << 20


class TooLong(UsageError):
    """A text has more tokens (`total`) than the model takes, and the user did not ask for truncation."""

    def __init__(self, total: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.total = total


@dataclass(frozen=True)
class Tokens:
    """One text as token ids, special tokens included and without padding.

    Attributes:
        ids, types: token ids and segment ids, of one length.
        total: tokens that the whole text has; more than `len(ids)` where it was truncated.
        pad: the id to pad with.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    total: int
    pad: int

    @property
    def truncated(self) -> bool:
        """True where the end of the text is missing."""
        return self.total > len(self.ids)

    def padded_share(self, length: int) -> float:
        """Which part of `length` positions is padding, 0 to 1."""
        return 1 - len(self.ids) / length

    def feeds(self, length: int | None = None) -> dict[str, npt.NDArray[np.int64]]:
        """input_ids, attention_mask and token_type_ids, int64 of shape [1, length]; unpadded for None."""
        short = (length or len(self.ids)) - len(self.ids)
        if short < 0:
            raise ValueError(f"{len(self.ids)} tokens do not fit into {length} positions")
        rows = {
            "input_ids": (*self.ids, *(self.pad,) * short),
            "attention_mask": (1,) * len(self.ids) + (0,) * short,
            "token_type_ids": (*self.types, *(0,) * short),
        }
        return {name: np.array([row], dtype=np.int64) for name, row in rows.items()}


class Tokenizer:
    """The tokenizer beside a model.

    Raises:
        UsageError: the package `tokenizers` is missing, or the folder has no tokenizer.json that it can read.
    """

    def __init__(self, folder: EmbedderFolder) -> None:
        self._lower = folder.lower_case
        self._tokenizer = _load(folder)
        self._pad = int(folder.config.get("pad_token_id") or 0)

    def tokens(self, text: str, longest: int, too_long: TooLongPolicy = "refuse") -> Tokens:
        """The tokens of `text`, at most `longest`.

        Raises:
            TooLong: it has more, and `too_long` is "refuse".
            UsageError: it is longer than any text.
        """
        if len(text) > _MAX_TEXT:
            raise UsageError(f"a text of {len(text):,} characters", f"at most {_MAX_TEXT:,} are tokenized")
        wanted = text.lower() if self._lower else text
        self._tokenizer.no_truncation()
        encoded = self._tokenizer.encode(wanted)
        total = len(encoded.ids)
        if total > longest:
            if too_long == "refuse":
                raise TooLong(
                    total,
                    f"{total} tokens, the model takes {longest}: {text[:60]!r}…",
                    "split the text, compile for a longer --shape, or ask for truncation",
                )
            self._tokenizer.enable_truncation(longest)
            encoded = self._tokenizer.encode(wanted)
        return Tokens(tuple(encoded.ids), tuple(encoded.type_ids), total, self._pad)


def _load(folder: EmbedderFolder) -> Any:
    try:
        from tokenizers import Tokenizer as Library
    except ImportError as error:
        raise UsageError("text needs the package tokenizers", "pip install 'tokenizers>=0.19'") from error
    file = folder.transformer / "tokenizer.json"
    if not file.is_file():
        raise UsageError(f"{file}: is missing", "export the model again, its tokenizer is copied beside it")
    try:
        library = Library.from_file(str(file))
    # The library raises bare Exception for whatever its parser meets.
    except Exception as error:
        raise UsageError(f"{file}: not a tokenizer ({error})", "export the model again") from error
    library.no_padding()  # the file may ask for padding to a length of its own
    return library
