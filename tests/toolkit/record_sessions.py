"""Records `sessions/`: small models through the real toolkits. Run by hand when a toolkit or the worker changes.

python -m tests.toolkit.record_sessions          with 2.3.2 and 2.5.0 installed (`rkgraph toolkit install …`)
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser

from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.locate import find_toolkit

SESSIONS = Path(__file__).with_name("sessions")

_PATH = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)*(?:site-packages|tmp|cwd|job-\d+|rkgraph-\w+|tmp\w+)/")
_CLOCK = re.compile(r"\[\d\d:\d\d:\d\d\.\d+\]")


@dataclass(frozen=True)
class Recording:
    """One session: its folder's name, the model as ONNX text, and what is asked of the toolkit."""

    name: str
    model: str
    toolkit: str = "2.3.2"
    platform: str = "rk3588"
    opset: int = 17
    config: Mapping[str, Any] = field(default_factory=dict)
    simulate: bool = False

    @property
    def proto(self) -> onnx.ModelProto:
        """The model."""
        head = f'<ir_version: 8, opset_import: ["" : {self.opset}]>\n'
        return onnx.parser.parse_model(head + self.model)


CONV = """g (float[1,3,8,6] x) => (float[1,4,8,6] z)
<float[4,3,1,1] w = {1.5,-1,2,0.5,1,-2,3,1,1,-0.25,0.125,4}> { y = Conv<kernel_shape=[1,1]>(x, w)  z = Relu(y) }"""

RECORDINGS = (
    Recording("conv_rk3588_2.3.2", CONV, simulate=True),
    Recording("conv_rk3588_2.5.0", CONV, toolkit="2.5.0", simulate=True),
    Recording("conv_rk3576_2.3.2", CONV, platform="rk3576"),
    Recording("no_lowering_2.3.2", "g (float[1,3,8,8] x) => (float[1,3,8,8] z) { z = Trilu(x) }"),
    Recording("no_lowering_2.5.0", "g (float[1,3,8,8] x) => (float[1,3,8,8] z) { z = Trilu(x) }", toolkit="2.5.0"),
    Recording("opset_20_2.3.2", "g (float[1,3,8,6] x) => (float[1,3,8,6] z) { z = Relu(x) }", opset=20),
    Recording("dynamic_shape_2.3.2", "g (float[N,3] x) => (float[N,3] z) { z = Relu(x) }"),
    Recording("not_constant_2.3.2", "g (float[2,3] x, int64[1] a) => (float[2,1] z) { z = ReduceSum(x, a) }"),
    Recording("all_constant_2.3.2", "g (float[2] x) => (float[2] z) <float[2] c = {1,2}> { z = Neg(c) }"),
    Recording("dynamic_graph_2.3.2", "g (float[2,3] x) => (int64[2,N] z) { z = NonZero(x) }"),
    Recording(
        "register_limit_2.5.0",
        "g (float[1,4,20,9000] x) => (float[1,4,20,9000] z) { z = Softmax<axis=-1>(x) }",
        toolkit="2.5.0",
    ),
    Recording(
        "cpu_fallback_2.3.2",
        "g (float[1,2,9000,4] x) => (float[1,9000,2,4] z) { z = Transpose<perm=[0,2,1,3]>(x) }",
    ),
    Recording(
        "mask_corrected_2.3.2",
        "g (bool[1,4] b, float[1,4] x) => (float[1,4] z) <float[1] c = {-3.4e38}> { z = Where(b, x, c) }",
    ),
    Recording(
        "crash_2.3.2",
        "g (int32[2] x) => (int32[2] z) <int32[2] a = {5,6}, int32[2] b = {0,0}> { m = Mod(a, b)  z = Add(x, m) }",
    ),
    Recording(
        "no_dtype_2.3.2",
        "g (uint8[1,3,8,8] x, uint8[1,3,8,8] y) => (uint8[1,3,8,8] z) { z = BitwiseAnd(x, y) }",
        opset=18,
    ),
    Recording("bad_platform_2.3.2", "g (float[2,3] x) => (float[2,3] z) { z = Relu(x) }", platform="rk9999"),
)


def run(recording: Recording, folder: Path) -> tuple[Job, JobResult]:
    """Run the recording's job with its real toolkit."""
    model = folder / f"{recording.name}.onnx"
    onnx.save(recording.proto, model)
    graph = recording.proto.graph
    job = Job(model, recording.platform, recording.config, export=folder / "model.rknn")
    if recording.simulate:
        feeds = folder / "feeds.npz"
        shape = [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
        values = np.linspace(-2, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        np.savez(feeds, **{graph.input[0].name: values})
        names = {"inputs": tuple(i.name for i in graph.input), "outputs": tuple(o.name for o in graph.output)}
        job = replace(job, simulate=(feeds,), output_folder=folder, **names)
    with Worker(find_toolkit(recording.toolkit, None), Limits(seconds=120)) as worker:
        return job, worker.run(job)


def record(folder: Path, toolkit: str, job: Job, result: JobResult) -> None:
    """Write job and result as a session; machine paths and clock times go out of the log."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "log").write_text(_CLOCK.sub("[00:00:00.000]", _PATH.sub("…/", result.log)))
    stages = [stage for stage in result.seconds if stage != "import"]
    if result.stage and result.stage not in stages:
        stages.append(result.stage)
    steps: list[Mapping[str, Any]] = [{"send": {"event": "stage", "stage": stage}} for stage in stages]
    steps.append({"file": ["log", "log"]})
    if job.export is not None and job.export.exists():
        steps.append({"file": ["header", "model.rknn"]})
        (folder / "header").write_bytes(job.export.read_bytes()[:64])  # its header; the rest tells nothing here
    for output in result.outputs:
        steps.append({"file": [output.name, output.name]})
        shutil.copyfile(output, folder / output.name)
    ended = {"outcome": result.outcome, "stage": result.stage, "signal": result.signal, "error": result.error}
    seconds = {stage: round(result.seconds[stage], 3) for stage in stages if stage in result.seconds}
    steps.append({"send": {"event": "result", **ended, "seconds": seconds, "peak_mb": round(result.peak_mb)}})
    session = {"toolkit": toolkit, "start": [{"send": {"event": "ready", "seconds": 1.0}}], "job": steps}
    (folder / "session.json").write_text(json.dumps(session, indent=1) + "\n")


def main() -> None:
    """Record everything."""
    for recording in RECORDINGS:
        with tempfile.TemporaryDirectory() as folder:
            job, result = run(recording, Path(folder))
            record(SESSIONS / recording.name, recording.toolkit, job, result)
        print(recording.name, result.outcome, result.stage, result.signal, result.error)  # noqa: T201


if __name__ == "__main__":
    main()
