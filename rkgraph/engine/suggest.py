"""Fixed shapes to suggest for dynamic inputs, from the tokenizer and configuration files beside a model.

These files come from anywhere: they are read with limits, and a value counts only if it is a sane size. What is found
is a suggestion to paste, never applied by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from rkgraph.graph.view import ModelView, Value
from rkgraph.records import Record

__all__ = ["dynamic_inputs", "suggested_shapes"]

MAX_BYTES = 4 << 20
LONGEST_SEQUENCE = 8192
LARGEST_IMAGE = 8192

_BATCH = re.compile(r"batch|^n$|^b$", re.IGNORECASE)
_SEQUENCE = re.compile(r"seq|len|token", re.IGNORECASE)
_HEIGHT = re.compile(r"height|^h$", re.IGNORECASE)
_WIDTH = re.compile(r"width|^w$", re.IGNORECASE)
_CHANNEL = re.compile(r"channel|^c$", re.IGNORECASE)
_TOKEN_INPUT = re.compile(r"ids|mask|token|position", re.IGNORECASE)


def dynamic_inputs(model: ModelView) -> tuple[Value, ...]:
    """The inputs whose rank or dimensions are not all known."""
    values = (model.main.value(name) for name in model.main.inputs)
    return tuple(value for value in values if not value.is_static)


def suggested_shapes(model: ModelView, path: Path) -> dict[str, tuple[int, ...]]:
    """Input → whole shape, for each dynamic input all of whose dimensions can be told.

    A batch is 1; the length of a sequence comes from sentence_bert_config.json (max_seq_length), tokenizer_config.json
    (model_max_length) or config.json (max_position_embeddings), and an image's size from preprocessor_config.json.
    """
    sizes = _Sizes(path.absolute().parent)
    suggestions: dict[str, tuple[int, ...]] = {}
    for value in dynamic_inputs(model):
        shape = tuple(_size(value, axis, sizes) for axis in range(len(value.shape or ())))
        if shape and None not in shape:
            suggestions[value.name] = tuple(size for size in shape if size is not None)
    return suggestions


def _size(value: Value, axis: int, sizes: _Sizes) -> int | None:
    shape = value.shape or ()
    given = shape[axis]
    if isinstance(given, int):
        return given
    name = given or ""
    if len(shape) == 4 and axis > 0:
        return _size_of_image(name, axis, sizes)
    if _SEQUENCE.search(name) and not _BATCH.search(name):
        return sizes.sequence
    if _BATCH.search(name) or axis == 0:
        return 1
    is_tokens = len(shape) == 2 and value.dtype in ("int32", "int64") and _TOKEN_INPUT.search(value.name)
    return sizes.sequence if is_tokens else None


def _size_of_image(name: str, axis: int, sizes: _Sizes) -> int | None:
    """By the name of the dimension; nameless ones as in NCHW."""
    if _CHANNEL.search(name) or (not name and axis == 1):
        return 3
    if sizes.image is None:
        return None
    if _HEIGHT.search(name) or (not name and axis == 2):
        return sizes.image[0]
    return sizes.image[1] if _WIDTH.search(name) or not name else None


class _Sizes(Record):
    """Sizes that files in `folder` (or above it, where it is the `onnx` folder of a model) tell."""

    folder: Path

    @cached_property
    def sequence(self) -> int | None:
        """Tokens in a sequence, no more than there are position embeddings."""
        told = (
            self._read("sentence_bert_config.json").get("max_seq_length"),
            self._read("tokenizer_config.json").get("model_max_length"),
        )
        positions = _sane(self._read("config.json").get("max_position_embeddings"), LONGEST_SEQUENCE)
        lengths = [size for size in (_sane(value, LONGEST_SEQUENCE) for value in told) if size is not None]
        if not lengths:
            return positions
        return min(lengths[0], positions) if positions else lengths[0]

    @cached_property
    def image(self) -> tuple[int, int] | None:
        """Height and width in pixels, as the preprocessor makes them."""
        config = self._read("preprocessor_config.json")
        size = config.get("crop_size") if config.get("do_center_crop") and "crop_size" in config else config.get("size")
        if not isinstance(size, dict):
            size = {"height": size, "width": size}
        edge = size.get("shortest_edge")
        height, width = (_sane(size.get(side, edge), LARGEST_IMAGE) for side in ("height", "width"))
        return (height, width) if height and width else None

    def _read(self, name: str) -> Mapping[str, Any]:
        import json

        for path in self._places(name):
            try:
                if path.is_file() and path.stat().st_size <= MAX_BYTES:
                    content = json.loads(path.read_bytes())
                    return content if isinstance(content, dict) else {}
            except (OSError, ValueError, RecursionError):
                return {}  # a suggestion less: the file is none of ours, and lint is about the model
        return {}

    def _places(self, name: str) -> Iterator[Path]:
        yield self.folder / name
        if self.folder.name == "onnx":
            yield self.folder.parent / name


def _sane(value: object, most: int) -> int | None:
    """The value if it is a whole number from 1 to `most` (an unset model_max_length is 1e30)."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= most else None
