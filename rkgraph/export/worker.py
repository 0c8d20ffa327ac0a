"""The exporting process: torch and transformers, and of rkgraph nothing.

    python worker.py REQUEST.json

Runs in any interpreter that has torch and transformers. Everything that libraries print, from Python and from C,
goes to the request's log file; one JSON object a line comes out of stdout: {"step": text}, and at the end
{"done": {…}} or {"error": {"kind": "missing" | "model" | "export", "message": …}}.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "last_hidden_state"
SEED = 20

Tell = Callable[[dict[str, Any]], None]


class Failure(Exception):
    """What stops the export, of a kind that the parent knows how to explain."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def main() -> int:
    """Run the request named on the command line; 0 when the model was exported."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    tell = _own_the_output(Path(request["log"]))
    # Set before the import of transformers: nothing may be fetched, and no code that a model brings may run.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    warnings.simplefilter("ignore")
    try:
        tell({"done": export(request, tell)})
    except Failure as failure:
        tell({"error": {"kind": failure.kind, "message": str(failure)}})
        return 1
    return 0


def export(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Load, export and write reference outputs; returns {"inputs", "torch", "transformers"}."""
    tell({"step": "importing torch and transformers"})
    torch, transformers = _libraries(request)
    tell({"step": "loading the weights"})
    model, names = _load(transformers, request)
    encoder = _encoder(torch, model, names)
    tell({"step": f"exporting with the {request['exporter']} exporter"})
    try:
        (_export_dynamo if request["exporter"] == "dynamo" else _export_legacy)(torch, encoder, names, request)
    except Exception as error:
        raise Failure("export", f"{type(error).__name__}: {_first_line(error)}") from error
    tell({"step": "computing reference outputs in torch"})
    _write_references(torch, encoder, names, model.config, request)
    return {"inputs": names, "torch": torch.__version__, "transformers": transformers.__version__}


def _libraries(request: dict[str, Any]) -> tuple[Any, Any]:
    if request["torch_folder"]:
        sys.path.append(request["torch_folder"])
    try:
        torch, transformers = (importlib.import_module(name) for name in ("torch", "transformers"))
        if request["exporter"] == "dynamo":
            importlib.import_module("onnxscript")
    except ImportError as error:
        raise Failure("missing", error.name or str(error)) from error
    return torch, transformers


def _load(transformers: Any, request: dict[str, Any]) -> tuple[Any, list[str]]:
    folder = request["transformer"]
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation=request["attention"],
        ).eval()
    except Exception as error:
        raise Failure("model", f"{type(error).__name__}: {_first_line(error)}") from error
    takes = inspect.signature(model.forward).parameters
    names = [name for name in NAMES if name in takes and name in tokenizer.model_input_names]
    if names[:2] != list(NAMES[:2]):
        raise Failure("model", f"{type(model).__name__} takes no {NAMES[0]} and {NAMES[1]}")
    return model, names


def _encoder(torch: Any, model: Any, names: list[str]) -> Any:
    class Encoder(torch.nn.Module):  # type: ignore[misc]
        """The model as a function of its tensors alone."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            return self.model(**dict(zip(names, tensors, strict=True))).last_hidden_state

    return Encoder().eval()


def _export_legacy(torch: Any, encoder: Any, names: list[str], request: dict[str, Any]) -> None:
    axes = {name: {0: "batch", 1: "sequence"} for name in [*names, OUTPUT]} if request["dynamic"] else None
    torch.onnx.export(
        encoder,
        _example(torch, names, 1, request["length"]),
        request["output"],
        input_names=names,
        output_names=[OUTPUT],
        opset_version=request["opset"],
        dynamic_axes=axes,
        dynamo=False,
    )


def _export_dynamo(torch: Any, encoder: Any, names: list[str], request: dict[str, Any]) -> None:
    shapes = None
    if request["dynamic"]:
        batch, sequence = torch.export.Dim("batch"), torch.export.Dim("sequence", max=request["longest"])
        shapes = (tuple({0: batch, 1: sequence} for _ in names),)  # one entry: forward(*tensors)
    # A dynamic dimension must not be 1 in the example: torch would take it for a constant.
    torch.onnx.export(
        encoder,
        _example(torch, names, 2 if request["dynamic"] else 1, request["length"]),
        request["output"],
        input_names=names,
        output_names=[OUTPUT],
        opset_version=request["opset"],
        dynamic_shapes=shapes,
        external_data=False,
        dynamo=True,
        verbose=False,
    )


def _example(torch: Any, names: list[str], batch: int, length: int) -> tuple[Any, ...]:
    shape = (batch, length)
    tensors = {NAMES[0]: torch.arange(batch * length).reshape(shape) % 7 + 1, NAMES[1]: torch.ones(shape).long()}
    return tuple(tensors.get(name, torch.zeros(shape).long()) for name in names)


def _write_references(torch: Any, encoder: Any, names: list[str], config: Any, request: dict[str, Any]) -> None:
    """Feeds and torch's outputs, as K/NAME in one .npz; each case is the list of its rows' lengths."""
    import numpy as np

    torch.manual_seed(SEED)
    pad = config.pad_token_id or 0
    arrays: dict[str, Any] = {}
    for index, lengths in enumerate(request["cases"]):
        width = request["length"] if not request["dynamic"] else max(lengths)
        mask = (torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]).long()
        ids = torch.randint(0, config.vocab_size - 1, mask.shape)
        ids = torch.where(mask.bool(), ids + (ids >= pad), torch.tensor(pad))
        tensors = {NAMES[0]: ids, NAMES[1]: mask, NAMES[2]: torch.zeros_like(mask)}
        feeds = tuple(tensors[name] for name in names)
        with torch.no_grad():
            arrays[f"{index}/{OUTPUT}"] = encoder(*feeds).numpy()
        arrays.update({f"{index}/{name}": feed.numpy() for name, feed in zip(names, feeds, strict=True)})
    np.savez(request["references"], **arrays)


def _own_the_output(log: Path) -> Tell:
    """Keep stdout for the protocol: whatever libraries print to descriptors 1 and 2 goes to `log`."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)

    def tell(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return tell


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")[:300]


if __name__ == "__main__":
    sys.exit(main())
