"""One case compiled for a board: the .rknn, inputs, and what ONNX Runtime and the simulator make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import onnx

from rkgraph.boardcheck.candidates import Candidate
from rkgraph.boardcheck.reference import NoReference, reference
from rkgraph.compile.cache import CompileCache, Entry, key_of
from rkgraph.compile.tensors import write_npz
from rkgraph.errors import UsageError
from rkgraph.probe.case import parse
from rkgraph.probe.facts import Facts, facts_of
from rkgraph.probe.outcome import line_of
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult

__all__ = ["FILES", "Built", "build"]

FILES = ("model.rknn", "inputs.npz", "expected.npz", "simulated.npz")
"""What the board needs of a case; without the last one where the simulator gives nothing."""

_METHOD = 1
"""Counts up when cases are made in another way, so that what the cache has is made again."""


@dataclass(frozen=True)
class Built:
    """A case for the board, or why there is none.

    Attributes:
        candidate: the case, with its signature.
        line: its line of evidence as the compiler judges it: outcome, layers, lost operators.
        inputs, outputs: names in the order of the model.
        files: contents by name in `FILES`: where they are now.
        why_not: why no board can say anything about it; "" where one can.
    """

    candidate: Candidate
    line: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    why_not: str = ""


def build(candidate: Candidate, target: Target, worker: Worker, cache: CompileCache) -> Built:
    """Build a candidate, or take it from the cache.

    Raises:
        ToolkitFailed: the toolkit cannot be started, or its worker hangs.
        UsageError: the cache cannot be written.
    """
    key = key_of({"what": "board-check", "method": _METHOD, "target": asdict(target), "model": candidate.case.text})
    entry = cache.find(key) or _made(candidate, target, worker, cache, key)
    return _read(candidate.signed(), entry)


def _made(candidate: Candidate, target: Target, worker: Worker, cache: CompileCache, key: str) -> Entry:
    """Build it and keep what came out, failures included."""
    text = candidate.case.text
    model = parse(text)
    names = {"inputs": [v.name for v in model.graph.input], "outputs": [v.name for v in model.graph.output]}
    with worker.scratch() as folder:
        path = folder / "case.onnx"
        onnx.save(model, path)
        try:
            feeds, expected = reference(model, path, text)
        except NoReference as error:
            return _kept(cache, key, {}, {"why_not": f"no reference: {error}", **names})
        write_npz(folder / "inputs.npz", feeds)
        write_npz(folder / "expected.npz", expected)
        job = Job(
            path,
            target.platform,
            export=folder / "model.rknn",
            simulate=(folder / "inputs.npz",),
            inputs=tuple(names["inputs"]),
            outputs=tuple(names["outputs"]),
            output_folder=folder,
        )
        result = _run(job, worker)
        facts = facts_of(result)
        if not result.ok or not job.export or not job.export.is_file():
            return _kept(cache, key, {}, {"why_not": f"it does not build ({facts.error})", **names})
        files = {name: folder / name for name in FILES if (folder / name).is_file()}
        if result.outputs:
            files["simulated.npz"] = result.outputs[0]
        return _kept(cache, key, files, {"facts": facts.record, **names})


def _run(job: Job, worker: Worker) -> JobResult:
    """Build, export and simulate; without the simulator where that fails."""
    result = worker.run(job)
    if result.ok or result.stage in ("config", "load", "build"):
        return result
    return worker.run(Job(job.model, job.platform, export=job.export))


def _kept(cache: CompileCache, key: str, files: Mapping[str, Path], facts: Mapping[str, Any]) -> Entry:
    entry = cache.store(key, files, facts)
    if entry is None:
        raise UsageError(f"{cache.folder}: cannot be written", "make room, or set RKGRAPH_HOME to another folder")
    return entry


def _read(candidate: Candidate, entry: Entry) -> Built:
    if "why_not" in entry.facts:
        return Built(candidate, why_not=entry.facts["why_not"])
    facts = Facts.read(entry.facts["facts"])
    line = line_of(candidate.case, facts)
    others = sorted({op for _, op in facts.lost} - set(line.get("lost", ())))
    if others:
        return Built(candidate, line, why_not=f"a neighbour has no kernel either ({', '.join(others)})")
    files = {name: entry.file(name) for name in FILES if entry.file(name).is_file()}
    return Built(candidate, line, tuple(entry.facts["inputs"]), tuple(entry.facts["outputs"]), files)
