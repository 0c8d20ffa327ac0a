"""Builds of candidates: by the toolkit, or from a cache, so that what was tried once is never built again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.cache import CompileCache, digest_files, key_of
from rkgraph.compile.model_files import model_files
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.errors import UsageError
from rkgraph.reduce.feeds import FeedSource
from rkgraph.toolkit.jobs import Job, JobResult

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.targets import Target

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["Builds", "Built"]

_SCHEMA = "reduce-1"


@dataclass(frozen=True)
class Built:
    """How a build ended, as `JobResult`; what the simulator computed (one mapping a feed), and the samples used."""

    outcome: str
    stage: str
    signal: str | None
    error: str
    log: str
    outputs: tuple[Feeds, ...] = ()
    samples: tuple[Feeds, ...] = ()

    @property
    def ok(self) -> bool:
        """It built, and was simulated where that was asked for."""
        return self.outcome == "ok"


@dataclass
class Builds:
    """Builds models for one target with one configuration.

    Attributes:
        chain: the toolkit; it is started by the first build that is not in the cache.
        target: platform and toolkit; both are part of the key.
        config, build: arguments of `RKNN.config` and `RKNN.build`.
        folder: for files of a job; emptied by whoever made it.
        source: of samples; None: nothing is quantized.
        cache: None: nothing is kept.
        count: how many builds the toolkit made.
        seconds: wall-clock time of the longest of them, the toolkit's import aside.
    """

    chain: Toolchain
    target: Target
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    build: Mapping[str, Any] = field(default_factory=dict)
    source: FeedSource | None = None
    cache: CompileCache | None = None
    count: int = 0
    seconds: float = 0.0
    _recent: dict[str, Built] = field(default_factory=dict)

    def run(self, model: Path, feeds: Sequence[Feeds] = (), outputs: Sequence[str] = (), *, take: int = 0) -> Built:
        """Build `model`; with `feeds` simulate it. A quantized build is calibrated with the feeds, or with others.

        Args:
            model: the .onnx file.
            feeds: inputs by name, in model order, one mapping a case.
            outputs: names of the outputs, where there are feeds.
            take: above 0: build it again, as often, in a new process of the toolkit. What reads memory that nobody
                wrote comes out differently then.

        Raises:
            ToolkitFailed: the toolkit cannot be started, or its worker hangs.
        """
        samples = () if self.source is None else feeds or self._samples(model)
        job = self._job(model, feeds, samples, outputs)
        key = self._key(model, job, feeds, samples, take)
        built = self._recent.get(key) or self._cached(key, len(feeds))
        if built is None:
            self.count += 1
            if take:
                self.chain.renew()
            done = self.chain.run(job, lambda _text: None)
            self.seconds = max(self.seconds, sum(done.seconds.values()) - done.seconds.get("import", 0.0))
            built = _built(done)
            if done.outcome not in ("timed-out", "out-of-memory"):
                self._store(key, built, done)
        self._recent = {key: built}
        return replace(built, samples=tuple(samples))

    def _samples(self, model: Path) -> Sequence[Feeds]:
        try:
            return () if self.source is None else self.source.of(model, {})
        except UsageError:  # a dynamic shape: the toolkit has its own words for that
            return ()

    def _job(self, model: Path, feeds: Sequence[Feeds], samples: Sequence[Feeds], outputs: Sequence[str]) -> Job:
        job = Job(model, self.target.platform, config=dict(self.config), build=dict(self.build))
        if samples:
            job = replace(job, build={**job.build, "dataset": str(self._dataset(samples))})
        if not feeds:
            return job
        files = []
        for number, case in enumerate(feeds):
            files.append(self.folder / f"feeds-{number}.npz")
            write_npz(files[-1], case)
        made = self.folder / "outputs"
        made.mkdir(exist_ok=True)
        return replace(job, simulate=tuple(files), inputs=tuple(feeds[0]), outputs=tuple(outputs), output_folder=made)

    def _dataset(self, samples: Sequence[Feeds]) -> Path:
        from rkgraph.compile.calibration import Samples, write_dataset

        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        return write_dataset(Samples(tuple(tuple(sample.values()) for sample in samples)), folder)

    def _key(  # what is built, of what
        self, model: Path, job: Job, feeds: Sequence[Feeds], samples: Sequence[Feeds], take: int
    ) -> str:
        build = {name: value for name, value in job.build.items() if name != "dataset"}
        return key_of(
            {
                "kind": _SCHEMA,
                "take": take,
                "toolkit": self.target.toolkit,
                "platform": job.platform,
                "config": dict(job.config),
                "build": build,
                "model": digest_files(model_files(model)),
                "feeds": _digest(feeds),
                "samples": _digest(samples),
            }
        )

    def _cached(self, key: str, cases: int) -> Built | None:
        entry = None if self.cache is None else self.cache.find(key)
        if entry is None:
            return None
        try:
            log = entry.file("log.txt").read_text()
            outputs = tuple(read_npz(entry.file(f"{i}.npz")) for i in range(cases)) if entry.facts["simulated"] else ()
        except OSError:  # another process made room meanwhile
            return None
        facts = entry.facts
        return Built(facts["outcome"], facts["stage"], facts["signal"], facts["error"], log, outputs)

    def _store(self, key: str, built: Built, done: JobResult) -> None:
        facts = {"outcome": built.outcome, "stage": built.stage, "signal": built.signal, "error": built.error}
        files: dict[str, Path | bytes] = {"log.txt": built.log.encode()}
        files |= {f"{number}.npz": path for number, path in enumerate(done.outputs)}
        if self.cache is not None:
            self.cache.store(key, files, {**facts, "simulated": bool(done.outputs)})


def _digest(cases: Sequence[Feeds]) -> str:
    """SHA-256 over arrays and their names, in order."""
    digest = hashlib.sha256()
    for case in cases:
        for name, array in case.items():
            digest.update(f"{name}\0{array.dtype.str}{array.shape}".encode() + array.tobytes())
        digest.update(b"\0")
    return digest.hexdigest()


def _built(done: JobResult) -> Built:
    outputs = tuple(read_npz(path) for path in done.outputs)
    return Built(done.outcome, done.stage or "", done.signal, done.error or "", done.log, outputs)
