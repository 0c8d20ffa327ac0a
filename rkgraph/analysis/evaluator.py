"""The one evaluator: a model and its inputs in, its outputs out, by ONNX Runtime on the CPU.

Optimisations are off, so that what is evaluated is the graph as written: constant folding, proofs and range runs
all rest on that. Everything that ONNX Runtime refuses comes back as `EvaluationError`, one line long.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from rkgraph.analysis.definitions import with_definitions
from rkgraph.analysis.onnx_runtime import as_array, as_fed, import_runtime
from rkgraph.errors import RkgraphError

if TYPE_CHECKING:
    import onnx
    import onnxruntime

__all__ = ["Array", "EvaluationError", "Evaluator", "evaluate"]

Array = npt.NDArray[Any]

_PROTOBUF_LIMIT = 2**31 - 1  # bytes; a protobuf message cannot be larger (protobuf.dev, "Limits")
_FATAL_ONLY = 4  # ONNX Runtime's severity scale ends here; what fails comes back as an exception anyway
_VERSION_TROUBLE = re.compile(r"Opset (?P<opset>\d+) is under development|model IR version: (?P<ir>\d+)")


class EvaluationError(RkgraphError):
    """ONNX Runtime cannot load the model, or cannot run it on these inputs."""


class Evaluator:
    """A loaded model that can be run on many inputs.

    Sequences and empty optionals are arrays of objects, see `onnx_runtime.as_array`.

    Args:
        model: the model, with its weights; or the path of one, whose external data lies beside it. In a model, what
            ONNX Runtime has no kernel of on a CPU is evaluated by its definition, where that is known.
        threads: of ONNX Runtime, within an operator.

    Raises:
        EvaluationError: ONNX Runtime does not accept the model.
    """

    def __init__(self, model: onnx.ModelProto | Path, threads: int = 1) -> None:
        with _clear_errors("load the model"):
            runnable = model if isinstance(model, Path) else with_definitions(model)
        with _loadable(runnable) as source, _clear_errors("load the model"):
            self._session = _session(source, threads)
        self._types = {i.name: i.type for i in self._session.get_inputs()}
        self.inputs: tuple[str, ...] = tuple(i.name for i in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(o.name for o in self._session.get_outputs())

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """The values of `outputs` (default: all outputs of the model) for `feeds`; feeds of no input are ignored.

        Raises:
            EvaluationError: an input is missing, of a wrong dtype or shape, or an operator fails (an index out of
                range, an integer division by zero …).
        """
        wanted = list(self.outputs if outputs is None else outputs)
        with _clear_errors("run the model"):
            given = {name: as_fed(feeds[name], type_) for name, type_ in self._types.items() if name in feeds}
            found = self._session.run(wanted, given)
        return {name: as_array(value) for name, value in zip(wanted, found, strict=True)}


def evaluate(model: onnx.ModelProto | Path, feeds: Mapping[str, Array], threads: int = 1) -> dict[str, Array]:
    """All outputs of `model` for `feeds`. Raises EvaluationError as `Evaluator` does."""
    return Evaluator(model, threads).run(feeds)


def _session(source: bytes | str, threads: int) -> onnxruntime.InferenceSession:
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


@contextmanager
def _loadable(model: onnx.ModelProto | Path) -> Iterator[bytes | str]:
    """The model as ONNX Runtime takes it: bytes, or, where these would be too many for protobuf, a temporary file."""
    if isinstance(model, Path):
        yield str(model)
    elif model.ByteSize() < _PROTOBUF_LIMIT:
        yield model.SerializeToString()
    else:
        import onnx

        with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(model, path, save_as_external_data=True, location="weights")
            yield str(path)


@contextmanager
def _clear_errors(what: str) -> Iterator[None]:
    try:
        yield
    except RkgraphError:
        raise
    # The exceptions of ONNX Runtime's C++ side have no base class of their own but Exception.
    except Exception as error:
        raise EvaluationError(f"ONNX Runtime cannot {what}: {_one_line(error)}", _hint(error)) from error


def _one_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : ", "", text)
    text = re.sub(r"/\S*onnxruntime\S*?\.(h|cc):\d+ .*?\) (?=[A-Z])", "", text)
    return " ".join(text.split())[:400]


def _hint(error: Exception) -> str:
    found = _VERSION_TROUBLE.search(str(error))
    if found is None:
        return ""
    import onnxruntime

    what = f"opset {found['opset']}" if found["opset"] else f"IR version {found['ir']}"
    return f"{what} is newer than ONNX Runtime {onnxruntime.__version__}: pip install --upgrade onnxruntime"
