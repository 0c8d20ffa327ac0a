"""The weights of an open model: bytes that stay where they are until somebody reads them."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.errors import ModelError
from rkgraph.graph.references import MEMORY_KEY, Reference, locate, reference_of
from rkgraph.graph.wire import DATA_FIELDS, INLINE_LIMIT, LOCATED_KEY, SELF, tagged

if TYPE_CHECKING:
    from onnx import TensorProto

__all__ = ["Weights", "detach"]

_CHUNK = 1 << 20


class Weights:
    """Reads the bytes behind the references of one model's tensors.

    The model file is held open, so that references into it stay good when it is replaced. Large new tensors are
    added once and referred to like the others; that keeps copies of a model's protobuf small.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = os.open(path, os.O_RDONLY)
        self._added: list[bytes] = []
        weakref.finalize(self, os.close, self._model)

    def resolve(self, tensor: TensorProto) -> Reference:
        """The reference of `tensor`, its length filled in. Raises ModelError where its file is missing or too short."""
        reference = reference_of(tensor, self.path)
        if reference.location != SELF:
            _, length = locate(reference, tensor.name, self.path)
            return replace(reference, length=length)
        if reference.memory is None:
            return reference
        if not 0 <= reference.memory < len(self._added):
            raise ModelError(
                f"{self.path}: the weights of tensor {tensor.name!r} are nowhere", "export the model again"
            )
        return replace(reference, length=len(self._added[reference.memory]))

    @staticmethod
    def is_own(reference: Reference) -> bool:
        """True for bytes inside the model file or added here; False for other files."""
        return reference.location == SELF

    def chunks(self, reference: Reference, name: str) -> Iterator[bytes]:
        """The bytes of a resolved reference, a megabyte at a time; `name` is the tensor's, for messages.

        Raises:
            ModelError: the file was cut short meanwhile.
        """
        remaining = reference.length or 0
        if reference.memory is not None:
            yield self._added[reference.memory]
            return
        if reference.location == SELF:
            yield from self._read(self._model, reference.offset, remaining, name)
            return
        path, _ = locate(reference, name, self.path)
        handle = os.open(path, os.O_RDONLY)
        try:
            yield from self._read(handle, reference.offset, remaining, name)
        finally:
            os.close(handle)

    def read(self, reference: Reference, name: str) -> bytes:
        """The bytes of a reference, resolved or not. Raises ModelError as `resolve` and `chunks` do."""
        if reference.length is None and reference.memory is None:
            _, length = locate(reference, name, self.path)
            reference = replace(reference, length=length)
        return b"".join(self.chunks(reference, name))

    def load(self, tensor: TensorProto) -> None:
        """Put the bytes of an external `tensor` into it, into the field that they came from."""
        reference = self.resolve(tensor)
        payload = b"".join(self.chunks(reference, tensor.name))
        detach(tensor)
        tensor.MergeFromString(tagged(DATA_FIELDS[reference.field], payload))

    def keep(self, tensor: TensorProto) -> None:
        """Move the raw data of a large new `tensor` into this store and leave a reference in it."""
        if len(tensor.raw_data) <= INLINE_LIMIT:
            return
        entries = {"location": SELF, MEMORY_KEY: str(len(self._added))}
        self._added.append(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = 1  # type: ignore[assignment]  # EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    def _read(self, handle: int, offset: int, length: int, name: str) -> Iterator[bytes]:
        while length > 0:
            chunk = os.pread(handle, min(_CHUNK, length), offset)
            if not chunk:
                raise ModelError(f"{self.path}: the weights of tensor {name!r} end too early", "the file was changed")
            yield chunk
            offset += len(chunk)
            length -= len(chunk)


def detach(tensor: TensorProto) -> None:
    """Take the reference out of `tensor`, and what the reader noted in it."""
    located = any(entry.key == LOCATED_KEY for entry in tensor.external_data)
    del tensor.external_data[:]
    if located:
        tensor.data_location = 0  # type: ignore[assignment]  # DEFAULT, stated as before
    else:
        tensor.ClearField("data_location")
