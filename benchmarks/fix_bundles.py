"""Judges a model that was cut into stages: in ONNX Runtime, and by compiler and simulator for what is on the NPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.host_only import unlisted
from rkgraph.engine.fix import FixOutcome
from rkgraph.engine.stages import FixedStage

__all__ = ["BundleRow", "judge_stages"]

Values = dict[str, Any]
Build = Callable[[Path, Values], tuple[str, int, Mapping[str, Any] | None, str]]
"""Builds a model and simulates feeds: verdict, layers on the CPU, outputs, error."""


@dataclass(frozen=True)
class BundleRow:
    """What came of the stages.

    Attributes:
        verdict: the worst of the stages for the NPU.
        cpu: layers on the CPU of all of them.
        host: operators of the host's stages.
        unlisted: of these the ones that had to leave and are not on the closed list.
        values: the outputs in ONNX Runtime.
        simulated: the outputs with the simulator for the stages on the NPU; None where one did not build.
        error: of the build.
    """

    verdict: str
    cpu: int
    host: tuple[str, ...]
    unlisted: tuple[str, ...]
    values: Values
    simulated: Values | None
    error: str


def judge_stages(
    outcome: FixOutcome,
    feeds: Mapping[str, Any],
    folder: Path,
    build: Build,
    run: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
) -> BundleRow:
    """Run the stages one after the other, twice: all in ONNX Runtime, and with the NPU's in the simulator."""
    values: Values = dict(feeds)
    simulated: Values | None = dict(feeds)
    verdicts, cpu, errors = [], 0, []
    for stage in outcome.stages:
        path = folder / stage.file
        stage.model.save(path, "inline")
        values |= run(str(path), _fed(stage, values))
        if stage.kind == "rknn":
            verdict, layers, found, error = build(path, _fed(stage, simulated or values))
            verdicts.append(verdict)
            cpu += layers
            errors += [error] if error else []
            simulated = None if simulated is None or found is None else simulated | dict(found)
        elif simulated is not None:
            simulated |= run(str(path), _fed(stage, simulated))
    view = outcome.model.view().main
    moved = {index for stage in outcome.stages if stage.kind == "onnx" for index in stage.nodes}
    host = tuple(sorted({view.nodes[index].op for index in moved}))
    return BundleRow(_worst(verdicts), cpu, host, unlisted(outcome), values, simulated, "; ".join(errors))


def _fed(stage: FixedStage, values: Mapping[str, Any]) -> Values:
    """The values of a stage's inputs, in the dtypes and shapes that its model declares."""
    found: Values = {}
    for tensor in stage.inputs:
        value = values[tensor.name]
        if tensor.dtype not in (None, "string") and isinstance(value, np.ndarray):
            whole = np.dtype(tensor.dtype).kind in "iu" and value.dtype.kind == "f"
            value = (np.rint(value) if whole else value).astype(tensor.dtype)
            if tensor.shape is not None and all(isinstance(size, int) for size in tensor.shape):
                value = value.reshape([size for size in tensor.shape if isinstance(size, int)])
        found[tensor.name] = value
    return found


def _worst(verdicts: Sequence[str]) -> str:
    order = ("build-fails", "no-board-kernel", "unknown", "deployable")
    return min(verdicts, key=order.index, default="unknown")
