"""The host's CPU: ONNX Runtime on the ONNX models of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.onnx_runtime import as_array, as_fed, import_runtime
from rkgraph.compile.verify import normalise
from rkgraph.errors import ModelError, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.manifest import Bundle, BundleStage

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["CpuBackend"]


class CpuBackend:
    """Runs every stage's ONNX model in float32 arithmetic, whatever it was compiled to."""

    name = "cpu"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._sessions: dict[str, Any] = {}

    def run(self, stage: BundleStage, cases: Sequence[Feeds]) -> list[dict[str, npt.NDArray[Any]]]:
        """Outputs by name for each case.

        Raises:
            UsageError: the stage was kept without its ONNX model.
            ModelError: ONNX Runtime does not take the model, or fails on the inputs.
        """
        session = self._session(stage)
        names = [tensor.name for tensor in stage.outputs]
        options = (self._bundle.options or {}) if stage.kind == "rknn" else {}
        results = []
        for case in cases:
            feeds = normalise({tensor.name: case[tensor.name] for tensor in stage.inputs}, options)
            # ONNX Runtime's exceptions have no base of their own but Exception.
            try:
                given = {i.name: as_fed(feeds[i.name], i.type) for i in session.get_inputs()}
                found = session.run(names, given)
                results.append({name: as_array(value) for name, value in zip(names, found, strict=True)})
            except Exception as error:
                raise ModelError(
                    f"stage {stage.name}: ONNX Runtime fails: {_first_line(error)}",
                    "check the inputs: rkgraph lint MODEL tells them",
                ) from error
        return results

    def close(self) -> None:
        """Let the sessions go."""
        self._sessions.clear()

    def _session(self, stage: BundleStage) -> Any:
        if stage.source is None:
            raise UsageError(
                f"stage {stage.name}: was kept without its ONNX model, so the CPU cannot run it",
                "compile with -o FOLDER.rk, which keeps it; a bare .rknn runs on the board only",
            )
        if stage.source not in self._sessions:
            onnxruntime = import_runtime()
            path = self._bundle.path(stage.source)
            try:
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            except Exception as error:
                raise ModelError(
                    f"{path}: ONNX Runtime does not take it: {_first_line(error)}", "rkgraph lint MODEL"
                ) from error
            self._sessions[stage.source] = session
        return self._sessions[stage.source]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
