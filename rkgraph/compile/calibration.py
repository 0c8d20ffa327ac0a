"""Calibration samples: from what users have to what the toolkit reads, checked against the model's inputs first.

data.npz             arrays by input name: one sample of the input's shape, or N of them along a leading axis
                     (an input of batch 1 also takes N samples as a batch of N)
folder/              .npz files as above, in order of their names; or .npy: one file an input, NAME.npy,
                     or for a model of one input any number of them, or of images
list.txt             the toolkit's own dataset file: a sample a line, one .npy or image an input in model order,
                     or one .npz; paths relative to the list. "#" begins a line that is a comment; for a model of one
                     input a line is one path, spaces and all
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.cache import digest_files
from rkgraph.compile.tensors import check_dtype, check_names, describe_shape, read_npz, static_shape, write_npz
from rkgraph.errors import UsageError
from rkgraph.targets import Target, precision_config

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.results import TensorInfo

    Array = npt.NDArray[Any]

__all__ = ["Samples", "pack", "read_calibration", "read_kept", "require_calibration", "write_dataset"]

IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png"})
"""What the toolkit decodes itself (its manual); left to it, and not checked here."""


@dataclass(frozen=True)
class Samples:
    """Calibration samples: each a tuple in input order of arrays of the input's shape, or paths of images."""

    rows: tuple[tuple[Array | Path, ...], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all samples in order."""
        digest = hashlib.sha256()
        for item in (item for row in self.rows for item in row):
            if isinstance(item, Path):
                digest.update(digest_files([item]).encode())
            else:
                digest.update(f"{item.dtype.str}{item.shape}".encode() + item.tobytes())
        return digest.hexdigest()


def require_calibration(path: Path | None, target: Target) -> None:
    """Raise UsageError for samples where the precision has no use for them, and for none where it needs them."""
    quantized = bool(precision_config(target)["do_quantization"])
    if quantized and path is None:
        raise UsageError(
            f"precision {target.precision} needs calibration samples",
            "give --calibration samples.npz (arrays by input name, samples along the first axis)",
        )
    if path is not None and not quantized:
        raise UsageError(
            f"--calibration {path}: precision {target.precision} does not quantize",
            "drop --calibration, or give --precision w8a8",
        )


def read_calibration(path: Path, inputs: Sequence[TensorInfo]) -> Samples:
    """Read and check samples.

    Raises:
        UsageError: nothing there, names, dtypes or shapes that do not fit, with the file and the input.
    """
    if path.is_dir():
        rows = tuple(_folder(path, inputs))
    elif path.suffix == ".npz":
        rows = tuple(_split(read_npz(path), inputs, str(path)))
    elif path.suffix == ".npy":
        rows = tuple(_split({_only(path, inputs).name: _read_npy(path)}, inputs, str(path)))
    elif path.is_file():
        rows = tuple(_listed(path, inputs))
    else:
        raise UsageError(f"{path}: no such file or folder", "check --calibration: a .npz, a folder, or a text list")
    if not rows:
        raise UsageError(f"{path}: has no calibration samples", "give at least one; 20 to 100 are usual")
    return Samples(rows)


def read_kept(path: Path, inputs: Sequence[TensorInfo]) -> Samples:
    """The samples of one stage, from a .npz that may hold those of other stages of a bundle, too. Raises as above."""
    wanted = {tensor.name for tensor in inputs}
    arrays = {name: array for name, array in read_npz(path).items() if name in wanted}
    return Samples(tuple(_split(arrays, inputs, str(path))))


def pack(samples: Samples, inputs: Sequence[TensorInfo], path: Path) -> bool:
    """Write all samples as one .npz that `read_calibration` takes; False, and nothing, where some are images."""
    import numpy as np

    columns: dict[str, list[Array]] = {tensor.name: [] for tensor in inputs}
    for row in samples.rows:
        for tensor, item in zip(inputs, row, strict=True):
            if isinstance(item, Path):
                return False
            columns[tensor.name].append(item)
    write_npz(path, {name: np.stack(items) for name, items in columns.items()})
    return True


def write_dataset(samples: Samples, folder: Path) -> Path:
    """Write the samples into `folder` as the toolkit wants them; the path of its dataset file is returned."""
    import numpy as np

    lines = []
    for number, row in enumerate(samples.rows):
        paths = []
        for position, item in enumerate(row):
            stem = f"{number:05d}-{position}"  # the toolkit splits lines at spaces, so no name of the user's is used
            if isinstance(item, Path):
                path = folder / f"{stem}{item.suffix}"
                shutil.copyfile(item, path)
            else:
                path = folder / f"{stem}.npy"
                np.save(path, item)
            paths.append(str(path))
        lines.append(" ".join(paths))
    dataset = folder / "dataset.txt"
    dataset.write_text("\n".join(lines) + "\n")
    return dataset


def _folder(path: Path, inputs: Sequence[TensorInfo]) -> Iterator[tuple[Array | Path, ...]]:
    files = sorted(path.iterdir())
    archives = [file for file in files if file.suffix == ".npz"]
    arrays = [file for file in files if file.suffix == ".npy"]
    images = [file for file in files if file.suffix.lower() in IMAGES]
    if sum(map(bool, (archives, arrays, images))) > 1:
        raise UsageError(f"{path}: has files of several kinds (.npz, .npy, images)", "keep one kind")
    if images and len(inputs) > 1:
        raise UsageError(f"{path}: has images, and the model {len(inputs)} inputs", f"give a list. {_order(inputs)}")
    yield from ((file.resolve(),) for file in images)
    for file in archives:
        yield from _split(read_npz(file), inputs, str(file))
    names = {tensor.name for tensor in inputs}
    if arrays and len(inputs) == 1 and {file.stem for file in arrays} != names:
        for file in arrays:
            yield from _split({inputs[0].name: _read_npy(file)}, inputs, str(file))
    elif arrays:
        yield from _split({file.stem: _read_npy(file) for file in arrays}, inputs, str(path))


def _listed(path: Path, inputs: Sequence[TensorInfo]) -> Iterator[tuple[Array | Path, ...]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not a text list", "give a .npz, a folder, or a list of .npy files") from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        where = f"{path}:{number}"
        if not line or line.startswith("#"):
            continue
        alone = len(inputs) == 1 and (path.parent / line).is_file()
        files = [path.parent / word for word in ([line] if alone else line.split())]
        if len(files) == 1 and files[0].suffix == ".npz":
            yield from _split(read_npz(files[0]), inputs, where)
            continue
        if len(files) != len(inputs):
            raise UsageError(f"{where}: {len(files)} files for {len(inputs)} inputs", _order(inputs))
        yield tuple(_item(file, tensor, where) for file, tensor in zip(files, inputs, strict=True))


def _item(file: Path, tensor: TensorInfo, where: str) -> Array | Path:
    if not file.is_file():
        raise UsageError(f"{where}: {file}: no such file", "paths are relative to the list")
    if file.suffix.lower() in IMAGES:
        return file.resolve()
    array = _read_npy(file)
    check_dtype(array.dtype, tensor, where)
    if array.shape != static_shape(tensor):
        raise _misfit(array, tensor, where)
    return array


def _split(arrays: Mapping[str, Array], inputs: Sequence[TensorInfo], where: str) -> Iterator[tuple[Array | Path, ...]]:
    """The samples that arrays by input name hold, after checking that they fit and are equally many."""
    check_names(arrays, inputs, where)
    columns = [_column(arrays[tensor.name], tensor, where) for tensor in inputs]
    counts = [len(column) for column in columns]
    if len(set(counts)) > 1:
        told = ", ".join(f"{tensor.name} {count}" for tensor, count in zip(inputs, counts, strict=True))
        raise UsageError(f"{where}: inputs have different numbers of samples: {told}", "give each input as many")
    yield from (tuple(row) for row in zip(*columns, strict=True))


def _column(array: Array, tensor: TensorInfo, where: str) -> list[Array]:
    """The samples of one input."""
    check_dtype(array.dtype, tensor, where)
    shape = static_shape(tensor)
    if array.shape == shape:
        return [array]
    if array.shape[1:] == shape:
        return list(array)
    if len(shape) > 0 and shape[0] == 1 and array.ndim == len(shape) and array.shape[1:] == shape[1:]:
        return [array[i : i + 1] for i in range(len(array))]
    raise _misfit(array, tensor, where)


def _misfit(array: Array, tensor: TensorInfo, where: str) -> UsageError:
    shape = describe_shape(tensor.shape)
    return UsageError(
        f"{where}: input {tensor.name} is {describe_shape(array.shape)}, the model takes {shape}",
        f"one sample is {shape}, N samples are Nx{shape}",
    )


def _read_npy(path: Path) -> Array:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: is not a .npy of a plain array ({error})", "write it with numpy.save") from error
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{path}: is not a single array", "name archives .npz")
    return array


def _only(path: Path, inputs: Sequence[TensorInfo]) -> TensorInfo:
    if len(inputs) != 1:
        raise UsageError(f"{path}: one array for {len(inputs)} inputs", f"give a .npz; {_order(inputs)}")
    return inputs[0]


def _order(inputs: Sequence[TensorInfo]) -> str:
    return f"the inputs are, in order: {', '.join(tensor.name for tensor in inputs)}"
