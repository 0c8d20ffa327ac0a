"""The toolkit's simulator. It cannot run a .rknn: it builds the stage's ONNX model again, and runs all cases at once.

`init_runtime` of rknn-toolkit2 2.3.2 says so itself: "RKNN model that loaded by 'load_rknn' not support inference on
the simulator". What was simulated is kept, so that the same arrays cost nothing the second time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import digest_files, key_of
from rkgraph.compile.calibration import read_kept, write_dataset
from rkgraph.compile.defects import avoiding, defects_of
from rkgraph.compile.model_files import model_files
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.graph.load import read_view
from rkgraph.runtime.cpu import CpuBackend
from rkgraph.targets import Target, precision_config
from rkgraph.toolkit.jobs import Job

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.manifest import Bundle, BundleStage
    from rkgraph.compile.toolchain import Toolchain

    Array = npt.NDArray[Any]
    Feeds = Mapping[str, Array]

__all__ = ["SimulatorBackend"]


class SimulatorBackend:
    """Runs rknn stages in the simulator and onnx stages on the host's CPU; the toolkit stays up until the end."""

    name = "simulator"

    def __init__(
        self, bundle: Bundle, chain: Toolchain, *, cache: CompileCache | None, tell: Callable[[str], None]
    ) -> None:
        self._bundle = bundle
        self._target = bundle.target or Target()
        self._config = BuildConfig.of(bundle.options or {}, self._target, str(bundle.folder))
        self._chain = chain
        self._cache = cache
        self._tell = tell
        self._host = CpuBackend(bundle)

    def run(self, stage: BundleStage, cases: Sequence[Feeds]) -> list[dict[str, Array]]:
        """Outputs by name for each case; one build serves them all.

        Raises:
            UsageError: the stage has no ONNX model, or is quantized and has no samples.
            ToolkitMissing: the toolkit is not installed.
            ToolkitFailed: it failed.
        """
        if stage.kind == "onnx":
            return self._host.run(stage, cases)
        if stage.source is None:
            raise UsageError(
                f"stage {stage.name}: rknn-toolkit2 simulates ONNX models only, and the bundle has none for it",
                "compile with -o FOLDER.rk, which keeps it; a bare .rknn runs on the board only",
            )
        source = self._bundle.path(stage.source)
        config = self._config_for(source)
        keys = self._keys(source, config, cases)
        known = {key: entry for key in keys if (entry := self._cache.find(key) if self._cache else None)}
        results = {key: read_npz(entry.file("outputs.npz")) for key, entry in known.items()}
        missing = {key: case for key, case in zip(keys, cases, strict=True) if key not in results}
        if missing:
            results |= dict(
                zip(missing, self._simulate(stage, source, config, list(missing.values()), list(missing)), strict=True)
            )
        return [results[key] for key in keys]

    def close(self) -> None:
        """Let the host's sessions go; the toolkit's process belongs to the chain."""
        self._host.close()

    def _config_for(self, source: Path) -> BuildConfig:
        """The options of the bundle, and what compile switches off for this model."""
        return avoiding(self._config, defects_of(read_view(source).main, self._target))

    def _keys(self, source: Path, config: BuildConfig, cases: Sequence[Feeds]) -> list[str]:
        import hashlib

        target = [self._target.platform, self._target.toolkit, self._target.precision]
        samples = (
            None if self._bundle.calibration is None else digest_files([self._bundle.path(self._bundle.calibration)])
        )
        common = {
            "what": "simulate",
            "model": digest_files(model_files(source)),
            "target": target,
            "options": config.of_build,
            "samples": samples,
        }
        keys = []
        for case in cases:
            digest = hashlib.sha256()
            for name in sorted(case):
                array = case[name]
                digest.update(f"{name}\0{array.dtype.str}{array.shape}".encode() + array.tobytes())
            keys.append(key_of({**common, "feeds": digest.hexdigest()}))
        return keys

    def _simulate(
        self, stage: BundleStage, source: Path, config: BuildConfig, cases: Sequence[Feeds], keys: Sequence[str]
    ) -> list[dict[str, Array]]:
        with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
            work = Path(name)
            feeds = [work / f"feeds-{number}.npz" for number in range(len(cases))]
            for path, case in zip(feeds, cases, strict=True):
                write_npz(path, {tensor.name: case[tensor.name] for tensor in stage.inputs})
            (work / "outputs").mkdir()
            job = Job(
                model=source,
                platform=self._target.platform,
                config=config.config_arguments(self._target),
                build=self._build_arguments(stage, work),
                islands=self._config.fp16_islands,
                simulate=tuple(feeds),
                inputs=tuple(tensor.name for tensor in stage.inputs),
                outputs=tuple(tensor.name for tensor in stage.outputs),
                output_folder=work / "outputs",
            )
            done = self._chain.run(job, self._tell)
            if not done.ok:
                raise ToolkitFailed(
                    f"stage {stage.name}: the simulator of rknn-toolkit2 {self._target.toolkit} failed "
                    f"({done.outcome}): {done.error}",
                    f"rkgraph compile {source} --log build.log",
                )
            if self._cache is not None:
                for key, path in zip(keys, done.outputs, strict=True):
                    self._cache.store(key, {"outputs.npz": path}, {})
            return [read_npz(path) for path in done.outputs]

    def _build_arguments(self, stage: BundleStage, work: Path) -> dict[str, Any]:
        arguments = self._config.build_arguments(self._target)
        if not precision_config(self._target)["do_quantization"]:
            return arguments
        if self._bundle.calibration is None:
            raise UsageError(
                f"stage {stage.name}: the bundle has no samples, so it cannot be quantized again to simulate",
                "compile it again with --calibration SAMPLES.npz -o FOLDER.rk",
            )
        samples = read_kept(self._bundle.path(self._bundle.calibration), stage.inputs)
        (work / "samples").mkdir()
        return {**arguments, "dataset": str(write_dataset(samples, work / "samples"))}
