"""One job for the toolkit, its limits and its result: plain, frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Job", "JobResult", "Limits", "Outcome"]

Outcome = Literal[
    "ok",
    "load-failed",
    "build-failed",
    "export-failed",
    "simulate-failed",
    "died",
    "timed-out",
    "out-of-memory",
]


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes:
        seconds: wall-clock time of one job, without the toolkit's import. More ends it as "timed-out".
        memory_mb: resident memory (MiB) of the job's processes together; None means no limit.
            (RLIMIT_AS is of no use: torch and ONNX Runtime reserve far more address space than they use.)
    """

    seconds: float = 3600.0
    memory_mb: int | None = None


@dataclass(frozen=True)
class Job:
    """Load an ONNX model, build it, and optionally export it and simulate feeds.

    Attributes:
        model: the ONNX file; its external data must lie beside it.
        platform: e.g. "rk3588".
        config: further keyword arguments of `RKNN.config`.
        load: further keyword arguments of `RKNN.load_onnx`.
        build: keyword arguments of `RKNN.build`; `do_quantization` is False unless given. `dataset` is the
            absolute path of a text file: one sample a line, absolute `.npy` paths in input order.
        islands: None: one precision for all. Else the tensors of the optimised graph that stay float16 in a quantized
            build (`dataset` is needed); the graph is copied to `optimised`.
        optimised: where the optimised graph (ONNX with the toolkit's own operators) goes.
        export: where the .rknn goes, whole or not at all; None: not exported.
        simulate: .npz files of feeds, each array keyed by input name, in the shape and layout of the ONNX model.
        inputs: the model's input names in model order; needed to simulate.
        outputs: the model's output names in model order; needed to simulate.
        output_folder: an existing folder that receives `0000.npz`, `0001.npz` … (arrays keyed by output name),
            one a feed; needed to simulate.
    """

    model: Path
    platform: str = "rk3588"
    config: Mapping[str, Any] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    build: Mapping[str, Any] = field(default_factory=dict)
    islands: tuple[str, ...] | None = None
    optimised: Path | None = None
    export: Path | None = None
    simulate: tuple[Path, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    output_folder: Path | None = None

    def __post_init__(self) -> None:
        if self.simulate and not (self.inputs and self.outputs and self.output_folder):
            raise ValueError("a job that simulates needs inputs, outputs and output_folder")
        if self.islands is not None and "dataset" not in self.build:
            raise ValueError("islands of float16 need a quantized build, and that a dataset")


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Attributes:
        outcome: "ok", the stage that failed, or how the process ended.
        stage: the last stage entered: "config", "load", "build", "export", "runtime" or "inference".
        signal: the signal that killed the job, e.g. "SIGSEGV".
        error: the innermost error message, one line; None when all went well.
        log: everything that the toolkit printed, Python and C, as it was (escape sequences included).
        seconds: wall-clock time by stage, and "import" for the toolkit's start where this job paid for it.
        outputs: the .npz files written, in the order of `Job.simulate`.
        peak_mb: largest resident memory (MiB) seen.
        deaths: the signals that ended builds of the same job before this one, which was made again for them.
    """

    outcome: Outcome
    stage: str | None = None
    signal: str | None = None
    error: str | None = None
    log: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    outputs: tuple[Path, ...] = ()
    peak_mb: float = 0.0
    deaths: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Every stage that was asked for succeeded."""
        return self.outcome == "ok"
