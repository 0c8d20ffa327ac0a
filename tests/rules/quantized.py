"""A quantized build of a model in the toolkit's simulator, for tests of rules that are about 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from rkgraph.analysis.sensitivity import likeness
from rkgraph.compile.calibration import Samples, write_dataset
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from tests.rules.rewriting import run

__all__ = ["quantized_likeness"]

Feeds = Mapping[str, np.ndarray]


def quantized_likeness(  # noqa: PLR0917
    worker: Worker,
    model: onnx.ModelProto,
    reference: onnx.ModelProto,
    samples: Sequence[Feeds],
    folder: Path,
    part: Callable[[np.ndarray], np.ndarray] = lambda output: output,
) -> float:
    """The lowest cosine of a part of the first output in w8a8 (rk3588) to that of `reference` in ONNX Runtime."""
    (folder / "samples").mkdir(parents=True)
    names = [value.name for value in model.graph.input]
    outputs = tuple(value.name for value in model.graph.output)
    dataset = write_dataset(Samples(tuple(tuple(feeds[n] for n in names) for feeds in samples)), folder / "samples")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    files = []
    for number, feeds in enumerate(samples):
        files.append(folder / f"feeds{number}.npz")
        write_npz(files[-1], {name: feeds[name] for name in names})
    job = Job(
        folder / "model.onnx",
        config={"quantized_dtype": "w8a8"},
        build={"do_quantization": True, "dataset": str(dataset)},
        simulate=tuple(files),
        inputs=tuple(names),
        outputs=outputs,
        output_folder=folder,
    )
    done = worker.run(job)
    assert done.ok, done.error
    found = []
    for path, feeds in zip(done.outputs, samples, strict=True):
        expected = run(reference, {n: feeds[n] for n in names})[0]
        actual = read_npz(path)[outputs[0]].reshape(np.shape(expected))
        found.append(likeness(part(np.asarray(expected)), part(actual)))
    return min(found)
