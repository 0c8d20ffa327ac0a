"""Where the bytes of an external tensor lie, and which places are allowed.

Paths are relative to the model's folder, never to the current directory, and must stay inside it: an absolute path,
a `..` or a symbolic link that leads out is refused, as onnx and ONNX Runtime do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from rkgraph.errors import ModelError
from rkgraph.graph.wire import DATA_FIELDS, FIELD_KEY, SELF

if TYPE_CHECKING:
    from onnx import TensorProto

__all__ = ["MEMORY_KEY", "Reference", "locate", "read_reference", "reference_of"]


MEMORY_KEY = "rkgraph:memory"
"""The key of a reference to bytes that are in no file yet; its value counts them."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The place of a tensor's bytes; `length` is None where the file does not say (to its end).

    `location` is SELF or a path relative to the model's folder. `field` names the tensor's field that these bytes are
    the payload of. `memory`, where given, counts bytes that were added to an open model and are in no file.
    """

    location: str
    offset: int
    length: int | None
    field: str = "raw_data"
    memory: int | None = None


def reference_of(tensor: TensorProto, model: Path) -> Reference:
    """The reference of an external tensor of the model at `model`.

    Raises:
        ModelError: no location, or an offset or length that is no number.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    broken = ModelError(
        f"{model}: the external data of tensor {tensor.name!r} does not say where it lies", "export the model again"
    )
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries["length"]) if entries.get("length") else None
        memory = int(entries[MEMORY_KEY]) if MEMORY_KEY in entries else None
    except ValueError:
        raise broken from None
    location = entries.get("location", "")
    field = entries.get(FIELD_KEY, "raw_data")
    if not location or offset < 0 or (length is not None and length < 0) or field not in DATA_FIELDS:
        raise broken
    return Reference(location, offset, length, field, memory)


def locate(reference: Reference, tensor: str, model: Path) -> tuple[Path, int]:
    """The file that holds the bytes of `tensor`, and how many bytes they are.

    Raises:
        ModelError: the path leads out of the model's folder, no such file, or it is too short.
    """
    path = model if reference.location == SELF else _contained(reference.location, tensor, model)
    try:
        size = path.stat().st_size
    except OSError:
        raise ModelError(
            f"{model}: its weights are missing: no file {reference.location!r} beside it (tensor {tensor!r})",
            f"put {reference.location} into {model.parent}, or export the model again",
        ) from None
    length = size - reference.offset if reference.length is None else reference.length
    if not path.is_file() or length < 0 or reference.offset + length > size:
        raise ModelError(
            f"{model}: the weights of tensor {tensor!r} reach past the end of {path.name} ({size} bytes)",
            "the file is truncated; export or download it again",
        )
    return path, length


def read_reference(reference: Reference, tensor: str, model: Path) -> bytes:
    """The bytes of a tensor. Raises ModelError as `locate` does."""
    path, length = locate(reference, tensor, model)
    with path.open("rb") as file:
        file.seek(reference.offset)
        return file.read(length)


def _contained(location: str, tensor: str, model: Path) -> Path:
    refused = ModelError(
        f"{model}: tensor {tensor!r} refers to {location!r}, outside the model's folder",
        "weights must lie beside the model; save it again with onnx.save(..., location='weights.bin')",
    )
    windows = PureWindowsPath(location)
    if (
        PurePosixPath(location).is_absolute()
        or windows.drive
        or windows.root
        or ".." in windows.parts
        or "\0" in location
    ):
        raise refused
    folder = model.parent.resolve()
    path = (folder / location).resolve()
    if not path.is_relative_to(folder):
        raise refused
    return path
