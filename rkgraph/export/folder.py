"""What a sentence-transformers folder says of itself, read without torch and without trusting it.

Format: `modules.json` lists the modules in order (Transformer, Pooling, Normalize), each with its sub-folder;
`sentence_bert_config.json` beside the transformer's `config.json` has the longest sequence in tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rkgraph.errors import UsageError

__all__ = ["POOLINGS", "EmbedderFolder", "read_embedder"]

POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean-sqrt-len",
}
"""Pooling modes that rkgraph computes: key of the pooling module's configuration → name."""

COUNT_FROM_PADDING = frozenset({
    "camembert", "data2vec-text", "longformer", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta",
    "xlm-roberta-xl", "xmod",
})  # fmt: skip
"""Values of `model_type` whose positions begin behind the padding's id, so that the rows up to it are no positions
(transformers, `create_position_ids_from_input_ids`)."""

_KNOWN = ("Transformer", "Pooling", "Normalize")
_MAX_JSON = 4 << 20
_ANEW = "save the model again: SentenceTransformer(NAME).save(FOLDER)"
_NO_LIMIT = 1 << 20  # tokenizers write 1e30 where they know no limit


@dataclass(frozen=True)
class EmbedderFolder:
    """A sentence embedder.

    Attributes:
        path: the folder with modules.json.
        transformer: the folder with the encoder's config.json and the tokenizer.
        poolings: modes whose results are concatenated, in the order of sentence-transformers.
        normalize: whether the embedding is divided by its L2 norm.
        lower_case: whether text is lower-cased before it is tokenized.
        max_seq_length: longest sequence in tokens, [CLS] and [SEP] included.
        max_positions: positions of the encoder, None where the configuration names none.
        config: the encoder's config.json.
    """

    path: Path
    transformer: Path
    poolings: tuple[str, ...]
    normalize: bool
    lower_case: bool
    max_seq_length: int
    max_positions: int | None
    config: Mapping[str, Any]


def read_embedder(path: Path) -> EmbedderFolder:
    """Read the folder.

    Raises:
        UsageError: not such a folder, a module that rkgraph does not compute, or paths that leave the folder.
    """
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder", "give a local sentence-transformers folder; nothing is downloaded")
    if not (path / "modules.json").is_file():
        raise UsageError(
            f"{path}: not a sentence-transformers folder, modules.json is missing",
            "save one with SentenceTransformer(NAME).save(FOLDER)",
        )
    modules = _modules(path)
    kinds = [kind for kind, _ in modules]
    unknown = next((kind for kind in kinds if kind not in _KNOWN), None)
    if unknown:
        raise UsageError(f"{path}: its module {unknown} is not supported", f"supported are {', '.join(_KNOWN)}")
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise UsageError(
            f"{path}: modules are {', '.join(kinds) or 'none'}", "expected Transformer, Pooling, Normalize"
        )
    transformer = modules[0][1]
    config = _read_object(transformer / "config.json")
    sentence = _read_object(transformer / "sentence_bert_config.json", missing_ok=True)
    tokenizer = _read_object(transformer / "tokenizer_config.json", missing_ok=True)
    positions = _positions(config)
    lengths = (sentence.get("max_seq_length"), tokenizer.get("model_max_length"), positions)
    return EmbedderFolder(
        path=path,
        transformer=transformer,
        poolings=_poolings(modules[1][1] / "config.json"),
        normalize="Normalize" in kinds,
        lower_case=sentence.get("do_lower_case") is True,
        max_seq_length=next((n for n in map(_length, lengths) if n), 512),
        max_positions=positions,
        config=config,
    )


def _modules(path: Path) -> list[tuple[str, Path]]:
    """(class name, folder) of each module, in order."""
    file = path / "modules.json"
    entries = _read(file)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{file}: not a list of modules", _ANEW)
    return [
        (str(entry.get("type", "?")).rpartition(".")[2], _inside(path, str(entry.get("path", "")))) for entry in entries
    ]


def _inside(root: Path, name: str) -> Path:
    """The sub-folder `name` of `root`. Raises UsageError for a path that leaves it."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise UsageError(f"{root / 'modules.json'}: the path {name!r} leaves the folder", _ANEW)
    return root / parts


def _poolings(file: Path) -> tuple[str, ...]:
    config = _read_object(file)
    asked = [key for key, value in config.items() if key.startswith("pooling_mode") and value is True]
    unknown = next((key for key in asked if key not in POOLINGS), None)
    if unknown or not asked:
        raise UsageError(
            f"{file}: {unknown + ' is not supported' if unknown else 'no pooling mode is on'}",
            f"supported are {', '.join(POOLINGS)}",
        )
    return tuple(name for key, name in POOLINGS.items() if key in asked)


def _positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens the position table is good for."""
    rows, padding = _length(config.get("max_position_embeddings")), config.get("pad_token_id")
    if rows is None or config.get("model_type") not in COUNT_FROM_PADDING:
        return rows
    return _length(rows - 1 - (padding if isinstance(padding, int) else 0))


def _length(value: object) -> int | None:
    return value if isinstance(value, int) and 0 < value < _NO_LIMIT else None


def _read_object(file: Path, missing_ok: bool = False) -> dict[str, Any]:
    if missing_ok and not file.exists():
        return {}
    found = _read(file)
    if not isinstance(found, dict):
        raise UsageError(f"{file}: not a JSON object", _ANEW)
    return found


def _read(file: Path) -> Any:
    try:
        if file.stat().st_size > _MAX_JSON:
            raise UsageError(f"{file}: larger than {_MAX_JSON >> 20} MB, no configuration", _ANEW)
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})", "the model folder is incomplete") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not JSON ({error})", _ANEW) from error
