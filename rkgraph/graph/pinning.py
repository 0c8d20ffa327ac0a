"""Fixed shapes for dynamic inputs, and the consequences: a symbolic dimension has one size wherever it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rkgraph.errors import UsageError
from rkgraph.graph.tensors import size_of, symbol_of
from rkgraph.graph.walk import all_graphs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorShapeProto, TypeProto, ValueInfoProto

__all__ = ["inputs_by_name", "pin"]

_STANDARD = ("", "ai.onnx")


def pin(
    model: ModelProto,
    shapes: Mapping[str, tuple[int, ...]],
    dims: Mapping[str, int],
    *,
    option: str = "--shape",
    least: int = 1,
) -> None:
    """Give the inputs of `model`, in place, the sizes of `shapes` (by input) and `dims` (by symbolic name).

    A symbolic name that is bound at one input is replaced wherever it stands. Recorded shapes of inner values are
    dropped, for they are to be inferred anew; those of operators that cannot be inferred (other domains) stay.
    Messages speak of `option`; sizes below `least` are refused.

    Raises:
        UsageError: no such input or symbolic dimension, or a size that contradicts the model or another size.
    """
    if not shapes and not dims:
        return
    sizes = _bind(model.graph, shapes, dims, option, least)
    for value in model.graph.input:
        if value.name in shapes:
            shape = _shape(value)
            for index, size in enumerate(shapes[value.name]):
                shape.dim[index].dim_value = size
    for graph in all_graphs(model.graph):
        _forget(graph)
        for value in (*graph.input, *graph.output, *graph.value_info):
            _substitute(value.type, sizes)


def inputs_by_name(graph: GraphProto, names: Iterable[str], option: str) -> dict[str, ValueInfoProto]:
    """The inputs of `graph` called `names`.

    Raises:
        UsageError: there is no such input; did-you-mean in the hint.
    """
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in initializers}
    for name in names:
        if name not in inputs:
            raise _unknown(option, "input", name, inputs)
    return {name: inputs[name] for name in names}


def _bind(
    graph: GraphProto, shapes: Mapping[str, tuple[int, ...]], dims: Mapping[str, int], option: str, least: int
) -> dict[str, int]:
    """The size of every symbolic name that `shapes` and `dims` settle."""
    symbols = {symbol: None for value in graph.input for d in _shape(value).dim if (symbol := symbol_of(d))}
    for name, size in dims.items():
        if name not in symbols:
            raise _unknown("--dim", "symbolic dimension", name, symbols)
        _check_size(size, f"--dim {name}={size}", least)
    sizes = dict(dims)
    for name, value in inputs_by_name(graph, shapes, option).items():
        written = f"{option} {name}={'x'.join(map(str, shapes[name])) or 'scalar'}"
        for size in shapes[name]:
            _check_size(size, written, least)
        _fit(name, shapes[name], value, sizes, written)
    return sizes


def _fit(name: str, shape: tuple[int, ...], value: ValueInfoProto, sizes: dict[str, int], option: str) -> None:
    """Check one input's new shape against its declared one, and add to `sizes` what it settles."""
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
        if size_of(dim) not in (None, size):
            raise UsageError(
                f"{option}: dimension {axis} is {size}, but the model fixes it at {dim.dim_value} {_written(declared)}",
                "a fixed dimension cannot be changed; export the model with this dimension dynamic",
            )
        symbol = symbol_of(dim)
        if symbol and sizes.setdefault(symbol, size) != size:
            raise UsageError(
                f"{option}: dimension {axis} is {symbol!r}, which is {sizes[symbol]} elsewhere",
                "inputs that share a symbolic dimension need the same size",
            )


def _check_size(size: int, option: str, least: int) -> None:
    if size < least:
        raise UsageError(f"{option}: a size must be {least} or more", "give a larger one")


def _shape(value: ValueInfoProto) -> TensorShapeProto:
    return value.type.tensor_type.shape


def _written(shape: TensorShapeProto) -> str:
    sizes = ((size_of(dim), symbol_of(dim) or "?") for dim in shape.dim)
    return "[" + ", ".join(symbol if size is None else str(size) for size, symbol in sizes) + "]"


def _unknown(option: str, what: str, name: str, known: Iterable[str]) -> UsageError:
    import difflib

    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return UsageError(f"{option}: the model has no {what} {name!r}", f"did you mean {close[0]!r}?")
    listed = ", ".join(map(repr, names)) or "none"
    return UsageError(f"{option}: the model has no {what} {name!r}", f"it has: {listed}")


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
