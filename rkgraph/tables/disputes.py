"""Where what is documented and what was measured disagree: both stand, and the entry says so.

A document speaks of an operator, a probe of one small model; so the *best* that was measured of an operator (the
outcome of its entry, where all its limits hold) is held against what is claimed without conditions. Statements on a
layer of the compiler (`layer`: "exNorm") dispute nothing: which ONNX operators become that layer is our reading.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rkgraph.tables.documented import cited, statements

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.entry import Entry, Limit, Outcome
    from rkgraph.tables.statement import Statement

__all__ = ["Dispute", "DisputeKind", "Weighed", "contradiction", "disputes", "weigh"]

DisputeKind = Literal["refused-but-builds", "claimed-but-fails", "other-device", "no-warning"]
"""How a statement disagrees.

- "refused-but-builds": it says unsupported, and some form gets a device.
- "claimed-but-fails": it claims support, and no form that was measured gets a device.
- "other-device": it claims the NPU for every form, and the best that was measured is the CPU.
- "no-warning": it claims support for every form, and some that were measured fail.
"""

_FAILS = ("no-kernel", "build-fails")


@dataclass(frozen=True, slots=True)
class Dispute:
    """A statement and the outcome that was measured instead. `evidence` is that of the measurement."""

    kind: DisputeKind
    version: str
    platform: str
    statement: Statement
    measured: Outcome
    evidence: tuple[str, ...]

    @property
    def text(self) -> str:
        """Both words in one sentence: "doc:op-support-2.3.2/Abs says unsupported; measured npu at best"."""
        said = " and ".join(cited(self.statement, self.version, self.platform))
        forms = "in some forms" if self.kind == "no-warning" else "at best"
        return f"{said} says {self.statement.claim}; measured {self.measured} {forms}"


def disputes(entry: Entry, version: str, platform: str, precision: str = "fp16") -> tuple[Dispute, ...]:
    """Which statements on an operator disagree with its measured entry on a platform, the plainest kind first.

    None for an entry that is for other platforms, not of the standard domain, or "unknown".
    """
    if entry.domain or entry.outcome == "unknown" or (entry.platforms and platform not in entry.platforms):
        return ()
    failing = [limit for limit in entry.limits if limit.outcome in _FAILS]
    failing = [limit for limit in failing if not limit.platforms or platform in limit.platforms]
    said = [s for s in statements(version, entry.op, platform, precision) if _is_on(s, entry.op)]
    anywhere = any(s.claim == "cpu" for s in said)
    found: list[Dispute] = []
    for statement in said:
        kind = contradiction(statement, entry.outcome, elsewhere=anywhere)
        if kind is not None:
            found.append(Dispute(kind, version, platform, statement, entry.outcome, entry.evidence))
        elif failing and _promises(statement) and entry.outcome not in _FAILS:
            found.append(Dispute("no-warning", version, platform, statement, failing[0].outcome, failing[0].evidence))
    return tuple(sorted(found, key=lambda d: (d.kind == "no-warning", d.statement.sources)))


def contradiction(statement: Statement, measured: Outcome, *, elsewhere: bool = False) -> DisputeKind | None:
    """How a statement contradicts the best measured outcome of its operator, None where it does not.

    `elsewhere`: the documents also list the operator for the CPU, so that the CPU is no contradiction of the NPU.
    """
    if measured == "unknown":
        return None
    if statement.claim == "unsupported":
        return None if measured in _FAILS else "refused-but-builds"
    if measured in _FAILS:
        return "claimed-but-fails"
    if statement.claim == "npu" and measured == "cpu" and _promises(statement) and not elsewhere:
        return "other-device"
    return None


def _promises(statement: Statement) -> bool:
    """Whether it claims every form of the operator."""
    return statement.claim in ("supported", "npu", "cpu") and statement.unconditional


def _is_on(statement: Statement, op: str) -> bool:
    """Whether it is about the operator as such: not any, not a layer of the compiler, not under conditions."""
    return statement.op == op and not (statement.when or statement.layer or statement.fuses)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A documented limit, and what became of the measured nodes that break it and no other.

    `beyond` has (case id, outcome); `overflows` those of the ids where a register of the NPU did not hold a size.
    """

    limit: Limit
    beyond: tuple[tuple[str, Outcome], ...]
    overflows: frozenset[str] = frozenset()

    @property
    def contradicted(self) -> bool:
        """Whether some node beyond the limit runs on the NPU, and nothing overflowed."""
        return any(outcome == "npu" and name not in self.overflows for name, outcome in self.beyond)

    @property
    def confirmed(self) -> bool:
        """Whether there are nodes beyond the limit, and none that contradicts it."""
        return bool(self.beyond) and not self.contradicted


def weigh(
    limits: Sequence[Limit],
    measured: Iterable[tuple[str, Node, GraphView, Outcome]],
    platform: str,
    overflows: Collection[str] = (),
) -> tuple[Weighed, ...]:
    """Hold documented limits of one operator's NPU form against measured nodes of it on a platform.

    The compiler splits and rewrites what the hardware cannot do at once, so a limit of the hardware need not be one of
    the compiler: only a limit that nothing contradicts should become one of an op table.

    Args:
        limits: of one operator (`rkgraph.tables.documented.limits_of`).
        measured: (case id, node, its graph, outcome).
        platform: of the measurements.
        overflows: ids of cases in whose build a size did not fit a register (evidence that "warned" of RK922).
    """
    beyond: list[list[tuple[str, Outcome]]] = [[] for _ in limits]
    for name, node, graph, outcome in measured:
        broken = [
            number
            for number, limit in enumerate(limits)
            if limit.violated(node, graph, platform, graph.is_constant) is not None
        ]
        if len(broken) == 1:
            beyond[broken[0]].append((name, outcome))
    return tuple(
        Weighed(limit, tuple(found), frozenset(name for name, _ in found if name in overflows))
        for limit, found in zip(limits, beyond, strict=True)
    )
