"""A counterexample on disk: the inputs for which two graphs differ, as one .npz."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rkgraph.analysis.evaluator import Array
from rkgraph.files import writing

__all__ = ["save_counterexample"]


def save_counterexample(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write `arrays` by name to `path`, a .npz that `numpy.load` reads; its folder is made where it is missing.

    `numpy.savez` would not do: it takes names as keywords, and a value may well be called "file".

    Raises:
        UsageError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
