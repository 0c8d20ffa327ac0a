"""The models of onnx's backend suite with their own inputs and expected outputs.

Run by another interpreter it says which of them the ONNX Runtime there runs as expected, one id a line:

    PYTHON benchmarks/suite_cases.py SUITE_FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper

__all__ = ["DATA", "SuiteCase", "Tolerance", "agree", "differences", "read_case", "run"]

Array = npt.NDArray[Any]

DATA = "onnx/backend/test/data"


@dataclass(frozen=True)
class SuiteCase:
    """A model, what to feed it and what should come out: arrays, lists (sequences) or None (empty optionals)."""

    id: str
    path: Path
    feeds: Mapping[str, Any]
    expected: Mapping[str, Any]


def read_case(path: Path) -> SuiteCase:
    """The model at KIND/NAME/model.onnx with its first test data set.

    Raises:
        ValueError: the data cannot be read, or do not belong to the model.
    """
    model = onnx.load(path, load_external_data=False)
    folder = path.parent / "test_data_set_0"
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in given]
    identity = f"{path.parent.parent.name}/{path.parent.name}"
    feeds = {v.name: _value(folder / f"input_{i}.pb", v) for i, v in enumerate(inputs)}
    expected = {v.name: _value(folder / f"output_{i}.pb", v) for i, v in enumerate(model.graph.output)}
    return SuiteCase(identity, path, feeds, expected)


def _value(path: Path, declared: onnx.ValueInfoProto) -> Any:
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    kind = declared.type.WhichOneof("value")
    data = path.read_bytes()
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def run(model: str | bytes, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """All outputs in ONNX Runtime, optimisations off. Raises whatever ONNX Runtime raises."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    known = {value.name for value in session.get_inputs()}
    return dict(zip(names, session.run(names, {k: v for k, v in feeds.items() if k in known}), strict=True))


@dataclass(frozen=True)
class Tolerance:
    """How far a number may lie off: `absolute` + `relative` of the expected one + `of_largest` of the largest one."""

    relative: float
    of_largest: float = 0.0
    absolute: float = 0.0


def differences(expected: Any, actual: Any, allowed: Tolerance) -> str:
    """Why `actual` is not `expected`; "" where it is.

    NaN equals NaN; bools and strings must be equal. Lists are compared item by item.
    """
    if expected is None or actual is None:
        return "" if expected is actual else "one of them is nothing"
    if not isinstance(expected, (list, tuple)):
        return _of_arrays(np.asarray(expected), np.asarray(actual), allowed)
    if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
        return "another number of items"
    found = (differences(e, a, allowed) for e, a in zip(expected, actual, strict=True))
    return next(filter(None, found), "")


def _of_arrays(expected: Array, actual: Array, allowed: Tolerance) -> str:
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, not {expected.shape}"
    if expected.dtype == bool or expected.dtype.kind in "OSU":
        wrong = actual.astype(expected.dtype) != expected
        return f"{int(wrong.sum())} of {expected.size} differ" if wrong.any() else ""
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    largest = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    margin = allowed.absolute + allowed.relative * np.abs(b) + allowed.of_largest * largest
    with np.errstate(invalid="ignore"):
        wrong = ~((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= margin))
    if not wrong.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {b.size} differ, first {float(a[place]):.6g} for {float(b[place]):.6g} at {place}"


TOLERANCE = Tolerance(1e-3, of_largest=1e-6, absolute=1e-7)
"""That of onnx's own backend test runner (onnx/backend/test/runner), and float32's roundings where terms cancel."""


def agree(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    """Why the outputs are not the suite's own, within its tolerance; "" where they are."""
    for name, value in expected.items():
        if name not in actual:
            return f"{name}: missing"
        found = differences(value, actual[name], TOLERANCE)
        if found:
            return f"{name}: {found}"
    return ""


def _matching(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*/*/model.onnx")):
        try:
            case = read_case(path)
            matches = not agree(case.expected, run(str(path), case.feeds))
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises anything; a model that does not run is no match
            print(f"{path.parent.name}: {str(error).splitlines()[0][:120]}", file=sys.stderr)
            continue
        if matches:
            yield case.id


if __name__ == "__main__":
    for match in _matching(Path(sys.argv[1])):
        print(match, flush=True)
