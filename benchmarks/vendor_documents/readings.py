"""Readings of the documents: what a node would become if one took them at their word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rkgraph.graph.view import GraphView, Node
from rkgraph.tables.documented import documented_versions, limits_of, statements
from rkgraph.tables.entry import Limit
from rkgraph.tables.statement import Statement
from rkgraph.targets import Target

__all__ = ["DEPLOYS", "READINGS", "Documents", "Said"]

READINGS = ("list", "remarks", "both")
DEPLOYS = ("npu", "cpu")


@dataclass(frozen=True)
class Said:
    """What the documents say of one operator on a target."""

    listed: Statement | None
    npu: list[Statement]
    cpu: list[Statement]
    npu_limits: tuple[Limit, ...]


class Documents:
    """The documents of a target's toolkit version, or of the last before it that has any, by operator.

    `folder` has the target's evidence (None: the repository's).
    """

    def __init__(self, target: Target, folder: Path | None = None) -> None:
        self.target = target
        self.version = [v for v in documented_versions() if _numbers(v) <= _numbers(target.toolkit)][-1]
        self.folder = folder
        self._said: dict[str, Said] = {}

    def of(self, op: str) -> Said:
        """What they say of an operator, reports of users apart."""
        if op not in self._said:
            t = self.target
            said = [s for s in statements(self.version, op, t.platform, t.precision) if s.op == op and not s.fuses]
            documented = [s for s in said if s.sources[0].startswith("doc:")]
            listed = next((s for s in documented if "op-support" in s.sources[0]), None)
            npu, cpu = ([s for s in documented if s.claim == claim] for claim in DEPLOYS)
            self._said[op] = Said(listed, npu, cpu, limits_of(self.version, op, t.platform, t.precision))
        return self._said[op]

    def deploys(self, reading: str, node: Node, graph: GraphView) -> bool:
        """Whether a node is deployable by one reading of the documents."""
        said = self.of(node.op)
        if reading == "both" and node.domain in ("", "ai.onnx") and (said.npu or said.cpu):
            return self.device(node, graph) is not None
        if said.listed is None or node.domain not in ("", "ai.onnx") or said.listed.claim == "unsupported":
            return False
        return reading == "list" or admits(said.listed, node, graph)

    def device(self, node: Node, graph: GraphView) -> str | None:
        """The device that the PDF gives a node, None where neither chapter admits it."""
        said = self.of(node.op)
        platform = self.target.platform
        broken = (x.violated(node, graph, platform, graph.is_constant) is not None for x in said.npu_limits)
        if said.npu and not any(broken):
            return "npu"
        return "cpu" if any(admits(s, node, graph) for s in said.cpu) else None


def admits(statement: Statement, node: Node, graph: GraphView) -> bool:
    """Whether a node keeps all limits of a statement."""
    return not any(
        limit.check.check(node, graph, graph.is_constant) is not None
        and all(c.holds(node, graph, graph.is_constant) for c in limit.when)
        for limit in statement.limits
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split("."))
