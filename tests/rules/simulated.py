"""An fp16 build of a model in the toolkit's simulator, for tests of rules that are about the range of fp16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx

from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from tests.rules.rewriting import run

__all__ = ["simulated", "simulated_error"]

Feeds = Mapping[str, np.ndarray]


def simulated(worker: Worker, model: onnx.ModelProto, case: Feeds, folder: Path) -> dict[str, np.ndarray]:
    """The outputs of an fp16 build (rk3588) in the simulator, flat as they come."""
    folder.mkdir(exist_ok=True)
    path, feeds = folder / "model.onnx", folder / "feeds.npz"
    path.write_bytes(model.SerializeToString())
    write_npz(feeds, dict(case))
    names = tuple(value.name for value in model.graph.input)
    outputs = tuple(value.name for value in model.graph.output)
    done = worker.run(Job(path, simulate=(feeds,), inputs=names, outputs=outputs, output_folder=folder))
    assert done.ok, done.error
    return dict(read_npz(done.outputs[0]))


def simulated_error(
    worker: Worker, model: onnx.ModelProto, reference: onnx.ModelProto, case: Feeds, folder: Path
) -> float:
    """‖simulated − exact‖ / ‖exact‖ of the first output, against `reference` in ONNX Runtime; NaN where one is."""
    found = simulated(worker, model, case, folder)[reference.graph.output[0].name]
    exact = np.asarray(run(reference, case)[0], np.float64)
    with np.errstate(all="ignore"):
        gap = found.reshape(exact.shape).astype(np.float64) - exact
        return float(np.linalg.norm(gap) / np.linalg.norm(exact)) if np.isfinite(gap).all() else float("nan")
