"""Named tensors at the edge of a model: what they are, and whether given arrays fit. Nothing is cast or padded here."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rkgraph.errors import UsageError
from rkgraph.results import TensorInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView

    Array = npt.NDArray[Any]

__all__ = [
    "check_channels",
    "check_dtype",
    "check_feeds",
    "check_names",
    "describe_shape",
    "did_you_mean",
    "fits",
    "is_static",
    "read_npz",
    "static_shape",
    "tensors_of",
    "write_npz",
]


def tensors_of(graph: GraphView) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Inputs and outputs of a graph, in model order."""

    def info(name: str) -> TensorInfo:
        value = graph.value(name)
        return TensorInfo(name, value.dtype, value.shape)

    return tuple(info(name) for name in graph.inputs), tuple(info(name) for name in graph.outputs)


def is_static(tensor: TensorInfo) -> bool:
    """True when rank and all dimensions are known numbers."""
    return tensor.shape is not None and all(isinstance(size, int) for size in tensor.shape)


def static_shape(tensor: TensorInfo) -> tuple[int, ...]:
    """The shape of a tensor all of whose dimensions are known.

    Raises:
        UsageError: one is not.
    """
    shape = tensor.shape
    sizes = tuple(size for size in shape or () if isinstance(size, int))
    if shape is None or len(sizes) != len(shape):
        raise UsageError(
            f"input {tensor.name}: its shape {describe_shape(tensor.shape)} is not fixed",
            f"rkgraph fix MODEL --shape {tensor.name}=… -o FIXED.onnx",
        )
    return sizes


def describe_shape(shape: Sequence[int | str | None] | None) -> str:
    """A shape as people write it: "1x256", "batchx?x384", "scalar", "unknown"."""
    if shape is None:
        return "unknown"
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word: the closest known one, else all of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(names) or '(none)'}"


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of a .npz file by name. Pickled objects are refused.

    Raises:
        UsageError: the file does not exist, or is not a .npz of plain arrays.
    """
    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise UsageError(f"{path}: is a single array, not arrays by input name", "write it with numpy.savez")
        with loaded as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file", "give a .npz, written with numpy.savez") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # Of what is neither .npy nor .npz numpy says that it may be a pickle, and how to read it none the less.
        why = error if path.is_file() and zipfile.is_zipfile(path) else "no zip archive"
        raise UsageError(f"{path}: is not a .npz of plain arrays ({why})", "write it with numpy.savez") from error


def write_npz(target: Path | IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write arrays by name as .npz. `numpy.savez` cannot: it takes an array called "file" for its own argument."""
    import numpy as np

    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def check_names(given: Iterable[str], tensors: Sequence[TensorInfo], where: str) -> None:
    """Refuse names that no input has, and inputs that got nothing. Raises UsageError."""
    names = [tensor.name for tensor in tensors]
    found = list(given)
    for name in found:
        if name not in names:
            raise UsageError(f"{where}: {name} is not an input of the model", did_you_mean(name, names))
    for name in names:
        if name not in found:
            raise UsageError(f"{where}: nothing is given for input {name}", f"the inputs are {', '.join(names)}")


def check_feeds(feeds: Mapping[str, Array], tensors: Sequence[TensorInfo], where: str) -> None:
    """Arrays must fit the inputs exactly: names, dtypes and shapes.

    Args:
        feeds: array by input name.
        tensors: the inputs; a dimension that is no number takes any size.
        where: what to blame in the message, e.g. a file name.

    Raises:
        UsageError: with the input, what it needs and what was given.
    """
    check_names(feeds, tensors, where)
    for tensor in tensors:
        array = feeds[tensor.name]
        check_dtype(array.dtype, tensor, where)
        if not fits(array.shape, tensor.shape):
            raise UsageError(
                f"{where}: input {tensor.name} is {describe_shape(array.shape)}, "
                f"the model takes {describe_shape(tensor.shape)}",
                "nothing is padded or cut unasked: bring it to that shape",
            )


def check_dtype(dtype: np.dtype[Any], tensor: TensorInfo, where: str) -> None:
    """Refuse an array of another dtype than the input's. Raises UsageError."""
    if tensor.dtype == "string" and dtype.kind in "OSU":
        return
    if tensor.dtype is not None and dtype.name != tensor.dtype:
        raise UsageError(
            f"{where}: input {tensor.name} is {dtype.name}, the model takes {tensor.dtype}",
            f"convert it: array.astype('{tensor.dtype}')",
        )


def check_channels(option: str, rows: Sequence[Sequence[float]] | None, tensors: Sequence[TensorInfo]) -> None:
    """Raise UsageError unless channel values (`mean_values` …) are one list an input, one value a channel."""
    if rows is None:
        return
    if len(rows) != len(tensors):
        raise UsageError(
            f"{option}: {len(rows)} lists of channel values for {len(tensors)} inputs",
            f"give one list for each of {', '.join(tensor.name for tensor in tensors)}",
        )
    for row, tensor in zip(rows, tensors, strict=True):
        channels = tensor.shape[1] if tensor.shape is not None and len(tensor.shape) > 1 else None
        if isinstance(channels, int) and len(row) != channels:
            raise UsageError(
                f"{option}: {len(row)} values for input {tensor.name}, which has {channels} channels",
                f"its shape is {describe_shape(tensor.shape)}",
            )


def fits(shape: Sequence[int], wanted: Sequence[int | str | None] | None) -> bool:
    """Whether a concrete shape is one that `wanted` allows; the same symbolic name must have one size throughout."""
    if wanted is None:
        return True
    sizes: dict[str, int] = {}
    return len(shape) == len(wanted) and all(
        have == want if isinstance(want, int) else want is None or sizes.setdefault(want, have) == have
        for have, want in zip(shape, wanted, strict=True)
    )
