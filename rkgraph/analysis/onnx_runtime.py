"""ONNX Runtime without its telemetry, and its values as arrays.

It would write a device id to the temporary folder and call home.
Recent Linux builds (seen: 1.31) collect by default, from the import on; a later `disable_telemetry_events()` comes
too late. `ORT_DISABLE_TELEMETRY=1`, set before the import, is the documented full opt-out (its Privacy.md).
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["as_array", "as_fed", "import_runtime"]


def import_runtime() -> ModuleType:
    """The module `onnxruntime`; a user who set ORT_DISABLE_TELEMETRY, to whatever, keeps that."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    module: ModuleType = onnxruntime
    return module


def as_array(value: Any) -> npt.NDArray[Any]:
    """What ONNX Runtime gives, as an array: of a sequence one of objects that are arrays, of an empty optional None."""
    import numpy as np

    if not isinstance(value, list):
        return np.asarray(value)
    sequence = np.empty(len(value), dtype=object)
    for index, element in enumerate(value):
        sequence[index] = element
    return sequence


def as_fed(array: npt.NDArray[Any], type_: str) -> Any:
    """An array as ONNX Runtime takes it for an input of its type `type_`, e.g. "seq(tensor(float))"."""
    if array.dtype == object and array.ndim == 0:
        return array[()]
    if "seq(" in type_:
        return list(array)
    return array.astype(object) if array.dtype.kind in "US" else array
