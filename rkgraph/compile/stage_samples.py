"""Calibration samples of a bundle's stages: those of the bundle, run through the stages in front.

A stage that is quantized needs samples of its own inputs, and users have samples of the model. What lies between, on
the host or on the NPU, is run in float32 by ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.onnx_runtime import as_array, as_fed, import_runtime
from rkgraph.compile.calibration import Samples, pack, read_calibration
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.compile.verify import normalise
from rkgraph.errors import ModelError, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.bundle_parts import BundleStage
    from rkgraph.compile.manifest import Bundle

    Array = npt.NDArray[Any]

__all__ = ["keep_samples", "samples_of_stages"]


def samples_of_stages(
    bundle: Bundle, wanted: Sequence[int], path: Path, options: Mapping[str, Any], work: Path
) -> dict[int, Path]:
    """For each stage of `wanted` the file of its samples, which the user's own is where it fits the only one as it is.

    Args:
        bundle: not compiled yet; stages in front need their ONNX models.
        wanted: stages that are to be built, by index, in order.
        path: the user's samples, of the bundle's inputs, or of those of the only stage.
        options: build options; mean and standard deviation count for what is run.
        work: where files may be written.

    Raises:
        UsageError: samples fit neither, are images though something has to be run, or a stage has several sizes.
        ModelError: ONNX Runtime does not run a stage in front.
    """
    first = bundle.stages[wanted[0]]
    if len(wanted) == 1 and _are_of(path, first, bundle):
        return {wanted[0]: path}
    if any(len(group) > 1 for group in bundle.groups()):
        raise UsageError(
            f"{path}: {bundle.folder} has stages of several sizes, and samples of which nothing tells the size",
            "compile the stages one by one: rkgraph compile FOLDER/STAGE.onnx",
        )
    names = [tensor.name for tensor in bundle.inputs]
    rows: dict[int, list[tuple[Array | Path, ...]]] = {index: [] for index in wanted}
    runs = _Runs(bundle, options)
    for row in read_calibration(path, bundle.inputs).rows:
        values = dict(zip(names, row, strict=True))
        if any(isinstance(value, Path) for value in values.values()):
            raise UsageError(
                f"{path}: has images, which the toolkit reads, but {bundle.stages[0].name} is run before",
                "give arrays: a .npz by input name",
            )
        for index, stage in enumerate(bundle.stages[: wanted[-1] + 1]):
            if index in rows:
                rows[index].append(tuple(values[tensor.name] for tensor in stage.inputs))
            if index < wanted[-1]:
                values |= runs.outputs(stage, values)
    found = {}
    for index, each in rows.items():
        found[index] = work / f"samples-{index}.npz"
        pack(Samples(tuple(each)), bundle.stages[index].inputs, found[index])
    return found


def keep_samples(stages: Mapping[int, BundleStage], samples: Mapping[int, Path], path: Path) -> bool:
    """Write the samples of all stages as one .npz, from which `read_calibration` takes those of a stage.

    False, and nothing is written, where they are images.
    """
    joined: dict[str, Array] = {}
    for index, stage in stages.items():
        part = path.with_name(f"part-{index}.npz")
        if not pack(read_calibration(samples[index], stage.inputs), stage.inputs, part):
            return False
        joined |= read_npz(part)
        part.unlink()
    write_npz(path, joined)
    return True


def _are_of(path: Path, stage: BundleStage, bundle: Bundle) -> bool:
    """Whether the samples are those of the stage itself."""
    if {(t.name, t.shape) for t in stage.inputs} == {(t.name, t.shape) for t in bundle.inputs}:
        return True
    names = {tensor.name for tensor in stage.inputs}
    return path.suffix == ".npz" and path.is_file() and set(read_npz(path)) == names


class _Runs:
    """Stages in ONNX Runtime, each loaded once."""

    def __init__(self, bundle: Bundle, options: Mapping[str, Any]) -> None:
        self._bundle, self._options = bundle, options
        self._sessions: dict[str, Any] = {}

    def outputs(self, stage: BundleStage, values: Mapping[str, Any]) -> dict[str, Array]:
        """What the stage makes of one sample."""
        if stage.source is None:
            raise UsageError(
                f"stage {stage.name}: was kept without its ONNX model, so samples cannot be run through it",
                "make the bundle again with rkgraph fix",
            )
        feeds = normalise({t.name: values[t.name] for t in stage.inputs}, self._options if stage.kind == "rknn" else {})
        # ONNX Runtime's exceptions have no base of their own but Exception.
        try:
            session = self._session(stage.source)
            given = {each.name: as_fed(feeds[each.name], each.type) for each in session.get_inputs()}
            names = [tensor.name for tensor in stage.outputs]
            return {name: as_array(value) for name, value in zip(names, session.run(names, given), strict=True)}
        except Exception as error:
            first = (str(error).splitlines() or [type(error).__name__])[0][:300]
            raise ModelError(
                f"stage {stage.name}: ONNX Runtime does not run it on the samples: {first}", "check --calibration"
            ) from error

    def _session(self, source: str) -> Any:
        if source not in self._sessions:
            path = str(self._bundle.path(source))
            self._sessions[source] = import_runtime().InferenceSession(path, providers=["CPUExecutionProvider"])
        return self._sessions[source]
