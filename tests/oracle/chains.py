"""Stand-ins for the toolkit: a chain that answers with one result and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import onnx

from rkgraph.compile.toolchain import Toolchain
from rkgraph.toolkit.jobs import Job, JobResult

TABLE = "D RKNN: [00:00:00.000] Network Layer Information Table"


def layer_table(*rows: tuple[str, str, str]) -> str:
    """A log with one layer (type, target, name) a row."""
    lines = [
        f"D RKNN: [00:00:00.000] {number} {op} FLOAT16 {target} (1,4) (1,4) 0/0/0 1 {op}:{name}"
        for number, (op, target, name) in enumerate(rows)
    ]
    return "\n".join((TABLE, *lines, ""))


@dataclass
class Answering:
    """Gives `answer` to every job; `jobs` and `models` are what it was asked, the models as they lay on disk."""

    answer: JobResult
    jobs: list[Job] = field(default_factory=list)
    models: list[onnx.ModelProto] = field(default_factory=list)

    def run(self, job: Job, _tell: Callable[[str], None]) -> JobResult:
        self.jobs.append(job)
        self.models.append(onnx.load(job.model))
        return self.answer

    def start(self) -> Any:
        raise AssertionError("a worker was asked for")


def answering(**result: Any) -> tuple[Answering, Toolchain]:
    """A chain that answers with such a JobResult."""
    made = Answering(JobResult(**result))
    return made, cast("Toolchain", made)
