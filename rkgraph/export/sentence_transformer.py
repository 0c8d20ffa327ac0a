"""A local sentence-transformers folder → the ONNX model of its encoder, checked against torch.

The model takes input_ids, attention_mask and (where the encoder does) token_type_ids, int64 of shape
[batch, sequence], and gives last_hidden_state, float32 of shape [batch, sequence, hidden]. Pooling and
normalisation stay outside: `rkgraph.tasks.sentence_embedding` does them in NumPy.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rkgraph.errors import UsageError
from rkgraph.export.folder import EmbedderFolder, read_embedder
from rkgraph.export.process import ExportFailed, run_worker
from rkgraph.files import write_bytes

__all__ = ["TOLERANCE", "Exported", "export"]

TOLERANCE = 1e-3
"""Largest absolute difference allowed between torch and ONNX Runtime, both float32, in last_hidden_state."""

LEGACY_OPSET = 17  # the newest opset that every rknn-toolkit2 2.x reads well and the legacy exporter writes
_SIZE_LIMIT = 1_900_000_000  # bytes of weights; protobuf ends at 2 GiB
_OUTPUT = "last_hidden_state"
_SETTINGS = ("config.json", "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json")
_TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model"),
)


@dataclass(frozen=True)
class Exported:
    """What came out: the model, its opset, and how far it is from torch.

    Attributes:
        path: the .onnx file.
        files: what was copied beside it (tokenizer, configuration, pooling), relative to its folder.
        inputs: names, in order.
        opset: of the standard domain, as written (torch's dynamo exporter may not write the one that was asked for).
        cases: batches that were compared.
        largest_error: largest absolute difference of last_hidden_state over all cases.
        versions: of torch and transformers.
    """

    path: Path
    files: tuple[str, ...]
    inputs: tuple[str, ...]
    opset: int
    cases: int
    largest_error: float
    versions: Mapping[str, str]


def export(
    source: Path,
    output: Path,
    *,
    max_seq_length: int | None = None,
    dynamic: bool = True,
    opset: int | None = None,
    exporter: str = "legacy",
    attention: str = "eager",
    python: Path | None = None,
    torch_folder: Path | None = None,
    on_progress: Callable[[str], None] = lambda _text: None,
) -> Exported:
    """Export the encoder in folder `source` to `output`, whole or not at all.

    Args:
        source: a sentence-transformers folder with its weights in safetensors.
        output: the .onnx file; tokenizer and configuration are put beside it.
        max_seq_length: longest sequence in tokens; the static length. Default: what the folder says.
        dynamic: batch and sequence stay symbolic; otherwise the shape is 1 x max_seq_length.
        opset: to write; default 17 from the legacy exporter, and what dynamo likes best from dynamo.
        exporter: "legacy" (torch.jit.trace) or "dynamo" (torch.export).
        attention: transformers' implementation, "eager" or "sdpa"; eager leaves the smaller mask arithmetic.
        python: the interpreter that has torch and transformers; default this one.
        torch_folder: put behind everything else on that interpreter's path, for one that has no torch of its own.
        on_progress: called with the text of each step.

    Raises:
        UsageError: wrong folder, length, output; torch or transformers missing.
        ExportFailed: the exporter failed, or a value differs from torch by `TOLERANCE` or more.
    """
    embedder = read_embedder(source)
    length = _checked_length(embedder, max_seq_length)
    _check_weights(embedder)
    beside = _files_beside(embedder, length)
    _check_in_the_way(output, beside)
    with tempfile.TemporaryDirectory(prefix=".rkgraph-export-", dir=_folder_of(output)) as name:
        folder = Path(name).absolute()  # the worker has a folder of its own
        request = {
            "transformer": str(embedder.transformer.resolve()),
            "output": str(folder / "model.onnx"),
            "references": str(folder / "references.npz"),
            "exporter": exporter,
            "opset": opset or (LEGACY_OPSET if exporter == "legacy" else None),
            "dynamic": dynamic,
            "length": length,
            "longest": embedder.max_positions or length,
            "attention": attention,
            "cases": _cases(length, dynamic),
            "torch_folder": str(torch_folder) if torch_folder else None,
        }
        found = run_worker(request, folder, python, on_progress)
        on_progress("comparing with torch")
        cases, error = _compare(folder / "model.onnx", folder / "references.npz")
        written = _opset_of(folder / "model.onnx")
        for file, content in beside.items():
            (output.parent / file).parent.mkdir(parents=True, exist_ok=True)
            if not (output.parent / file).exists():
                write_bytes(output.parent / file, content)
        (folder / "model.onnx").replace(output)
    versions = {name: found[name] for name in ("torch", "transformers")}
    return Exported(output, tuple(beside), tuple(found["inputs"]), written, cases, error, versions)


def _checked_length(embedder: EmbedderFolder, asked: int | None) -> int:
    length = asked or embedder.max_seq_length
    longest = embedder.max_positions
    if length < 2:
        raise UsageError(
            f"--max-seq-length {length}: a sequence has at least 2 tokens, [CLS] and [SEP]", "give e.g. 256"
        )
    if longest is not None and length > longest:
        raise UsageError(
            f"--max-seq-length {length}: the model has positions for {longest} tokens only",
            f"give at most {longest}; the folder says {embedder.max_seq_length}",
        )
    return length


def _check_weights(embedder: EmbedderFolder) -> None:
    files = list(embedder.transformer.glob("*.safetensors"))
    if not files:
        raise UsageError(
            f"{embedder.transformer}: no weights in safetensors",
            "save the model with safe_serialization=True; pickled weights are not loaded, they can run code",
        )
    size = sum(file.stat().st_size for file in files)
    if size > _SIZE_LIMIT:
        raise UsageError(
            f"{embedder.transformer}: {size / 1e9:.1f} GB of weights do not fit into one .onnx file",
            "choose a smaller model",
        )


def _files_beside(embedder: EmbedderFolder, length: int) -> dict[str, bytes]:
    """What makes the exported model an embedder: contents by path beside the model; the transformer's files move up."""
    modules = json.loads((embedder.path / "modules.json").read_text(encoding="utf-8"))
    files = {
        name: file.read_bytes()
        for name in (*_SETTINGS, *_TOKENIZER)
        if (file := embedder.transformer / name).is_file() or (file := embedder.path / name).is_file()
    }
    pooling = f"{modules[1]['path']}/config.json"
    files[pooling] = (embedder.path / pooling).read_bytes()
    modules[0]["path"] = ""
    files["modules.json"] = _json(modules)
    sentence = json.loads(files.get("sentence_bert_config.json", b"{}"))
    files["sentence_bert_config.json"] = _json({**sentence, "max_seq_length": length})
    return files


def _check_in_the_way(output: Path, beside: Mapping[str, bytes]) -> None:
    if output.suffix != ".onnx":
        raise UsageError(f"{output}: the name of a model ends in .onnx", f"-o {output}.onnx")
    if output.is_dir():
        raise UsageError(f"{output}: is a folder", f"-o {output / 'model.onnx'}")
    for name, content in beside.items():
        file = output.parent / name
        if file.exists() and (not file.is_file() or file.read_bytes() != content):
            raise UsageError(
                f"{file}: is in the way, another {name} is to be written there",
                "give -o a folder of its own, e.g. -o embedder/model.onnx",
            )


def _folder_of(output: Path) -> Path:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{output.parent}: cannot be made ({error.strerror})", "give another -o") from error
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"{output.parent}: cannot be written", "give another -o")
    return output.parent


def _cases(length: int, dynamic: bool) -> list[list[int]]:
    """Batches to compare, each the numbers of tokens of its rows; shorter rows are padded."""
    if not dynamic:
        return [[length], [max(1, length // 2)], [1]]
    return [[2], [length], [min(7, length), 2], [max(2, length // 3), 1, 2], [length, max(2, length // 2)]]


def _compare(model: Path, references: Path) -> tuple[int, float]:
    """(number of cases, largest absolute difference). Raises ExportFailed at `TOLERANCE` or more, or not a number."""
    from rkgraph.analysis.evaluator import Evaluator

    evaluator = Evaluator(model)
    cases = _by_case(references)
    largest = 0.0
    for case in cases:
        expected = case.pop(_OUTPUT)
        got = evaluator.run(case)[_OUTPUT]
        error = float(np.max(np.abs(got - expected))) if got.shape == expected.shape else float("inf")
        if not error < TOLERANCE:
            rows, width = case["input_ids"].shape
            raise ExportFailed(
                f"the exported model differs from torch by {error:.3g} for a batch of {rows} x {width} tokens"
                f" (allowed: less than {TOLERANCE})",
                "try the other --exporter, or --attention",
            )
        largest = max(largest, error)
    return len(cases), largest


def _by_case(references: Path) -> list[dict[str, npt.NDArray[Any]]]:
    cases: dict[str, dict[str, npt.NDArray[Any]]] = {}
    with np.load(references, allow_pickle=False) as arrays:
        for key in arrays.files:
            case, _, name = key.partition("/")
            cases.setdefault(case, {})[name] = arrays[key]
    return list(cases.values())


def _opset_of(model: Path) -> int:
    import onnx

    proto = onnx.load(model, load_external_data=False)
    return next(int(entry.version) for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))


def _json(data: object) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
