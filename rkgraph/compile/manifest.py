"""A bundle: a folder with `manifest.json`, its models in order, and the rules that fit arrays to them.

A manifest may come from anywhere, so all that it says is checked: it names only files inside its folder, every
stage reads what an earlier one made, and sizes are bounded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from rkgraph.compile.bundle_parts import BundleStage, Crop, Padding, RawWeight
from rkgraph.compile.manifest_reader import SCHEMA, SIZES, ManifestReader
from rkgraph.errors import UsageError
from rkgraph.files import write_text
from rkgraph.results import TensorInfo
from rkgraph.targets import Target

__all__ = ["MANIFEST", "SCHEMA", "Bundle", "BundleStage", "Crop", "Padding", "is_bundle"]

MANIFEST = "manifest.json"
MAX_BYTES = 4 << 20
"""A larger manifest is refused: one of 1,000 stages needs about 500 KB."""


@dataclass(frozen=True)
class Bundle:
    """The folder and what its manifest says.

    Attributes:
        folder: where manifest and models lie.
        stages: in the order in which they run; values pass from one to the next by name.
        inputs, outputs: of the whole.
        target: what it was fixed or compiled for.
        padding, crops: how arrays of other sizes are fitted; without such rules they are refused.
        options: the build configuration it was compiled with, as in build.toml.
        calibration: .npz of the samples it was quantized with: the simulator builds anew and needs them.
        weights: constants that are there as raw files, too.
    """

    folder: Path
    stages: tuple[BundleStage, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    target: Target | None = None
    padding: tuple[Padding, ...] = ()
    crops: tuple[Crop, ...] = ()
    options: Mapping[str, Any] | None = None
    calibration: str | None = None
    weights: tuple[RawWeight, ...] = ()

    @classmethod
    def create(
        cls,
        folder: Path,
        stages: Sequence[BundleStage],
        *,
        target: Target | None = None,
        padding: Sequence[Padding] = (),
        crops: Sequence[Crop] = (),
        inputs: Sequence[TensorInfo] | None = None,
        outputs: Sequence[TensorInfo] | None = None,
        weights: Sequence[RawWeight] = (),
    ) -> Bundle:
        """Write the manifest of models that lie in `folder` already.

        Inputs and outputs of the whole are those of the first and the last stage unless given.

        Raises:
            UsageError: the stages do not fit together, a file is missing, or the folder cannot be written.
        """
        if not stages:
            raise UsageError(f"{folder}: a bundle needs at least one stage", "give a model that computes something")
        bundle = cls(
            folder,
            tuple(stages),
            tuple(stages[0].inputs if inputs is None else inputs),
            tuple(stages[-1].outputs if outputs is None else outputs),
            target,
            tuple(padding),
            tuple(crops),
            weights=tuple(weights),
        )
        bundle.write()
        return bundle

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read and check the manifest of a folder.

        Raises:
            UsageError: there is none, it is malformed, it names files outside the folder or that are missing, or
                its stages do not fit together.
        """
        path = folder / MANIFEST
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"{path}: is larger than {MAX_BYTES >> 20} MB", "is it a manifest of rkgraph?")
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UsageError(
                f"{folder}: is no bundle (it has no {MANIFEST})", "make one: rkgraph fix MODEL.onnx -o FOLDER.rk"
            ) from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror})", "check its permissions") from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}: is not JSON ({error})", "make the bundle again") from error
        bundle = cls(folder, *ManifestReader(path).fields(data))
        bundle.check()
        return bundle

    def write(self) -> None:
        """Write `manifest.json`, whole or not at all.

        Raises:
            UsageError: as `check`, or the file cannot be written.
        """
        self.check()
        data = asdict(self)
        del data["folder"]
        write_text(self.folder / MANIFEST, json.dumps({"schema": SCHEMA, **data}, indent=1, ensure_ascii=False) + "\n")

    def path(self, file: str) -> Path:
        """A file of the bundle.

        Raises:
            UsageError: the name leaves the folder (absolute, `..`, a link to elsewhere), or there is no such file.
        """
        name = PurePosixPath(file)
        path = self.folder / name
        if name.is_absolute() or ".." in name.parts or not path.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(f"{self.folder / MANIFEST}: {file} lies outside the bundle", "a bundle is self-contained")
        if not path.is_file():
            raise UsageError(
                f"{self.folder / MANIFEST}: names {file}, and there is no such file in the folder",
                "copy it there, or make the bundle again",
            )
        return path

    def groups(self) -> tuple[tuple[BundleStage, ...], ...]:
        """The stages in order, buckets of one name together."""
        groups: list[list[BundleStage]] = []
        for stage in self.stages:
            if groups and groups[-1][0].name == stage.name:
                groups[-1].append(stage)
            else:
                groups.append([stage])
        return tuple(tuple(group) for group in groups)

    def with_models(self, models: Mapping[int, str], target: Target, options: Mapping[str, Any]) -> Bundle:
        """The bundle after compiling: stage index → .rknn file."""
        stages = (replace(stage, model=models.get(i, stage.model)) for i, stage in enumerate(self.stages))
        return replace(self, stages=tuple(stages), target=target, options=dict(options))

    def check(self) -> None:
        """Raise UsageError where files are missing or outside, or stages do not fit together."""
        self._check_files()
        self._check_groups()
        self._check_flow()
        self._check_rules()

    def _check_files(self) -> None:
        if self.calibration is not None:
            self.path(self.calibration)
        for weight in self.weights:
            self._check_size(weight)
        for stage in self.stages:
            if stage.kind == "onnx" and stage.source is None:
                raise self._wrong(f"stage {stage.name} is of kind onnx and has no source")
            if stage.source is None and stage.model is None:
                raise self._wrong(f"stage {stage.name} has neither source nor model")
            for file in filter(None, (stage.source, stage.model)):
                self.path(file)

    def _check_size(self, weight: RawWeight) -> None:
        size, wanted = self.path(weight.file).stat().st_size, math.prod(weight.shape)
        if weight.dtype not in SIZES or size != wanted * SIZES[weight.dtype]:
            raise self._wrong(f"{weight.file} has {size} bytes, which are not {list(weight.shape)} of {weight.dtype}")

    def _check_groups(self) -> None:
        names = [group[0].name for group in self.groups()]
        for group in self.groups():
            if names.count(group[0].name) > 1:
                raise self._wrong(f"buckets of stage {group[0].name} do not follow each other")
            for stage in group[1:]:
                if stage.kind != group[0].kind or _signature(stage) != _signature(group[0]):
                    raise self._wrong(f"buckets of stage {stage.name} differ in more than their shapes")

    def _check_flow(self) -> None:
        known = {tensor.name: tensor.dtype for tensor in self.inputs}
        for group in self.groups():
            for tensor in group[0].inputs:
                if tensor.name not in known:
                    raise self._wrong(f"stage {group[0].name} reads {tensor.name}, which no stage before it makes")
                if None not in (tensor.dtype, known[tensor.name]) and tensor.dtype != known[tensor.name]:
                    raise self._wrong(
                        f"stage {group[0].name} reads {tensor.name} as {tensor.dtype}, it is {known[tensor.name]}"
                    )
            known |= {tensor.name: tensor.dtype for tensor in group[0].outputs}
        for tensor in self.outputs:
            if tensor.name not in known:
                raise self._wrong(f"no stage makes the output {tensor.name}")

    def _check_rules(self) -> None:
        inputs = {tensor.name: tensor for tensor in self.inputs}
        outputs = {tensor.name: tensor for tensor in self.outputs}
        ends = [(rule.input, rule.axis, inputs) for rule in self.padding]
        ends += [(rule.output, rule.axis, outputs) for rule in self.crops]
        ends += [(rule.input, rule.input_axis, inputs) for rule in self.crops]
        for name, axis, tensors in ends:
            if name not in tensors:
                raise self._wrong(f"a padding or crop rule names {name}, which the bundle does not have")
            shape = tensors[name].shape
            if axis < 0 or (shape is not None and axis >= len(shape)):
                raise self._wrong(f"a padding or crop rule names axis {axis} of {name}, which it does not have")

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.folder / MANIFEST}: {what}", "make the bundle again: rkgraph fix … -o FOLDER.rk")


def is_bundle(path: Path) -> bool:
    """Whether a path is a folder with a manifest."""
    return (path / MANIFEST).is_file()


def _signature(stage: BundleStage) -> tuple[tuple[str, str | None], ...]:
    return tuple((tensor.name, tensor.dtype) for tensor in (*stage.inputs, *stage.outputs))
