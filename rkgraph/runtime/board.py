"""The board: rknn-toolkit-lite2, which exists for aarch64 and needs the NPU's driver.

The API used is that of rknn-toolkit-lite2 2.3.2 (`rknnlite/api/rknn_lite.py`): every call returns 0 or an error
code, `inference` a list of arrays or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rkgraph.errors import ToolkitFailed, ToolkitMissing, UsageError
from rkgraph.runtime.cpu import CpuBackend

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.manifest import Bundle, BundleStage

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["CORE_MASKS", "BoardBackend"]

CORE_MASKS = {
    "auto": "NPU_CORE_AUTO",
    "0": "NPU_CORE_0",
    "1": "NPU_CORE_1",
    "2": "NPU_CORE_2",
    "0_1": "NPU_CORE_0_1",
    "0_1_2": "NPU_CORE_0_1_2",
    "all": "NPU_CORE_ALL",
}
"""Core mask → constant of RKNNLite. Which a platform has is told by `targets.platform_facts`."""


class BoardBackend:
    """Runs rknn stages on the NPU and onnx stages on the host's CPU; models are loaded once, at their first use."""

    name = "board"

    def __init__(self, bundle: Bundle, core_mask: str = "auto") -> None:
        self._bundle = bundle
        self._core_mask = core_mask
        self._host = CpuBackend(bundle)
        self._loaded: dict[str, Any] = {}

    def run(self, stage: BundleStage, cases: Sequence[Feeds]) -> list[dict[str, npt.NDArray[Any]]]:
        """Outputs by name for each case.

        Raises:
            ToolkitMissing: rknn-toolkit-lite2 is not installed.
            ToolkitFailed: it returned an error.
            UsageError: the stage is not compiled.
        """
        if stage.kind == "onnx":
            return self._host.run(stage, cases)
        runtime = self._runtime(stage)
        return [self._infer(runtime, stage, case) for case in cases]

    def close(self) -> None:
        """Release the NPU. Safe to call again."""
        while self._loaded:
            self._loaded.popitem()[1].release()
        self._host.close()

    def _infer(self, runtime: Any, stage: BundleStage, case: Feeds) -> dict[str, npt.NDArray[Any]]:
        arrays = [case[tensor.name] for tensor in stage.inputs]
        # Without data_format the runtime takes 4-D arrays for NHWC; ONNX models are NCHW.
        layout = {"data_format": ["nchw"] * len(arrays)} if any(array.ndim == 4 for array in arrays) else {}
        values = runtime.inference(inputs=arrays, **layout)
        if values is None or len(values) != len(stage.outputs):
            raise ToolkitFailed(
                f"stage {stage.name}: the board's runtime gave {0 if values is None else len(values)} outputs, "
                f"not {len(stage.outputs)}",
                "what it printed above says why; an operator without a board kernel shows in rkgraph compile",
            )
        return {tensor.name: value for tensor, value in zip(stage.outputs, values, strict=True)}

    def _runtime(self, stage: BundleStage) -> Any:
        if stage.model is None:
            raise UsageError(
                f"stage {stage.name}: is not compiled", f"rkgraph compile {self._bundle.folder} --target PLATFORM"
            )
        if stage.model not in self._loaded:
            self._loaded[stage.model] = self._load(stage, stage.model)
        return self._loaded[stage.model]

    def _load(self, stage: BundleStage, model: str) -> Any:
        try:
            from rknnlite.api import RKNNLite
        except ImportError as error:
            raise ToolkitMissing(
                f"rknn-toolkit-lite2 cannot be imported ({error})",
                "on the board: pip install rknn-toolkit-lite2; elsewhere: --backend simulator or cpu",
            ) from error
        path = self._bundle.path(model)
        runtime = RKNNLite(verbose=False)
        mask = getattr(RKNNLite, CORE_MASKS[self._core_mask])
        for call, arguments in ((runtime.load_rknn, {"path": str(path)}), (runtime.init_runtime, {"core_mask": mask})):
            code = call(**arguments)
            if code != 0:
                runtime.release()
                raise ToolkitFailed(
                    f"stage {stage.name}: {call.__name__} of {path.name} returned {code} on the board",
                    "compare platform, driver and runtime versions: cat /sys/kernel/debug/rknpu/version",
                )
        return runtime
