"""The report as data: exactly the JSON of `schema/rkgraph.report-1.json`.

Everything here is frozen and serialisable; `report_to_json` and `report_from_json` are inverses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from rkgraph.diagnostics import LATER, Confidence, Device, Diagnostic, Location, Safety, Verdict
from rkgraph.records import Record
from rkgraph.targets import Target

__all__ = [
    "AppliedFix",
    "Cause",
    "Fixes",
    "ModelInfo",
    "Opportunity",
    "PlacedNode",
    "Proof",
    "RefusedFix",
    "Report",
    "Result",
    "Saving",
    "Stage",
    "TableInfo",
    "TensorInfo",
]

SCHEMA = "rkgraph.report/1"


class TensorInfo(Record):
    """An input or output: name, dtype in numpy spelling ("int64"), shape (a dimension: int, symbolic name or null)."""

    name: str
    dtype: str | None
    shape: tuple[int | str | None, ...] | None


class ModelInfo(Record):
    """The model a result is about. `sha256` is taken over the graph without the bytes of large weights."""

    path: str
    sha256: str | None = None
    opset: int | None = None
    nodes: int | None = None
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


class TableInfo(Record):
    """The op table that predictions come from."""

    version: str
    digest: str


class PlacedNode(Record):
    """Where a node of the original graph runs; `because` holds the codes of the rules that say so."""

    index: int
    node: str
    op: str
    outputs: tuple[str, ...]
    device: Device
    because: tuple[str, ...] = ()
    graph: str = "main"


class AppliedFix(Record):
    """A fix that was applied: where, what it removed and added, who allowed it, and the ids of its proofs.

    `fingerprint` names it in a plan: it stays when nodes are renamed, and no two fixes of a run share one.
    """

    code: str
    title: str
    safety: Safety
    at: Location
    allowed_by: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    detail: str = ""
    fingerprint: str | None = field(default=None, metadata=LATER)


class RefusedFix(Record):
    """A fix that was not applied, with the reason and, where one would allow it, the option; `fingerprint` as above."""

    code: str
    at: Location
    reason: str
    needs: str | None = None
    fingerprint: str | None = field(default=None, metadata=LATER)


class Fixes(Record):
    """What `rkgraph fix` did and did not do."""

    applied: tuple[AppliedFix, ...] = ()
    refused: tuple[RefusedFix, ...] = ()


class Proof(Record):
    """A proof of `subject` (a fix, or the whole model).

    `kind` is "structure", "range", "local", "model", "split" or "simulator"; `outcome` "proved", "refuted" or
    "skipped"; `counterexample` the path of the saved inputs that refute it.
    """

    id: str
    kind: str
    outcome: str
    subject: str
    method: str
    cases: int = 0
    tolerance: Mapping[str, float] = field(default_factory=dict)
    largest_error: float | None = None
    detail: str = ""
    counterexample: str | None = None


class Stage(Record):
    """One part of a bundle: kind "rknn" or "onnx" (host CPU)."""

    name: str
    kind: str
    file: str
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


class Saving(Record):
    """What removing something would buy.

    `blocks`: while it is there the build fails, or the board refuses the model. `no_kernel` and `cpu_nodes` are nodes
    that would run on the NPU or be folded, `crossings` the values that would no longer go from NPU to CPU or back,
    `crossing_bytes` their bytes (None where a shape is not known), `induced` the findings that would go with it.
    """

    blocks: bool
    no_kernel: int
    cpu_nodes: int
    crossings: int
    crossing_bytes: int | None
    induced: int


class Cause(Saving):
    """What removing one finding that is a cause, and all that follows from it, would buy; the best ones come first."""

    fingerprint: str
    code: str


class Opportunity(Saving):
    """What removing all causes of one rule together would buy: more than each alone where they lie side by side.

    `findings` are the causes, by fingerprint.
    """

    code: str
    findings: tuple[str, ...]


class Result(Record):
    """Everything known about one model on one target. `error` is filled where the model could not be read.

    `graph` has the edges of the main graph, for views of it; of several results about the same file (`model.sha256`)
    the first may have it for all. `causes` and `opportunities` rank what to mend first; those that would buy nothing
    are left out.
    """

    model: ModelInfo
    target: Target
    table: TableInfo | None = None
    verdict: Verdict = Verdict.UNKNOWN
    confidence: Confidence = Confidence.UNKNOWN
    error: str | None = None
    placement: tuple[PlacedNode, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    cost: Mapping[str, Any] = field(default_factory=dict)
    fixes: Fixes = Fixes()
    proofs: tuple[Proof, ...] = ()
    stages: tuple[Stage, ...] | None = None
    compile: Mapping[str, Any] | None = None
    tune: Mapping[str, Any] | None = field(default=None, metadata=LATER)
    graph: Mapping[str, Any] | None = field(default=None, metadata=LATER)
    causes: tuple[Cause, ...] | None = field(default=None, metadata=LATER)
    opportunities: tuple[Opportunity, ...] | None = field(default=None, metadata=LATER)

    @property
    def computes_wrong(self) -> bool:
        """Whether a form was found that builds and computes wrong numbers."""
        return any(each.numerics == "wrong" for each in self.diagnostics)


class Report(Record):
    """One document: `run` holds what differs between two runs on the same input, and nothing else does."""

    results: tuple[Result, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    tool: Mapping[str, str] = field(default_factory=dict)
    schema: str = SCHEMA
