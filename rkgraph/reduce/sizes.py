"""Smaller dimensions: batch, channels, length, whatever they are, to small numbers while it still shows.

Which dimensions belong together is not derived but tried: sizes that are equal are taken for the same one, and products
of sizes (heads × width = hidden) shrink together by one factor. Shape inference rejects what does not fit in
milliseconds; only what fits is built.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from rkgraph.graph.tensors import dtype_name, element_count, size_of
from rkgraph.graph.weights import Weights
from rkgraph.reduce.facts import copied
from rkgraph.reduce.random_values import is_structure
from rkgraph.reduce.search import Search
from rkgraph.reduce.slicing import sliced

__all__ = ["shrink_large", "shrink_sizes"]

_SMALL = (1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_FEW = (1, 4, 32, 256)
_QUICK_BYTES = 1 << 20  # of a model that builds in less than a second
_MOST_TOGETHER = 3  # sizes that one factor divides
_MOST_SIZES = 12
_MOST_FACTORS = 6
_SIZED = frozenset({"group", "hidden_size", "num_heads", "q_num_heads", "kv_num_heads", "num_outputs", "kernel_shape"})
"""Attributes (of the standard domain) that repeat a size of an input."""

Sizes = Mapping[int, int]


def shrink_sizes(search: Search) -> None:
    """Shrink sizes until none can be made smaller on its own or with others."""
    search.stage = "sizes"
    while _shrink_equal(search) or _shrink_products(search) or _shrink_axes(search):
        continue


def shrink_large(search: Search) -> None:
    """Shrink the sizes that make a model large, so that the many builds to come are quick ones."""
    search.stage = "large sizes"
    if search.best.size.bytes > _QUICK_BYTES:
        _shrink_equal(search, _FEW, least=_QUICK_BYTES)


def _shrink_equal(search: Search, targets: Sequence[int] = _SMALL, *, least: int = 0) -> bool:
    """One size, wherever it stands, to the smallest that still shows it; none while the model has `least` bytes."""
    shrunk = False
    for size in _sizes(search.best.proto):
        if search.best.size.bytes < least:
            break
        shrunk |= any(_try(search, {size: small}) for small in targets if small < size)
    return shrunk


def _shrink_products(search: Search) -> bool:
    """Several sizes by one factor, all that it divides first."""
    sizes = _sizes(search.best.proto)[:_MOST_SIZES]
    return any(_try(search, together) for together in _together(sizes))


def _together(sizes: list[int]) -> Iterator[Sizes]:
    """Sizes that shrink by one factor: all that it divides, then each two and three."""
    factors = {factor for a, b in itertools.combinations(sizes, 2) for factor in _factors(math.gcd(a, b))}
    for factor in sorted(factors, reverse=True):
        divisible = [size for size in sizes if size % factor == 0]
        groups = [tuple(divisible)] if len(divisible) > _MOST_TOGETHER else []
        for count in range(min(_MOST_TOGETHER, len(divisible)), 1, -1):
            groups += itertools.combinations(divisible, count)
        for group in groups:
            yield {size: size // factor for size in group}


def _factors(number: int) -> list[int]:
    """The largest divisors of a number, but 1, and its smallest."""
    divisors = [d for d in range(2, min(number, 4096) + 1) if number % d == 0]
    return [*divisors[:1], *divisors[1:][-_MOST_FACTORS:]]


def _shrink_axes(search: Search) -> bool:
    """One axis of one input or initializer."""
    shrunk = False
    proto = search.best.proto
    places = [(value.name, axis) for value in proto.graph.input for axis in range(_rank(value.type))]
    places += [(tensor.name, axis) for tensor in proto.graph.initializer for axis in range(len(tensor.dims))]
    for name, axis in places:
        size = _size_at(search.best.proto, name, axis)
        shrunk |= any(_try_axis(search, name, axis, small) for small in _SMALL if small < size)
    return shrunk


def _try(search: Search, sizes: Sizes) -> bool:
    """Map sizes of inputs and weights; then those in shape constants, too; then those in attributes, too."""
    return any(
        search.attempt(_resized(search, sizes, constants=constants, attributes=attributes))
        for constants, attributes in ((True, False), (False, False), (True, True))
    )


def _resized(search: Search, sizes: Sizes, *, constants: bool, attributes: bool) -> onnx.ModelProto | None:
    def change(part: onnx.ModelProto, weights: Weights | None) -> None:
        for value in part.graph.input:
            for dim in value.type.tensor_type.shape.dim:
                if size_of(dim) in sizes:
                    dim.dim_value = sizes[dim.dim_value]
        for tensor in part.graph.initializer:
            if not _is_shape(tensor):
                _resize(tensor, tuple(sizes.get(size, size) for size in tensor.dims), weights)
            elif constants:
                _map_elements(tensor, sizes)
        for attribute in (a for node in part.graph.node for a in node.attribute if attributes and a.name in _SIZED):
            attribute.i = sizes.get(attribute.i, attribute.i)
            mapped = [sizes.get(number, number) for number in attribute.ints]
            del attribute.ints[:]
            attribute.ints.extend(mapped)

    return _changed(search, change)


def _try_axis(search: Search, name: str, axis: int, size: int) -> bool:
    def change(part: onnx.ModelProto, weights: Weights | None) -> None:
        for value in part.graph.input:
            if value.name == name:
                value.type.tensor_type.shape.dim[axis].dim_value = size
        for tensor in part.graph.initializer:
            if tensor.name == name:
                _resize(tensor, tuple(size if i == axis else old for i, old in enumerate(tensor.dims)), weights)

    return search.attempt(_changed(search, change))


def _changed(search: Search, change: Callable[[onnx.ModelProto, Weights | None], None]) -> onnx.ModelProto | None:
    """The best candidate changed; None where inference says that it does not fit, found before a weight is read."""
    for weights in (None, search.weights):
        part = copied(search.best.proto)
        for info in part.graph.value_info:  # what is recorded of inner values holds no more
            info.type.tensor_type.ClearField("shape")
        change(part, weights)
        if weights is None and not search.validity.fits(part):
            return None
    return part


def _resize(tensor: onnx.TensorProto, dims: tuple[int, ...], weights: Weights | None) -> None:
    """Cut a tensor to `dims`; without `weights` only its dims are changed, and its bytes are declared elsewhere."""
    if dims == tuple(tensor.dims):
        return
    if weights is not None:
        tensor.CopyFrom(sliced(tensor, dims, weights))
        return
    tensor.CopyFrom(onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=dims, data_location="EXTERNAL"))


def _map_elements(tensor: onnx.TensorProto, sizes: Sizes) -> None:
    """Sizes among the elements of a shape; -1 and 0 mean something else and are never among them."""
    array = numpy_helper.to_array(tensor)
    mapped = [sizes.get(int(number), int(number)) for number in array.ravel()]
    if mapped != array.ravel().tolist():
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(mapped, array.dtype).reshape(array.shape), tensor.name))


def _is_shape(tensor: onnx.TensorProto) -> bool:
    name = dtype_name(tensor.data_type)
    return name in ("int64", "int32") and len(tensor.dims) <= 1 and is_structure(tensor)


def _sizes(proto: onnx.ModelProto) -> list[int]:
    """Sizes above 1 of inputs and weights and in shapes, those that make the most of the model first."""
    found: Counter[int] = Counter()
    for value in proto.graph.input:
        known = [size for dim in value.type.tensor_type.shape.dim if (size := size_of(dim)) is not None]
        found.update({size: math.prod(known) for size in known})
    for tensor in proto.graph.initializer:
        if _is_shape(tensor):  # what a ConstantOfShape or an Expand makes of it
            found.update(dict.fromkeys((int(size) for size in numpy_helper.to_array(tensor).ravel()), 1))
        else:
            found.update({size: element_count(tensor.dims) for size in tensor.dims})
    return sorted((size for size in found if size > 1), key=lambda size: (-found[size], -size))


def _rank(type_: onnx.TypeProto) -> int:
    return len(type_.tensor_type.shape.dim)


def _size_at(proto: onnx.ModelProto, name: str, axis: int) -> int:
    """The size of an axis; where it is dynamic, as large as can be."""
    for value in proto.graph.input:
        if value.name == name:
            size = size_of(value.type.tensor_type.shape.dim[axis])
            return _SMALL[-1] + 1 if size is None else size
    return next((tensor.dims[axis] for tensor in proto.graph.initializer if tensor.name == name), 0)
