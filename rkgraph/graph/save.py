"""Writes a model: its graph from memory, its weights streamed from where they lie."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Literal

import onnx

from rkgraph.errors import UsageError
from rkgraph.files import writing
from rkgraph.graph.references import Reference
from rkgraph.graph.splice import Splice, splice
from rkgraph.graph.tensors import is_external
from rkgraph.graph.walk import model_tensors
from rkgraph.graph.weights import Weights, detach
from rkgraph.graph.wire import INLINE_LIMIT

__all__ = ["WeightPlacement", "save_model"]

WeightPlacement = Literal["keep", "inline", "beside"]

_LARGEST = 2**31 - 1 - 2**20  # of a protobuf message, less room for the graph
_ALIGNMENT = 4096  # of external data, as onnx advises so that runtimes can map it
_RAW_FIELDS = ("raw_data", "float_data", "double_data")  # whose payload is laid out as raw data


def save_model(
    proto: onnx.ModelProto,
    weights: Weights,
    path: Path,
    placement: WeightPlacement,
    *,
    in_place: bool,
    shared: Mapping[str, str] | None = None,
) -> None:
    """Write `proto` with its weights. See `Model.save`."""
    beside = path.with_name(path.name + ".data")
    plan = _Plan(proto, weights, path, placement, shared or {})
    _refuse_overwriting(weights.path, plan, path, beside, in_place)
    token = secrets.token_bytes(16)
    with contextlib.ExitStack() as stack:
        if plan.beside:
            _write_beside(plan, weights, stack.enter_context(writing(beside)), beside.name)
        splices = {}
        for index, (tensor, reference) in enumerate(plan.inline):
            detach(tensor)
            key = token + index.to_bytes(8, "little")
            tensor.raw_data = key
            splices[key] = Splice(reference, tensor.name)
        file = stack.enter_context(writing(path))
        for piece in splice(plan.proto.SerializeToString(), token, splices):
            if isinstance(piece, bytes):
                file.write(piece)
            else:
                for chunk in weights.chunks(piece.reference, piece.name):
                    file.write(chunk)


class _Plan:
    """Which tensors go inline and which beside; those that stay where they are need nothing.

    Attributes:
        proto: a copy that may be changed.
        inline, beside: tensors of `proto` and the places of their bytes.
        kept: files that are referred to after the save.
    """

    def __init__(
        self,
        proto: onnx.ModelProto,
        weights: Weights,
        path: Path,
        placement: WeightPlacement,
        shared: Mapping[str, str],
    ) -> None:
        self.proto = onnx.ModelProto()
        self.proto.CopyFrom(proto)
        same_folder = path.parent.resolve() == weights.path.parent.resolve()
        self.inline: list[tuple[onnx.TensorProto, Reference]] = []
        self.beside: list[tuple[onnx.TensorProto, Reference]] = []
        self.kept: set[Path] = set()
        for tensor in model_tensors(self.proto):
            if not is_external(tensor):
                continue
            reference = weights.resolve(tensor)
            if tensor.name in shared:
                _refer(tensor, shared[tensor.name], 0, reference.length or 0)
            elif placement == "keep" and same_folder and not weights.is_own(reference):
                self.kept.add((path.parent / reference.location).resolve())
            elif placement == "beside" and _fits_beside(reference):
                self.beside.append((tensor, reference))
            else:
                self.inline.append((tensor, reference))
        if sum(reference.length or 0 for _, reference in self.inline) > _LARGEST:
            self.beside += [entry for entry in self.inline if _fits_beside(entry[1])]
            self.inline = [entry for entry in self.inline if not _fits_beside(entry[1])]


def _fits_beside(reference: Reference) -> bool:
    return reference.field in _RAW_FIELDS and (reference.length or 0) > INLINE_LIMIT


def _write_beside(plan: _Plan, weights: Weights, file: IO[bytes], name: str) -> None:
    for tensor, reference in plan.beside:
        offset = -(-file.tell() // _ALIGNMENT) * _ALIGNMENT
        file.seek(offset)
        for chunk in weights.chunks(reference, tensor.name):
            file.write(chunk)
        _refer(tensor, name, offset, reference.length or 0)


def _refer(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    detach(tensor)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def _refuse_overwriting(source: Path, plan: _Plan, path: Path, beside: Path, in_place: bool) -> None:
    if _same(path, source) and not in_place:
        raise UsageError(
            f"{path}: is the model that was read, and would be overwritten", "give another -o, or --in-place"
        )
    written = [path, beside] if plan.beside else [path]
    for kept in plan.kept:
        if any(_same(kept, target) for target in written):
            raise UsageError(f"{kept}: holds weights of the model, and would be overwritten", "give another -o")


def _same(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)
