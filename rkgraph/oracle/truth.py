"""What the real compiler makes of a model, as the user has it: nothing is fixed, and no rule of the toolkit is avoided.

A model whose inputs lint pins is built with the same sizes. The answer is kept by content, failures included, so that
asking again takes no toolkit; only answers that depend on the machine (no time, no memory) are not kept.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rkgraph.compile.cache import CompileCache, digest_files, key_of
from rkgraph.compile.calibration import Samples, write_dataset
from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.model_files import model_files
from rkgraph.compile.tensors import tensors_of
from rkgraph.diagnostics import Verdict
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from rkgraph.targets import Target, precision_config
from rkgraph.toolkit.jobs import Job, JobResult, Outcome
from rkgraph.toolkit.logs import LogFacts, read_log

if TYPE_CHECKING:
    from rkgraph.compile.toolchain import Toolchain

__all__ = ["Pins", "Truth", "find_truth"]

Tell = Callable[[str], None]

_MACHINE = ((re.compile(r"[^\s'\"]*/rkgraph-\w{8}(?:/job-\d+)?(?=/)"), "…"), (re.compile(r"\b0x[0-9a-f]{9,}\b"), "0x…"))
"""Private folders and addresses, which differ from build to build, and what stands for them."""

_FAILS = ("load-failed", "build-failed", "export-failed", "died")
_SAMPLES = 2  # where a precision needs some: placement does not depend on what is in them


@dataclass(frozen=True)
class Pins:
    """Sizes of dynamic inputs: whole shapes by input name, and symbolic dimensions by name."""

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.shapes or self.dims)


@dataclass(frozen=True)
class Truth:
    """How the build of a model ended.

    Attributes:
        outcome: "ok", the stage that failed, or how the process ended: as of a job of the toolkit.
        stage: the last stage entered.
        error: the innermost error message; None when all went well.
        signal: what killed the toolkit, e.g. "SIGSEGV".
        log: everything that the toolkit printed, private folders and addresses left out.
        seconds: wall-clock time by stage of the build that gave the answer.
        deaths: signals that ended builds before this one, which was made again for them.
        from_cache: True where the toolkit did not have to run.
    """

    outcome: Outcome
    stage: str | None = None
    error: str | None = None
    signal: str | None = None
    log: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    from_cache: bool = False

    @cached_property
    def facts(self) -> LogFacts:
        """What the log says."""
        return read_log(self.log)

    @property
    def verdict(self) -> Verdict:
        """The compiler's verdict; unknown where the build was cut short by a limit of time or memory."""
        if self.outcome in _FAILS:
            return Verdict.BUILD_FAILS
        if self.outcome != "ok":
            return Verdict.UNKNOWN
        return Verdict.NO_BOARD_KERNEL if self.facts.no_lowering else Verdict.DEPLOYABLE

    @property
    def job(self) -> JobResult:
        """The truth as the result of a job."""
        return JobResult(self.outcome, self.stage, self.signal, self.error, self.log, self.seconds, deaths=self.deaths)


def find_truth(
    model: Path,
    target: Target,
    chain: Toolchain,
    *,
    pins: Pins | None = None,
    cache: CompileCache | None = None,
    tell: Tell = lambda _text: None,
) -> Truth:
    """Build `model` for `target`, or remember how that ended. Nothing is written but the cache.

    Args:
        model: an ONNX file; its external data must lie beside it.
        target: what to build for; a precision that quantizes gets generated samples.
        chain: the toolkit; it is only started where the cache has no answer.
        pins: sizes of dynamic inputs, the same that lint was given.
        cache: where answers are kept; None: nowhere.
        tell: called with a few words as each step begins.

    Raises:
        ModelError: the model cannot be read.
        UsageError: `pins` do not fit the model.
        ToolkitMissing, ToolkitFailed: the toolkit is needed, and is not installed or cannot be started.
    """
    pins = pins or Pins()
    key = _key(model, target, pins)
    kept = _recall(cache, key)
    if kept is not None:
        return kept
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
        done = chain.run(_job(_pinned(model, pins, Path(name)), target, Path(name)), tell)
    error = None if done.error is None else _lasting(done.error)
    truth = Truth(done.outcome, done.stage, error, done.signal, _lasting(done.log), dict(done.seconds), done.deaths)
    if cache is not None and truth.verdict is not Verdict.UNKNOWN:
        facts = {key: getattr(truth, key) for key in ("outcome", "stage", "error", "signal", "seconds", "deaths")}
        cache.store(key, {"log.txt": truth.log.encode(errors="surrogateescape")}, facts)
    return truth


def _lasting(text: str) -> str:
    for pattern, words in _MACHINE:
        text = pattern.sub(words, text)
    return text


def _key(model: Path, target: Target, pins: Pins) -> str:
    return key_of(
        {
            "what": "truth",
            "model": digest_files(model_files(model)),
            "target": [target.platform, target.toolkit, target.precision],
            "shapes": {name: list(shape) for name, shape in pins.shapes.items()},
            "dims": dict(pins.dims),
        }
    )


def _recall(cache: CompileCache | None, key: str) -> Truth | None:
    entry = cache.find(key) if cache is not None else None
    if entry is None or entry.facts.get("outcome") not in get_args(Outcome):
        return None
    try:
        log = entry.file("log.txt").read_bytes().decode(errors="surrogateescape")
    except OSError:  # another process made room meanwhile
        return None
    deaths = tuple(entry.facts.get("deaths", ()))
    return Truth(**{**entry.facts, "deaths": deaths}, log=log, from_cache=True)


def _pinned(model: Path, pins: Pins, folder: Path) -> Path:
    """The model with its inputs pinned, weights and all, in `folder`; the file itself where nothing is to be pinned."""
    if not pins:
        return model
    from rkgraph.graph.model import Model
    from rkgraph.graph.rewrite import PinShapes

    changed = Model.load(model)
    changed.apply(PinShapes(pins.shapes, pins.dims))
    changed.save(folder / "model.onnx")
    return folder / "model.onnx"


def _job(model: Path, target: Target, folder: Path) -> Job:
    config = precision_config(target)
    build: dict[str, Any] = {"do_quantization": bool(config["do_quantization"])}
    if build["do_quantization"] and (dataset := _dataset(model, folder)) is not None:
        build["dataset"] = str(dataset)
    dtype = config["quantized_dtype"]
    return Job(
        model=model,
        platform=target.platform,
        config={"quantized_dtype": dtype} if dtype else {},
        build=build,
        export=folder / "model.rknn",
    )


def _dataset(model: Path, folder: Path) -> Path | None:
    """Generated samples; None where an input takes none: then the toolkit refuses the model for its own reasons."""
    graph = read_view(model).main
    inputs, _ = tensors_of(graph)
    try:
        feeds = [generate_feeds(graph, inputs, seed) for seed in range(_SAMPLES)]
    except UsageError:
        return None
    (folder / "samples").mkdir()
    rows = tuple(tuple(feed[tensor.name] for tensor in inputs) for feed in feeds)
    return write_dataset(Samples(rows), folder / "samples")
