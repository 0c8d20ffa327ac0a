"""Fixed shapes for dynamic inputs, and the consequences: a symbolic dimension has one size wherever it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rkgraph.errors import UsageError
from rkgraph.graph.walk import all_graphs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorShapeProto, TypeProto, ValueInfoProto

__all__ = ["pin"]

_STANDARD = ("", "ai.onnx")


def pin(model: ModelProto, shapes: Mapping[str, tuple[int, ...]], dims: Mapping[str, int]) -> None:
    """Give the inputs of `model`, in place, the sizes of `shapes` (by input) and `dims` (by symbolic name).

    A symbolic name that is bound at one input is replaced wherever it stands. Recorded shapes of inner values are
    dropped, for they are to be inferred anew; those of operators that cannot be inferred (other domains) stay.

    Raises:
        UsageError: no such input or symbolic dimension, or a size that contradicts the model or another size.
    """
    if not shapes and not dims:
        return
    sizes = _bind(model.graph, shapes, dims)
    for value in model.graph.input:
        if value.name in shapes:
            shape = _shape(value)
            for index, size in enumerate(shapes[value.name]):
                shape.dim[index].dim_value = size
    for graph in all_graphs(model.graph):
        _forget(graph)
        for value in (*graph.input, *graph.output, *graph.value_info):
            _substitute(value.type, sizes)


def _bind(graph: GraphProto, shapes: Mapping[str, tuple[int, ...]], dims: Mapping[str, int]) -> dict[str, int]:
    """The size of every symbolic name that `shapes` and `dims` settle."""
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in initializers}
    symbols = {d.dim_param: None for v in inputs.values() for d in _shape(v).dim if d.dim_param}
    for name, size in dims.items():
        if name not in symbols:
            raise _unknown("symbolic dimension", name, symbols)
        _check_size(size, f"--dim {name}={size}")
    sizes = dict(dims)
    for name, shape in shapes.items():
        if name not in inputs:
            raise _unknown("input", name, inputs)
        _fit(name, shape, inputs[name], sizes)
    return sizes


def _fit(name: str, shape: tuple[int, ...], value: ValueInfoProto, sizes: dict[str, int]) -> None:
    """Check one input's new shape against its declared one, and add to `sizes` what it settles."""
    option = f"--shape {name}={'x'.join(map(str, shape))}"
    declared = _shape(value)
    if not value.type.tensor_type.HasField("shape"):
        for _ in shape:
            declared.dim.add()
        value.type.tensor_type.shape.SetInParent()
    if len(declared.dim) != len(shape):
        raise UsageError(
            f"{option}: has rank {len(shape)}, but input {name!r} has rank {len(declared.dim)} {_written(declared)}",
            f"give {len(declared.dim)} sizes",
        )
    for axis, (dim, size) in enumerate(zip(declared.dim, shape, strict=True)):
        _check_size(size, option)
        if dim.HasField("dim_value") and dim.dim_value != size:
            raise UsageError(
                f"{option}: dimension {axis} is {size}, but the model fixes it at {dim.dim_value} {_written(declared)}",
                "a fixed dimension cannot be changed; export the model with this dimension dynamic",
            )
        if dim.dim_param and sizes.setdefault(dim.dim_param, size) != size:
            raise UsageError(
                f"{option}: dimension {axis} is {dim.dim_param!r}, which is {sizes[dim.dim_param]} elsewhere",
                "inputs that share a symbolic dimension need the same size",
            )


def _check_size(size: int, option: str) -> None:
    if size < 1:
        raise UsageError(f"{option}: a size must be 1 or more")


def _shape(value: ValueInfoProto) -> TensorShapeProto:
    return value.type.tensor_type.shape


def _written(shape: TensorShapeProto) -> str:
    return "[" + ", ".join(str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in shape.dim) + "]"


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    import difflib

    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return UsageError(f"the model has no {what} {name!r}", f"did you mean {close[0]!r}?")
    listed = ", ".join(map(repr, names)) or "none"
    return UsageError(f"the model has no {what} {name!r}", f"it has: {listed}")


def _forget(graph: GraphProto) -> None:
    """Drop the recorded shapes of values that inference can find again."""
    kept = {name for node in graph.node if node.domain not in _STANDARD for name in node.output}
    hints = [value for value in graph.value_info if value.name in kept]
    del graph.value_info[:]
    graph.value_info.extend(hints)


def _substitute(type_: TypeProto, sizes: Mapping[str, int]) -> None:
    kind = type_.WhichOneof("value")
    if kind in ("sequence_type", "optional_type"):
        _substitute(getattr(type_, kind).elem_type, sizes)
    elif kind == "tensor_type":
        for dim in type_.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]
