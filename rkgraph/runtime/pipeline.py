"""`Pipeline`: a bundle, an ONNX model or a .rknn that runs with NumPy arrays in and out."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rkgraph.analysis.onnx_runtime import as_array
from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.manifest import Bundle, BundleStage
from rkgraph.compile.tensors import check_channels, check_dtype, check_names, did_you_mean
from rkgraph.errors import ModelError, RkgraphError, UsageError
from rkgraph.results import TensorInfo
from rkgraph.runtime.board import CORE_MASKS, BoardBackend
from rkgraph.runtime.fitting import Padded, crop, fit
from rkgraph.runtime.rknn_header import read_header
from rkgraph.runtime.values import as_declared
from rkgraph.targets import Target

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.cache import CompileCache
    from rkgraph.toolkit.locate import Toolkit

    Array = npt.NDArray[Any]
    Feeds = Mapping[str, Array]

__all__ = ["Pipeline", "Run"]

BackendName = Literal["auto", "board", "simulator", "cpu"]
BACKENDS = ("auto", "board", "simulator", "cpu")


class Backend(Protocol):
    """What runs one stage on several cases."""

    name: str

    def run(self, stage: BundleStage, cases: Sequence[Feeds]) -> list[dict[str, Array]]:
        """Outputs by name for each case."""

    def close(self) -> None:
        """Let all resources go."""


@dataclass(frozen=True)
class Run:
    """One case that was run.

    Attributes:
        outputs: arrays by name.
        padded: the inputs that a rule of the manifest filled up; empty where all fitted.
        seconds: wall-clock time of all cases of the call together.
    """

    outputs: dict[str, Array]
    padded: tuple[Padded, ...]
    seconds: float


class Pipeline:
    """Runs a bundle, an ONNX model or a .rknn. A context manager: leaving it releases the NPU and ends processes.

        with Pipeline(Path("model.rk")) as pipeline:
            embeddings = pipeline({"input_ids": ids, "attention_mask": mask})["last_hidden_state"]

    Arrays must fit the inputs in name, dtype and shape; only rules of the manifest pad, and `Run.padded` tells. A
    sequence of tensors is a list of arrays going in, and an array of objects that are arrays coming out.

    Args:
        path: a bundle's folder, a .onnx (CPU and simulator) or a .rknn (board).
        backend: "board", "simulator", "cpu", or "auto": the first of these that is there.
        core_mask: NPU cores of the board: "auto", "0", "1", "2", "0_1", "0_1_2" or "all".
        find_toolkit: finds the simulator's toolkit by version; default: the managed environments.
        cache: where simulated outputs are kept; None: nowhere.
        tell: called with a few words as long steps begin.

    Attributes:
        backend: the name of the backend that runs.
        why: why it is that one, a few words.
        inputs, outputs: what is taken and given.

    Raises:
        UsageError: no such path, not a bundle, a backend that cannot run it, or no such core mask.
        ModelError: the .onnx or .rknn cannot be read.
    """

    def __init__(
        self,
        path: Path,
        backend: BackendName = "auto",
        *,
        core_mask: str = "auto",
        find_toolkit: Callable[[str], Toolkit] | None = None,
        cache: CompileCache | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        if backend not in BACKENDS:
            raise UsageError(f"backend {backend!r} does not exist", did_you_mean(backend, BACKENDS))
        if core_mask not in CORE_MASKS:
            raise UsageError(f"core mask {core_mask!r} does not exist", did_you_mean(core_mask, CORE_MASKS))
        self.bundle = open_bundle(Path(path))
        check_options(self.bundle)
        self._find = find_toolkit or _managed
        self.backend, self.why = choose(self.bundle, backend, self._find)
        self._stack = ExitStack()
        self._backend = self._make(core_mask, cache, tell)
        self._stack.callback(self._backend.close)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The arrays that `run` takes; 4-D inputs in the layout that the bundle was compiled for."""
        return tuple(self._as_given(tensor) for tensor in self.bundle.inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The arrays that `run` gives."""
        return self.bundle.outputs

    def __call__(self, feeds: Feeds) -> dict[str, Array]:
        """The outputs by name for inputs by name. Raises as `run`."""
        return self.run(feeds).outputs

    def run(self, feeds: Feeds) -> Run:
        """Run one case.

        Raises:
            UsageError: names, dtypes or shapes that do not fit.
            ToolkitMissing, ToolkitFailed, ModelError: the backend is not there, or fails.
        """
        return self.run_many([feeds])[0]

    def run_many(self, cases: Sequence[Feeds]) -> list[Run]:
        """Run several cases; the simulator builds once for all. Raises as `run`, before anything runs."""
        started = time.monotonic()
        values = [self._checked(case) for case in cases]
        padded: list[tuple[Padded, ...]] = [() for _ in cases]
        for group in self.bundle.groups():
            chosen = [fit(each, group, self.bundle.padding) for each in values]
            for stage in group:
                own = [number for number, (bucket, _, _) in enumerate(chosen) if bucket is stage]
                if not own:
                    continue
                results = self._backend.run(stage, [chosen[number][1] for number in own])
                for number, outputs in zip(own, results, strict=True):
                    values[number] |= as_declared(outputs, stage.outputs) if stage.kind == "rknn" else outputs
                    padded[number] += chosen[number][2]
        seconds = time.monotonic() - started
        names = [tensor.name for tensor in self.bundle.outputs]
        return [
            Run(crop({name: each[name] for name in names}, case, self.bundle.crops), told, seconds)
            for each, case, told in zip(values, cases, padded, strict=True)
        ]

    def close(self) -> None:
        """Release the NPU, end the toolkit's process."""
        self._stack.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, case: Feeds) -> dict[str, Array]:
        """The arrays of one case as the models take them."""
        check_names(case, self.bundle.inputs, "inputs")
        values: dict[str, Array] = {}
        for tensor in self.bundle.inputs:
            array = as_array(case[tensor.name])
            check_dtype(array.dtype, tensor, "inputs")
            values[tensor.name] = array.transpose(0, 3, 1, 2) if self._is_nhwc(tensor) and array.ndim == 4 else array
        return values

    def _is_nhwc(self, tensor: TensorInfo) -> bool:
        nhwc = (self.bundle.options or {}).get("input_layout") == "nhwc"
        return nhwc and tensor.shape is not None and len(tensor.shape) == 4

    def _as_given(self, tensor: TensorInfo) -> TensorInfo:
        if not self._is_nhwc(tensor) or tensor.shape is None:
            return tensor
        n, c, h, w = tensor.shape
        return TensorInfo(tensor.name, tensor.dtype, (n, h, w, c))

    def _make(self, core_mask: str, cache: CompileCache | None, tell: Callable[[str], None]) -> Backend:
        if self.backend == "board":
            return BoardBackend(self.bundle, core_mask)
        if self.backend == "simulator":
            from rkgraph.compile.toolchain import Toolchain
            from rkgraph.runtime.simulator import SimulatorBackend

            version = (self.bundle.target or Target()).toolkit
            chain = self._stack.enter_context(Toolchain(lambda: self._find(version)))
            return SimulatorBackend(self.bundle, chain, cache=cache, tell=tell)
        from rkgraph.runtime.cpu import CpuBackend

        return CpuBackend(self.bundle)


def open_bundle(path: Path) -> Bundle:
    """The bundle at a path; of an ONNX model or a .rknn, one with this as its only stage.

    Raises:
        UsageError: no such path, or a folder without manifest.
        ModelError: not an ONNX model, not a .rknn.
    """
    if path.is_dir():
        return Bundle.read(path)
    if not path.exists():
        raise UsageError(
            f"{path}: no such file or folder",
            "check the path; a bundle is made by rkgraph compile MODEL.onnx -o MODEL.rk",
        )
    if path.suffix == ".rknn":
        header = read_header(path)
        stage = BundleStage("model", "rknn", None, path.name, _as_converted(header.inputs), header.outputs)
        return Bundle(path.parent, (stage,), stage.inputs, stage.outputs, Target(header.platform, header.toolkit))
    if path.suffix != ".onnx":
        raise ModelError(f"{path}: is neither .onnx nor .rknn nor a bundle", "give one of these")
    from rkgraph.graph.load import read_view

    stage = BundleStage.of(read_view(path), path.name)
    return Bundle(path.parent, (stage,), stage.inputs, stage.outputs)


def check_options(bundle: Bundle) -> None:
    """The build options of a manifest come from anywhere: raise UsageError where they are none, or do not fit."""
    config = BuildConfig.of(bundle.options or {}, bundle.target or Target(), str(bundle.folder))
    for name in ("mean_values", "std_values"):
        check_channels(name, getattr(config, name), bundle.inputs)


def _as_converted(tensors: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Inputs as the board's runtime takes them: it converts to fp16 and quantized dtypes itself."""
    native = ("float16", "int4", "int8", "int16", "uint8")
    return tuple(replace(tensor, dtype=None) if tensor.dtype in native else tensor for tensor in tensors)


def choose(bundle: Bundle, wanted: BackendName, find: Callable[[str], Toolkit]) -> tuple[str, str]:
    """The backend to run and why.

    Raises:
        UsageError: "auto" finds none that can run the bundle.
    """
    if wanted != "auto":
        return wanted, "asked for"
    compiled = all(stage.model is not None for stage in bundle.stages if stage.kind == "rknn")
    sources = all(stage.source is not None for stage in bundle.stages)
    if compiled and importlib.util.find_spec("rknnlite") is not None:
        return "board", "rknn-toolkit-lite2 is installed"
    if not sources:
        raise UsageError(
            f"{bundle.stages[0].model}: only the board runs a .rknn, and rknn-toolkit-lite2 is not installed here",
            "compile with -o FOLDER.rk, which keeps the ONNX model for simulator and CPU",
        )
    if not compiled:
        return "cpu", "it is not compiled"
    version = (bundle.target or Target()).toolkit
    try:
        find(version)
    except RkgraphError:
        return "cpu", f"neither rknn-toolkit-lite2 nor rknn-toolkit2 {version} is installed"
    return "simulator", f"rknn-toolkit-lite2 is not installed, rknn-toolkit2 {version} is"


def _managed(version: str) -> Toolkit:
    from rkgraph.toolkit.locate import find_toolkit

    return find_toolkit(version)
