"""The op table of a toolkit version: look-ups, and the judgement of a node.

The table is read from the index that is derived from `op_tables/rknn-VERSION.toml` (see `rkgraph.tables.index`);
only entries that are asked for become objects. Neither TOML, numpy nor onnx is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rkgraph.derived import read_derived
from rkgraph.diagnostics import Confidence
from rkgraph.errors import TargetError
from rkgraph.resources import data_folder
from rkgraph.tables.entry import Entry, Limit, Outcome, read_entry, worst
from rkgraph.tables.limits import IsConstant, Scalar

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.targets import Target

__all__ = ["Judgement", "OpTable", "Violation", "load_table"]

STANDARD = ("", "ai.onnx")

CONSEQUENCE: Mapping[str, str] = {
    "npu": "this runs on the NPU",
    "cpu": "this runs on the CPU",
    "unknown": "nobody has measured this",
    "no-kernel": "this builds, and the board's runtime has no kernel for it",
    "build-fails": "the build fails",
}
"""An outcome as a clause of a message."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that a node does not keep, what was seen instead, and the sentence that says so."""

    limit: Limit
    observed: Scalar
    message: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the table says of a node. `evidence` and `confidence` are those of what decided the outcome."""

    outcome: Outcome
    violations: tuple[Violation, ...] = ()
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.UNKNOWN
    entry: Entry | None = None


class OpTable:
    """What one toolkit version makes of each operator.

    Attributes:
        version: of the toolkit, e.g. "2.3.2".
        digest: SHA-256 of the TOML source, in hex.
        measured: how many cases were measured, by platform and precision. For others a judgement carries over,
            with confidence "unknown".
    """

    def __init__(self, document: Mapping[str, Any], name: str) -> None:
        self.version: str = document["toolkit"]
        self.digest: str = document["digest"]
        self.measured: Mapping[tuple[str, str], int] = {
            (target["platform"], target["precision"]): target["cases"] for target in document["measured"]
        }
        self._raw: Mapping[str, list[Any]] = document["ops"]
        self._name = name
        self._read: dict[str, tuple[Entry, ...]] = {}

    def __contains__(self, op: str) -> bool:
        return op in self._raw

    def entry(self, op: str, platform: str, domain: str = "", opset: int | None = None) -> Entry | None:
        """The entry of an operator for a platform and a model's opset (None: the newest); None where there is none.

        An entry that names the platform goes before one that stands for all.
        """
        found = [e for e in self._entries_of(_key(op, domain)) if e.covers(platform, opset)]
        return max(found, key=lambda e: (bool(e.platforms), e.opsets), default=None)

    def entries(self) -> Iterator[Entry]:
        """All entries, by operator name and then opset."""
        for key in self._raw:
            yield from self._entries_of(key)

    def judge(self, node: Node, graph: GraphView, target: Target, is_constant: IsConstant) -> Judgement:
        """What becomes of a node of `graph` on `target`; `is_constant` says constant *or folded away*.

        The worst violated limit decides; without one it is the outcome of the entry. An operator that the table does
        not have is "unknown", as is one that it has for other platforms only.
        """
        standard = node.domain in STANDARD
        opset = graph.opset if standard else graph.opsets.get(node.domain, 1)
        entry = self.entry(node.op, target.platform, node.domain, opset)
        if entry is None:
            return Judgement("unknown")
        violations = tuple(
            Violation(limit, observed, self._message(limit, observed, target), limit.outcome)
            for limit in entry.limits
            if (observed := limit.violated(node, graph, target.platform, is_constant)) is not None
        )
        outcome = worst((entry.outcome, *(v.outcome for v in violations)))
        deciding: list[Limit | Entry] = [v.limit for v in violations if v.outcome == outcome]
        ground = deciding or [entry]
        evidence = tuple(dict.fromkeys(e for g in ground for e in g.evidence))
        return Judgement(outcome, violations, evidence, self._confidence(ground, outcome, target), entry)

    def _confidence(self, ground: list[Limit | Entry], outcome: Outcome, target: Target) -> Confidence:
        if outcome == "unknown" or (target.platform, target.precision) not in self.measured:
            return Confidence.UNKNOWN
        return max((g.confidence for g in ground), key=lambda c: c.rank)

    def _message(self, limit: Limit, observed: Scalar, target: Target) -> str:
        return (
            f"{limit.describe()}; here {observed}; "
            f"on {target.platform} with {self.version} {CONSEQUENCE[limit.outcome]}"
        )

    def _entries_of(self, key: str) -> tuple[Entry, ...]:
        if key not in self._read:
            found = (read_entry(data, f"{self._name}, {key}") for data in self._raw.get(key, ()))
            self._read[key] = tuple(sorted(found, key=lambda e: e.opsets))
        return self._read[key]


def _key(op: str, domain: str) -> str:
    return op if domain in STANDARD else f"{domain}::{op}"


@lru_cache(maxsize=8)
def load_table(version: str) -> OpTable:
    """The op table of a toolkit version.

    Raises:
        TargetError: there is no table of that version.
        UsageError: the derived index is not current.
    """
    source = data_folder("op_tables") / f"rknn-{version}.toml"
    if not source.is_file():
        known = ", ".join(sorted(p.stem.removeprefix("rknn-") for p in source.parent.glob("rknn-*.toml")))
        raise TargetError(f"there is no op table of toolkit {version}", f"there are tables of: {known}")
    return OpTable(read_derived(source), source.name)
