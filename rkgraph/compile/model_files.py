"""The files that a model consists of: its .onnx and the weights that lie beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from rkgraph.graph.load import parse
from rkgraph.graph.references import locate, reference_of
from rkgraph.graph.walk import model_tensors

__all__ = ["copy_model", "model_files"]

_EXTERNAL = 1  # onnx.TensorProto.EXTERNAL


def model_files(model: Path) -> tuple[Path, ...]:
    """The model itself, then every file of weights that it refers to, each once, in order of first reference.

    Raises:
        ModelError: no ONNX model, or a file of weights is missing, too short, or outside the model's folder.
    """
    proto, _ = parse(model)
    files = {model: None}
    for tensor in model_tensors(proto):
        if tensor.data_location == _EXTERNAL:
            reference = reference_of(tensor, model)
            path, _ = locate(reference, tensor.name, model)
            files[path] = None
    return tuple(files)


def copy_model(model: Path, folder: Path, name: str) -> Path:
    """Copy a model and its weights into `folder`; the copy of the .onnx is called `name`, weights keep their places.

    Raises:
        ModelError: as `model_files`.
    """
    main, *weights = model_files(model)
    home = model.parent.resolve()
    for file in weights:
        target = folder / file.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    shutil.copyfile(main, folder / name)
    return folder / name
