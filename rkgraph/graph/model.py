"""A model that can be changed: loaded without its weights, edited by data, saved with its weights untouched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from rkgraph.graph.applied import Applied, Region
from rkgraph.graph.changing import copied
from rkgraph.graph.edits import (
    add_input,
    drop_nodes,
    freeze_inputs,
    rename_constants,
    retype_interface,
    set_opset,
    widen_scalars,
)
from rkgraph.graph.extract import Values, extract_model
from rkgraph.graph.inference import infer, inline_small
from rkgraph.graph.load import parse, view_of
from rkgraph.graph.opening import open_inputs, open_outputs
from rkgraph.graph.pinning import pin
from rkgraph.graph.renaming import rename_outputs
from rkgraph.graph.reshaping import reshape_outputs
from rkgraph.graph.rewrite import (
    AddInput,
    DropNodes,
    Edit,
    FreezeInputs,
    OpenInterface,
    PinShapes,
    RenameConstants,
    RenameOutputs,
    ReshapeOutputs,
    RetypeInterface,
    Rewrite,
    WidenScalars,
)
from rkgraph.graph.save import WeightPlacement, save_model
from rkgraph.graph.surgery import rewrite_graph
from rkgraph.graph.tensors import dtype_name, is_external
from rkgraph.graph.view import ModelView
from rkgraph.graph.walk import model_tensors
from rkgraph.graph.weights import Weights

__all__ = ["Applied", "Model", "Region", "Snapshot"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A state of a model, to return to. It shares everything with the model and costs nothing."""

    proto: onnx.ModelProto
    sha256: str


class Model:
    """The one place where a graph is changed.

    The state is a protobuf without the bytes of its large tensors. It is never changed in place: every edit makes a
    new one, so that a snapshot is a reference. All that an edit does not touch is copied from the original.

    Attributes:
        path: the file that the model was loaded from; external weights lie relative to its folder.
    """

    def __init__(self, path: Path, proto: onnx.ModelProto, sha256: str, weights: Weights) -> None:
        self.path = path
        self._proto = proto
        self._sha256 = sha256
        self._weights = weights
        self._types: dict[str, onnx.TypeProto] | None = None
        self._sources: Values | None = None

    @classmethod
    def load(cls, path: Path) -> Model:
        """Open the model at `path`. Its weights stay where they are until they are needed.

        Raises:
            ModelError: the file cannot be read, is not ONNX, or refers to weights that are missing or out of bounds.
        """
        path = Path(path)
        proto, sha256 = parse(path)
        weights = Weights(path)
        for tensor in model_tensors(proto):
            if is_external(tensor):
                weights.resolve(tensor)
        return cls(path, proto, sha256, weights)

    def copy(self) -> Model:
        """An independent model in the same state; the weights are shared."""
        return Model(self.path, self._proto, self._sha256, self._weights)

    def view(self) -> ModelView:
        """The read-only view of the current state, shapes inferred anew."""
        return view_of(copied(self._proto), self.path, self._sha256, {}, {}, read=self._weights.read)

    def snapshot(self) -> Snapshot:
        """The current state, to be given to `restore`."""
        return Snapshot(self._proto, self._sha256)

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a state of this model (or of a copy of it)."""
        self._set(snapshot.proto, snapshot.sha256)

    def proto(self, weights: bool) -> onnx.ModelProto:
        """A copy of the current state; with `weights` all of them are read, external ones too."""
        proto = copied(self._proto)
        if weights:
            for tensor in model_tensors(proto):
                if is_external(tensor):
                    self._weights.load(tensor)
        return proto

    def apply(self, edit: Edit) -> Applied:
        """Change the model; what is returned says which part a rewrite touched.

        Raises:
            UsageError: pinned shapes or frozen values that do not fit the model.
            ValueError: a rewrite that names what is not there or makes a cycle, or another dtype for what no Cast
                reads or makes (a fault of the rule); the model is as before.
        """
        proto = copied(self._proto)
        applied = Applied()
        if isinstance(edit, Rewrite):
            applied = self._rewrite(proto, edit)
        elif isinstance(edit, PinShapes):
            pin(proto, edit.shapes, edit.dims)
        elif isinstance(edit, FreezeInputs):
            freeze_inputs(proto, edit.values, self._weights)
            _allow_constants(proto)
        elif isinstance(edit, AddInput):
            add_input(proto, edit.name, edit.dtype, edit.shape)
            applied = self._rewrite(proto, edit.rewrite)
        elif isinstance(edit, WidenScalars):
            widen_scalars(proto.graph, edit.scalars)
        elif isinstance(edit, OpenInterface):
            open_inputs(proto.graph, edit.inputs)
            open_outputs(proto.graph, edit.outputs)
            _allow_constants(proto)
        elif isinstance(edit, DropNodes):
            drop_nodes(proto.graph, edit.nodes)
        elif isinstance(edit, RenameConstants):
            rename_constants(proto.graph, edit.names)
        elif isinstance(edit, RenameOutputs):
            rename_outputs(proto.graph, edit.names)
        elif isinstance(edit, ReshapeOutputs):
            reshape_outputs(proto.graph, edit)
        elif isinstance(edit, RetypeInterface):
            retype_interface(proto, edit.inputs, edit.outputs)
        else:
            set_opset(proto, edit.version)
        self._set(proto, hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest())
        return applied

    def extract(self, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
        """A self-contained model of the part of the main graph that computes `outputs` from `inputs`.

        Weights of that part are loaded. An output that is among the inputs comes out as NAME/through.

        Raises:
            ValueError: `inputs` do not suffice.
            MissingValue: an output is not in the graph.
            UnknownDtype: the dtype of one is unknown.
        """
        return extract_model(self._proto, self._values(), self._value_types(), inputs, outputs, self._weights)

    def part(self, inputs: Sequence[str], outputs: Sequence[str]) -> Model:
        """A model of its own of the part of the main graph that computes `outputs` from `inputs`.

        Its weights stay where they are, and only what it needs of them is referred to. Raises as `extract`.
        """
        proto = extract_model(self._proto, self._values(), self._value_types(), inputs, outputs, None)
        digest = hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest()
        return Model(self.path, proto, digest, self._weights)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the large tensors of the current state, wherever they lie."""
        external = (tensor for tensor in model_tensors(self._proto) if is_external(tensor))
        return sum(self._weights.resolve(tensor).length or 0 for tensor in external)

    def constant(self, name: str) -> tuple[str, tuple[int, ...], Iterator[bytes]] | None:
        """Dtype, shape and bytes (little-endian, row by row, in pieces) of an initializer of numbers, or None."""
        tensor = next((each for each in self._proto.graph.initializer if each.name == name), None)
        if tensor is None or dtype_name(tensor.data_type) in (None, "string"):
            return None
        kept = self._weights.resolve(tensor) if is_external(tensor) else None
        if kept is not None and kept.field in ("raw_data", "float_data", "double_data"):
            data = self._weights.chunks(kept, name)
        else:
            loaded = onnx.TensorProto()
            loaded.CopyFrom(tensor)
            if kept is not None:
                self._weights.load(loaded)
            data = iter([onnx.numpy_helper.to_array(loaded).tobytes()])
        return dtype_name(tensor.data_type) or "", tuple(tensor.dims), data

    def save(
        self,
        path: Path,
        weights: WeightPlacement = "keep",
        *,
        in_place: bool = False,
        shared: Mapping[str, str] | None = None,
    ) -> None:
        """Write the model to `path`, whole or not at all.

        Args:
            path: the .onnx file to write.
            weights: "inline": all in the file. "beside": large ones in a second file, `path` + ".data". "keep": as
                they are, that is, external ones stay where they are if `path` is in the model's folder, and go
                inline otherwise. What does not fit into 2 GB goes beside.
            in_place: allow `path` to be the file that the model was loaded from.
            shared: tensors whose bytes, and nothing else, lie in files beside `path` already: name → file name.

        Raises:
            UsageError: `path` cannot be written, or is the model's own file or weights and `in_place` is not given.
            ModelError: weights are missing.
        """
        save_model(self._proto, self._weights, Path(path), weights, in_place=in_place, shared=shared)

    def size_of(self, tensor: onnx.TensorProto) -> int:
        """Bytes of the weights that an external tensor of this model refers to. Raises ModelError: they are missing."""
        return self._weights.resolve(tensor).length or 0

    def adopted(self, proto: onnx.ModelProto) -> Snapshot:
        """A whole other state for this model, weights and all, for `restore`; large weights move out of `proto`."""
        for tensor in model_tensors(proto):
            self._weights.keep(tensor)
        return Snapshot(proto, hashlib.sha256(proto.SerializeToString(deterministic=True)).hexdigest())

    def _set(self, proto: onnx.ModelProto, sha256: str) -> None:
        self._proto, self._sha256, self._types, self._sources = proto, sha256, None, None

    def _rewrite(self, proto: onnx.ModelProto, edit: Rewrite) -> Applied:
        graph, applied = rewrite_graph(proto.graph, edit, self._weights, proto.functions)
        proto.graph.CopyFrom(graph)
        self._import_domains(proto, edit)
        _allow_constants(proto)
        return applied

    def _values(self) -> Values:
        if self._sources is None:
            self._sources = Values.of(self._proto.graph)
        return self._sources

    def _value_types(self) -> dict[str, onnx.TypeProto]:
        """Types of the values of the main graph, as far as they are known; initializers included."""
        if self._types is None:
            proto = copied(self._proto)
            inline_small(proto, self.path)
            graph = infer(proto)[0].graph
            self._types = {
                tensor.name: onnx.helper.make_tensor_type_proto(tensor.data_type, tuple(tensor.dims))
                for tensor in graph.initializer
            }
            self._types |= {value.name: value.type for value in (*graph.value_info, *graph.output, *graph.input)}
        return self._types

    @staticmethod
    def _import_domains(proto: onnx.ModelProto, edit: Rewrite) -> None:
        known = {entry.domain for entry in proto.opset_import}
        for domain in sorted({node.domain for node in edit.tape.nodes} - known - {"", "ai.onnx"}):
            proto.opset_import.add(domain=domain, version=1)


def _allow_constants(proto: onnx.ModelProto) -> None:
    """Before IR version 4, every initializer had to be an input as well; what an edit added is a constant."""
    inputs = {value.name for value in proto.graph.input}
    if proto.ir_version < 4 and any(tensor.name not in inputs for tensor in proto.graph.initializer):
        proto.ir_version = 4
