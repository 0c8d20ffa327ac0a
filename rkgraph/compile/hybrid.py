"""Finds the fp16 islands of a plan: samples and toolkit in, a choice of tensors out, kept so that it is made once."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import key_of
from rkgraph.compile.calibration import write_dataset
from rkgraph.compile.islands import (
    Choice,
    Goal,
    Islands,
    Trial,
    choose,
    cycles_of,
    harmed_tensors,
    int8_share,
    optimised_graph,
)
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.compile.verify import normalise, reference_outputs
from rkgraph.errors import ToolkitFailed, UsageError
from rkgraph.toolkit.jobs import Job, JobResult
from rkgraph.toolkit.logs import read_log

if TYPE_CHECKING:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.plan import PreparedPlan
    from rkgraph.compile.toolchain import Toolchain

__all__ = ["find_islands"]

Tell = Callable[[str], None]

SCORED = 12
"""Samples on which a trial is judged; more make each build longer and change little."""

MEASURED = 4
"""Samples on which the harm of each value is measured: it takes as many runs as there are values, for each of them."""

LARGEST = 2 << 30
"""Bytes of a model whose values are rounded one by one; ONNX takes no larger one in one piece."""


def find_islands(
    prepared: PreparedPlan, goal: Goal, chain: Toolchain, cache: CompileCache | None = None, tell: Tell = lambda _: None
) -> Choice:
    """Choose the tensors of a quantized plan that stay float16.

    Args:
        prepared: the plan with its samples, arrays all of them.
        goal: what is to be reached.
        chain: the toolkit; it builds the plan about six times.
        cache: where the choice is kept.
        tell: called with a few words as each step begins.

    Raises:
        UsageError: the plan does not quantize, its samples are images, the model is too large, or the platform has no
            fp16.
        EvaluationError: ONNX Runtime cannot run the model.
        ToolkitMissing, ToolkitFailed: the toolkit is not there, or cannot build the model.
    """
    BuildConfig.of({**prepared.plan.config.given(), "fp16_islands": ["any"]}, prepared.plan.target, "--islands")
    key = key_of({"what": "islands/3", "build": prepared.build_key, "goal": dataclasses.asdict(goal)})
    kept = cache.find(key) if cache is not None else None
    if kept is not None:
        return _recalled(kept.facts)
    cases = _cases(prepared)
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        choice = _Search(prepared, cases, chain, Path(folder), tell).run(goal)
    if cache is not None:
        cache.store(key, {}, choice.record)
    return choice


def _cases(prepared: PreparedPlan) -> list[dict[str, Any]]:
    """The samples as feeds by input name."""
    import numpy as np

    if prepared.samples is None:
        raise UsageError("islands of fp16 need a quantized build", "give --precision w8a8 --calibration SAMPLES.npz")
    if prepared.plan.model.stat().st_size > LARGEST:
        raise UsageError(f"{prepared.plan.model}: is too large to find islands in", "name them in build.toml")
    rows = prepared.samples.rows
    if any(isinstance(item, Path) for row in rows for item in row):
        raise UsageError("islands of fp16 cannot be found from images", "give the samples as arrays (.npz)")
    chosen = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(SCORED, len(rows)))]
    return [dict(zip(prepared.inputs, row, strict=True)) for row in chosen]


class _Search:
    """One search: builds, simulates and compares."""

    def __init__(
        self, prepared: PreparedPlan, cases: Sequence[Mapping[str, Any]], chain: Toolchain, work: Path, tell: Tell
    ) -> None:
        self.prepared, self.cases, self.chain, self.work, self.tell = prepared, cases, chain, work, tell
        self.job = self._job()
        self.builds = 0

    def run(self, goal: Goal) -> Choice:
        """The first build tells the optimised graph; then harms are measured, and the islands tried."""
        first = dataclasses.replace(self.job, islands=(), optimised=self.work / "optimised.onnx", simulate=())
        layers = read_log(self._build(first).log).layers
        islands = self._islands(cycles_of(optimised_graph(self.work / "optimised.onnx"), layers))
        config = self.prepared.plan.config.given()
        self.expected = reference_outputs(self.prepared.plan.model, self.cases, config)
        return choose(islands, goal, self._measure)

    def _islands(self, cycles: Mapping[str, int]) -> Islands:
        import onnx

        from rkgraph.analysis.sensitivity import harms, observed_ranges

        main = self.prepared.view.main
        floats = [name for node in main.nodes for name in node.outputs if main.value(name).dtype == "float32"]
        tensors = harmed_tensors(optimised_graph(self.work / "optimised.onnx"), floats)
        model = onnx.load(self.prepared.plan.model)
        self.tell("observe the range of each value")
        seen = [normalise(case, self.prepared.plan.config.given()) for case in self.cases]
        ranges = observed_ranges(model, tensors, seen)
        return Islands(harms(model, ranges, seen[:MEASURED], self.tell), tensors, cycles)

    def _measure(self, tensors: tuple[str, ...]) -> tuple[float, float, float]:
        from rkgraph.analysis.sensitivity import counted, likeness

        done = self._build(dataclasses.replace(self.job, islands=tensors))
        actual = [read_npz(path) for path in done.outputs]
        rows = [
            min(likeness(counted(case, want[name]), counted(case, have[name])) for name in self.prepared.outputs)
            for case, want, have in zip(self.cases, self.expected, actual, strict=True)
        ]
        return min(rows), sum(rows) / len(rows), int8_share(read_log(done.log).layers)

    def _build(self, job: Job) -> JobResult:
        self.builds += 1
        done = self.chain.run(job, lambda step: self.tell(f"islands, build {self.builds}: {step}"))
        if not done.ok:
            version = self.prepared.plan.target.toolkit
            raise ToolkitFailed(
                f"rknn-toolkit2 {version} cannot build with islands of fp16 ({done.outcome}): {done.error}",
                "compile without --islands",
            )
        return done

    def _job(self) -> Job:
        plan, samples = self.prepared.plan, self.prepared.samples
        assert samples is not None  # noqa: S101 - `_cases` saw to it
        (self.work / "samples").mkdir()
        (self.work / "outputs").mkdir()
        dataset = write_dataset(samples, self.work / "samples")
        feeds = [self.work / f"feeds-{number}.npz" for number in range(len(self.cases))]
        for path, case in zip(feeds, self.cases, strict=True):
            write_npz(path, dict(case))
        return Job(
            model=plan.model,
            platform=plan.target.platform,
            config=plan.config.config_arguments(plan.target),
            build={**plan.config.build_arguments(plan.target), "dataset": str(dataset)},
            simulate=tuple(feeds),
            inputs=self.prepared.inputs,
            outputs=self.prepared.outputs,
            output_folder=self.work / "outputs",
        )


def _recalled(facts: Mapping[str, Any]) -> Choice:
    from rkgraph.analysis.sensitivity import Harm

    return Choice(
        tuple(facts["islands"]),
        tuple(Trial(**trial) for trial in facts["trials"]),
        tuple(Harm(**harm) for harm in facts["harms"]),
        facts["reached"],
    )
