"""From a fixed model to a bundle that waits to be compiled: one stage, or those that it was cut into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.compile.bundle_parts import BundleStage, RawWeight
from rkgraph.compile.folders import check_place, put_in_place, workshop
from rkgraph.compile.manifest import Bundle
from rkgraph.compile.tensors import tensors_of

if TYPE_CHECKING:
    from rkgraph.engine.fix import FixOutcome
    from rkgraph.targets import Target

__all__ = ["write_fixed"]


def write_fixed(outcome: FixOutcome, output: Path, target: Target) -> Bundle:
    """Write the bundle of a fixed model, whole or not at all.

    Weights are copied, those of a stage with the stage; stages on the host read constants that are there as raw files
    from these.

    Raises:
        UsageError: `output` cannot take a bundle.
        ModelError: weights are missing.
    """
    check_place(output)
    inputs, outputs = tensors_of(outcome.model.view().main)
    with workshop(output) as work:
        weights = list(_raw(outcome, work))
        shared = {weight.name: weight.file for weight in weights}
        stages = []
        for stage in outcome.stages:
            stage.model.save(work / stage.file, "inline", shared=shared if stage.kind == "onnx" else None)
            stages.append(BundleStage(stage.name, stage.kind, stage.file, None, stage.inputs, stage.outputs))
        if not stages:
            outcome.model.save(work / "model.onnx", "inline")
            stages.append(BundleStage.of(outcome.model.view(), "model.onnx"))
        Bundle.create(work, stages, target=target, inputs=inputs, outputs=outputs, weights=weights)
        return put_in_place(work, output)


def _raw(outcome: FixOutcome, work: Path) -> Iterator[RawWeight]:
    """Write the constants that the host may want without ONNX."""
    for number, name in enumerate(outcome.raw_weights):
        found = outcome.model.constant(name)
        if found is None:
            continue
        dtype, shape, data = found
        file = f"weight-{number + 1}.bin"
        with (work / file).open("wb") as target:
            target.writelines(data)
        yield RawWeight(name, file, dtype, shape)
