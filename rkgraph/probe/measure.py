"""Builds the model of a case with the real toolkit."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import onnx

from rkgraph.probe.case import parse
from rkgraph.probe.facts import Facts, facts_of
from rkgraph.targets import Target, precision_config
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.deaths import run_past_deaths
from rkgraph.toolkit.jobs import Job, JobResult, Limits

__all__ = ["LIMITS", "measure"]

LIMITS = Limits(seconds=20, memory_mb=4096)
"""Of one small model; the ordinary ones end in 0.2 to 0.4 s."""


def measure(text: str, target: Target, worker: Worker) -> Facts:
    """Build a model for a target; once more where it ran out of time or was killed, which other programs may cause.

    Where the toolkit dies of a signal, it counts only if it does so in each of a few processes.

    Args:
        text: the model in ONNX text, as `Case.text`.
        target: a quantized precision gets one calibration sample of seeded random numbers.
        worker: of the target's toolkit; the files of the build lie in its private folder.

    Raises:
        ToolkitFailed: the toolkit cannot be started, or its worker hangs.
    """
    model = parse(text)
    result = run_past_deaths(lambda: _build(model, text, target, worker), worker.close, lambda _text: None)
    if result.outcome in ("timed-out", "out-of-memory") or result.signal == "SIGKILL":
        result = _build(model, text, target, worker)
    return facts_of(result)


def _build(model: onnx.ModelProto, text: str, target: Target, worker: Worker) -> JobResult:
    with worker.scratch() as folder:
        path = folder / "case.onnx"
        onnx.save(model, path)
        return worker.run(_job(model, text, path, target))


def _job(model: onnx.ModelProto, text: str, path: Path, target: Target) -> Job:
    config = precision_config(target)
    if not config["do_quantization"]:
        return Job(path, target.platform)
    build = {"do_quantization": True, "dataset": str(_sample(model, text, path.parent))}
    return Job(path, target.platform, {"quantized_dtype": config["quantized_dtype"]}, build=build)


def _sample(model: onnx.ModelProto, text: str, folder: Path) -> Path:
    """One calibration sample: standard normal for floats, 0 and 1 for whole numbers and truth values.

    What is no tensor (a sequence) cannot be sampled, and gets a number in its place: no toolkit takes it as an input.
    """
    generator = np.random.default_rng(zlib.crc32(text.encode()))
    names = []
    for number, value in enumerate(model.graph.input):
        tensor = value.type.tensor_type
        shape = [d.dim_value for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type or onnx.TensorProto.FLOAT)
        array = generator.normal(0, 1, shape) if dtype.kind == "f" else generator.integers(0, 2, shape)
        names.append(folder / f"{number}.npy")
        np.save(names[-1], np.asarray(array, dtype))
    dataset = folder / "dataset.txt"
    dataset.write_text(" ".join(map(str, names)) + "\n", encoding="utf-8")
    return dataset
