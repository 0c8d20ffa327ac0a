"""A stand-in for the toolkit: it "builds" by a rule on the model's operators, and prints what the real one prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx

from rkgraph.analysis.evaluator import evaluate
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.toolkit.jobs import Job, JobResult

__all__ = ["StandIn", "crashes_on", "loses", "on_cpu", "raises_on", "spoils", "works"]

TABLE = """D RKNN: [06:40:56.613] Network Layer Information Table
D RKNN: [06:40:56.613] ID OpType DataType Target InputShape OutputShape Cycles(DDR/NPU/Total) RW(KB) FullName
"""

Judge = Callable[[onnx.ModelProto], JobResult]


class StandIn:
    """Takes the place of a Toolchain. `jobs` counts what was asked of it."""

    def __init__(self, judge: Judge, factor: Callable[[onnx.ModelProto], float] = lambda _model: 1.0) -> None:
        self.judge = judge
        self.factor = factor
        self.jobs: list[Job] = []
        self.renewed = 0

    def start(self) -> SimpleNamespace:
        return SimpleNamespace()

    def renew(self) -> None:
        self.renewed += 1

    def run(self, job: Job, tell: Callable[[str], None]) -> JobResult:
        self.jobs.append(job)
        model = onnx.load(job.model)
        done = self.judge(model)
        if not done.ok or not job.simulate:
            return done
        return JobResult("ok", "inference", log=done.log, outputs=tuple(self._simulated(job, model)))

    def _simulated(self, job: Job, model: onnx.ModelProto) -> list[Path]:
        paths = []
        for number, feeds in enumerate(job.simulate):
            exact = evaluate(model, read_npz(feeds))
            noise = np.random.default_rng(0)
            wrong = {
                n: v + self.factor(model) * noise.standard_normal(v.shape).astype(v.dtype) for n, v in exact.items()
            }
            paths.append(job.output_folder / f"{number:04d}.npz")
            write_npz(paths[-1], wrong)
        return paths


def table(model: onnx.ModelProto, cpu: tuple[str, ...] = ()) -> str:
    """A layer table with a row for each node."""
    rows = [
        f"D RKNN: [06:40:56.613] {index}    {node.op_type}    FLOAT16    {'CPU' if node.op_type in cpu else 'NPU'}"
        f"    (1,4)    (1,4)    0/0/0    1    {node.op_type}:{node.name or node.output[0]}\n"
        for index, node in enumerate(model.graph.node)
    ]
    return TABLE + "".join(rows)


def works(model: onnx.ModelProto) -> JobResult:
    return JobResult("ok", "build", log=table(model))


def crashes_on(op: str) -> Judge:
    def judge(model: onnx.ModelProto) -> JobResult:
        if all(node.op_type != op for node in model.graph.node):
            return works(model)
        log = "D RKNN: [06:40:56.613] >>>>>> start: OpEmit\n"
        return JobResult("died", "build", "SIGSEGV", "the toolkit was killed by SIGSEGV", log)

    return judge


def raises_on(op: str, folder: Path) -> Judge:
    def judge(model: onnx.ModelProto) -> JobResult:
        for node in model.graph.node:
            if node.op_type == op:
                error = f"ValueError: The input 1 of {op}('{node.output[0]}') need to be constant!"
                trace = f'Traceback (most recent call last):\n  File "{folder}/site/rknn/a.py", line 7, in f\n{error}\n'
                return JobResult(
                    "build-failed", "build", None, error, f"E build: {trace}{folder}/job-1/cwd/check.onnx\n"
                )
            if node.op_type == "Exp":
                return JobResult("build-failed", "build", None, "ValueError: Exp is too much", "")
        return works(model)

    return judge


def loses(op: str) -> Judge:
    def judge(model: onnx.ModelProto) -> JobResult:
        lines = [
            f"W RKNN: [06:40:56.613] No lowering found for: {node.name or node.output[0]}, node type = {op}, use X\n"
            for node in model.graph.node
            if node.op_type == op
        ]
        return JobResult("ok", "build", log=table(model) + "".join(lines))

    return judge


def on_cpu(*ops: str) -> Judge:
    return lambda model: JobResult("ok", "build", log=table(model, ops))


def spoils(op: str) -> Callable[[onnx.ModelProto], float]:
    """How wrong the numbers of a model are: very, where it has the operator."""
    return lambda model: 3.0 if any(node.op_type == op for node in model.graph.node) else 0.0
