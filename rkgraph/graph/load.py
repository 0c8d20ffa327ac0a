"""The lint path: a model's view, read without its weights, without numpy and without the onnx package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from rkgraph.graph.build import build_view
from rkgraph.graph.inference import infer, inline_small
from rkgraph.graph.pinning import pin
from rkgraph.graph.proto import pb
from rkgraph.graph.references import Reference, read_reference
from rkgraph.graph.texts import is_text
from rkgraph.graph.wellformed import check_model
from rkgraph.graph.wire import not_a_model, open_map, skim

if TYPE_CHECKING:
    from onnx import ModelProto

    from rkgraph.graph.view import ModelView

__all__ = ["parse", "read_view", "view_of"]


def read_view(
    path: Path, *, shapes: Mapping[str, tuple[int, ...]] | None = None, dims: Mapping[str, int] | None = None
) -> ModelView:
    """The view of the model at `path`, shapes inferred with data propagation.

    Args:
        path: a binary .onnx file.
        shapes: fixed shapes of inputs, by name.
        dims: sizes of symbolic dimensions of inputs, by name.

    Raises:
        ModelError: the file cannot be read, is not ONNX, or refers to weights that are missing or out of bounds.
        UsageError: `shapes` or `dims` name what is not there, or contradict the model.
    """
    path = Path(path)
    model, sha256 = parse(path)
    return view_of(model, path, sha256, shapes or {}, dims or {})


def parse(path: Path) -> tuple[ModelProto, str]:
    """The model at `path` without the bytes of its large tensors, and the SHA-256 of that.

    Raises:
        ModelError: the file cannot be read, is no ONNX model, or is malformed.
    """
    with open_map(path) as data:
        skimmed = skim(data, path)
        head = data[:64]
    try:
        model = pb.ModelProto.FromString(skimmed)
    except DecodeError:
        raise not_a_model(path, head, "its protobuf does not parse") from None
    if not model.HasField("graph"):
        raise not_a_model(path, head, "it holds no graph")
    if not is_text(model):
        raise not_a_model(path, head, "a name in it is not UTF-8")
    check_model(model, path)
    return model, hashlib.sha256(skimmed).hexdigest()


def view_of(
    model: ModelProto,
    path: Path,
    sha256: str,
    shapes: Mapping[str, tuple[int, ...]],
    dims: Mapping[str, int],
    *,
    read: Callable[[Reference, str], bytes] | None = None,
) -> ModelView:
    """The view of a weightless `model` of the file at `path`; `model` is changed. Raises as `read_view` does.

    `read` gives the bytes of a reference, for a tensor's name; without it they come from the file.
    """
    try:
        inline_small(model, path)
        pin(model, shapes, dims)
        inferred, error = infer(model)
        return build_view(inferred, str(path), sha256, error, read or partial(_from_file, path))
    except UnicodeDecodeError as error:
        raise not_a_model(path, b"", f"a name in it is not UTF-8: {error.reason}") from None


def _from_file(path: Path, reference: Reference, name: str) -> bytes:
    return read_reference(reference, name, path)
