"""Values on their way through a bundle: what is no plain array of numbers, and what the NPU gives back otherwise.

A sequence of tensors is an array of objects that are arrays. In a .npz it is NAME/0, NAME/1 …; strings are unicode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.onnx_runtime import as_array

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.results import TensorInfo

    Array = npt.NDArray[Any]

__all__ = ["as_declared", "gathered", "spread"]


def gathered(arrays: Mapping[str, Array], inputs: Sequence[TensorInfo]) -> dict[str, Array]:
    """Arrays of a .npz as feeds: NAME/0, NAME/1 … of an input that is no tensor become one sequence."""
    feeds = dict(arrays)
    for tensor in inputs:
        elements: list[Array] = []
        while tensor.dtype is None and (name := f"{tensor.name}/{len(elements)}") in feeds:
            elements.append(feeds.pop(name))
        if elements and tensor.name not in feeds:
            feeds[tensor.name] = as_array(elements)
    return feeds


def spread(outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs as arrays that a .npz can hold; empty optionals are left out."""
    import numpy as np

    found: dict[str, Array] = {}
    for name, array in outputs.items():
        if array.dtype != object:
            found[name] = array
        elif array.ndim == 1 and any(isinstance(element, np.ndarray) for element in array):
            found |= spread({f"{name}/{place}": np.asarray(element) for place, element in enumerate(array)})
        elif array.size == 0 or array.flat[0] is not None:
            found[name] = array.astype(str)
    return found


def as_declared(outputs: Mapping[str, Array], tensors: Sequence[TensorInfo]) -> dict[str, Array]:
    """Outputs of a compiled stage in the dtypes and shapes of its model: the NPU gives whole numbers as floats, too."""
    import numpy as np

    found = dict(outputs)
    for tensor in tensors:
        array = found.get(tensor.name)
        if array is None or tensor.dtype is None or array.dtype.kind not in "biuf":
            continue
        if array.dtype.name != tensor.dtype:
            dtype = np.dtype(tensor.dtype)
            array = np.rint(array) if dtype.kind in "iu" and array.dtype.kind == "f" else array
            found[tensor.name] = array.astype(dtype)
        sizes = tuple(size for size in tensor.shape or () if isinstance(size, int))
        if tensor.shape is not None and len(sizes) == len(tensor.shape) and array.size == np.prod(sizes, dtype=int):
            found[tensor.name] = found[tensor.name].reshape(sizes)
    return found
