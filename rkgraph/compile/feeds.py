"""Inputs to verify with, where none are given: made from what the graph says about each input.

Row numbers stay within the table that a Gather reads with them; 0/1 inputs (masks) are ones followed by zeros;
other integers are small; floats are drawn from a normal distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.compile.tensors import static_shape
from rkgraph.errors import UsageError
from rkgraph.results import TensorInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView

__all__ = ["generate_feeds", "generate_images"]

_PASSING = ("Cast", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators through which the elements of an input pass unchanged."""


def generate_feeds(graph: GraphView, inputs: Sequence[TensorInfo], seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """One array for each input, of its shape and dtype; the same seed gives the same arrays.

    Raises:
        UsageError: an input has no fixed shape, or a dtype that numpy does not have.
    """
    import numpy as np

    source = np.random.default_rng(seed)
    return {tensor.name: _array(graph, tensor, source) for tensor in inputs}


def generate_images(inputs: Sequence[TensorInfo], seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Images for inputs of fixed shape: whole numbers from 0 to 255, patches of 8 by 8, so that they are no mere noise.

    Raises:
        UsageError: an input has no fixed shape.
    """
    import numpy as np

    source = np.random.default_rng(seed)
    images = {}
    for tensor in inputs:
        shape = static_shape(tensor)
        patches = source.integers(0, 256, [*shape[:-2], *(-(-size // 8) for size in shape[-2:])])
        whole = patches.repeat(8, axis=-1).repeat(8, axis=-2) if len(shape) > 1 else patches.repeat(8, axis=-1)
        images[tensor.name] = whole[tuple(slice(size) for size in shape)].astype(tensor.dtype)
    return images


def _array(graph: GraphView, tensor: TensorInfo, source: np.random.Generator) -> npt.NDArray[Any]:
    import numpy as np

    shape = static_shape(tensor)
    try:
        dtype = np.dtype(tensor.dtype)
    except TypeError as error:
        raise UsageError(
            f"input {tensor.name}: dtype {tensor.dtype}: no values can be made up", "give arrays: --inputs x.npz"
        ) from error
    if dtype.kind in "iu":
        rows = gathered_rows(graph, tensor.name)
        if rows is not None:
            return source.integers(0, max(rows, 1), shape, dtype=dtype)
        return _mask(shape, source).astype(dtype)
    if dtype.kind == "b":
        return _mask(shape, source).astype(dtype)
    if dtype.kind != "f":
        raise UsageError(
            f"input {tensor.name}: dtype {tensor.dtype}: no values can be made up", "give arrays: --inputs x.npz"
        )
    if is_inverted_mask(graph, tensor.name):
        return _mask(shape, source).astype(dtype)
    return source.standard_normal(shape).astype(dtype)


def gathered_rows(graph: GraphView, name: str) -> int | None:
    """The smallest number of rows of the tables that are read with this input as row numbers; None if none is."""
    found: list[int] = []
    for value in _reached(graph, name):
        for node in graph.consumers(value):
            if node.op != "Gather" or len(node.inputs) < 2 or node.inputs[1] != value:
                continue
            shape = graph.value(node.inputs[0]).shape
            axis = node.attributes.get("axis", 0)
            size = shape[axis] if shape and -len(shape) <= axis < len(shape) else None
            if isinstance(size, int):
                found.append(size)
    return min(found, default=None)


def is_inverted_mask(graph: GraphView, name: str) -> bool:
    """True where a float input is only ever subtracted from a constant: 1 - mask."""
    consumers = [node for value in _reached(graph, name) for node in graph.consumers(value)]
    consumers = [node for node in consumers if node.op not in _PASSING]
    return bool(consumers) and all(node.op == "Sub" and graph.is_constant(node.inputs[0]) for node in consumers)


def _reached(graph: GraphView, name: str) -> list[str]:
    """The value and all that carry the same elements."""
    reached = [name]
    for value in reached:
        for node in graph.consumers(value):
            if node.op in _PASSING and node.inputs[0] == value:
                reached += [output for output in node.outputs if output not in reached]
    return reached


def _mask(shape: tuple[int, ...], source: np.random.Generator) -> npt.NDArray[np.bool_]:
    """True up to a random place of the last axis, at least once, false behind: a padded sequence."""
    import numpy as np

    if not shape:
        return np.ones((), bool)
    length = int(source.integers(max(shape[-1] // 2, 1), shape[-1] + 1)) if shape[-1] else 0
    return np.broadcast_to(np.arange(shape[-1]) < length, shape)
