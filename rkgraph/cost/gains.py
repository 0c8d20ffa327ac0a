"""Root causes ranked by what removing them would buy, found by moving nodes of the placement and counting again.

Removing a cause removes the findings that it induces. A node that only these blame for where it runs is free: it folds
where nothing but shapes leads to it, and else runs on the NPU. Nodes that others blame, too, stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from rkgraph.analysis.origins import Origin
from rkgraph.cost.crossings import Crossings
from rkgraph.diagnostics import Device, Diagnostic, Severity
from rkgraph.results import Cause, Opportunity, PlacedNode, Saving
from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["Claim", "causes"]

_STUCK = (Device.CPU, Device.NO_KERNEL, Device.UNKNOWN, Device.HOST)

_Gain = TypeVar("_Gain", Cause, Opportunity)


class Claim(Protocol):
    """A finding, and the diagnostic that the report shows of it."""

    @property
    def finding(self) -> Finding:
        """What the rule found."""

    @property
    def diagnostic(self) -> Diagnostic:
        """What the report says."""

    @property
    def listed(self) -> bool:
        """Whether the report shows it; the others are facts all the same."""


class _Simulation:
    """What becomes of the placement of the main graph without some findings."""

    def __init__(
        self, context: LintContext, placement: Iterable[PlacedNode], claims: Sequence[Claim], crossings: Crossings
    ) -> None:
        self._context = context
        self._crossings = crossings
        self._devices = {node.index: node.device for node in placement if node.graph == "main"}
        codes = {node.index: node.because for node in placement if node.graph == "main" and node.device in _STUCK}
        self._roots: dict[int, set[str]] = {}  # node → the causes that hold it where it is
        self._held: dict[str, set[int]] = {}
        self.induced: dict[str, int] = {}
        self.blocking: set[str] = set()
        for claim in claims:
            node, root = claim.finding.node, claim.diagnostic.induced_by or claim.diagnostic.fingerprint
            if claim.diagnostic.induced_by is not None:
                self.induced[root] = self.induced.get(root, 0) + 1
            if claim.finding.verdict is not None and claim.diagnostic.severity is Severity.ERROR:
                self.blocking.add(root)
            if node is not None and node.path == "main" and claim.diagnostic.code in codes.get(node.index, ()):
                self._roots.setdefault(node.index, set()).add(root)
                self._held.setdefault(root, set()).add(node.index)

    def without(self, roots: Sequence[str]) -> tuple[int, int, int, int | None]:
        """Nodes without a kernel and on the CPU that are free, crossings and bytes less, without these causes."""
        gone = self._held.keys() & roots
        if not gone:
            return 0, 0, 0, 0
        held = {index for root in gone for index in self._held[root]}
        free = {index: self._destination(index) for index in sorted(held) if self._roots[index] <= gone}
        crossings, size = self._crossings.gain(free) if free else (0, 0)
        before = [self._devices[index] for index in free]
        on_cpu = sum(device in (Device.CPU, Device.HOST) for device in before)
        return before.count(Device.NO_KERNEL), on_cpu, crossings, None if size is None else round(size)

    def _destination(self, index: int) -> Device:
        graph = self._context.model.main
        origins = self._context.origins["main"]
        outputs = [name for name in graph.nodes[index].outputs if name]
        return Device.FOLDED if all(origins[name] is not Origin.DATA for name in outputs) else Device.NPU


def causes(
    context: LintContext, placement: Iterable[PlacedNode], claims: Sequence[Claim], crossings: Crossings
) -> tuple[tuple[Cause, ...], tuple[Opportunity, ...]]:
    """The causes that would buy something, and the rules with them, best first.

    Args:
        context: what was linted.
        placement: of all its nodes.
        claims: all findings, in the order of the report.
        crossings: of the main graph as it is placed.
    """
    simulation = _Simulation(context, placement, claims, crossings)
    found = [claim.diagnostic for claim in claims if claim.diagnostic.cause and claim.listed]
    return _ranked(_causes(simulation, found)), _ranked(_opportunities(simulation, found))


def _causes(simulation: _Simulation, found: Iterable[Diagnostic]) -> Iterator[Cause]:
    for each in found:
        own = each.fingerprint
        gain = simulation.without((own,))
        induced = simulation.induced.get(own, 0)
        yield Cause(own in simulation.blocking, *gain, induced, fingerprint=own, code=each.code)


def _opportunities(simulation: _Simulation, found: Iterable[Diagnostic]) -> Iterator[Opportunity]:
    by_code: dict[str, list[str]] = {}
    for each in found:
        by_code.setdefault(each.code, []).append(each.fingerprint)
    for code, own in by_code.items():
        blocks = not simulation.blocking.isdisjoint(own)
        induced = sum(simulation.induced.get(root, 0) for root in own)
        yield Opportunity(blocks, *simulation.without(own), induced, code=code, findings=tuple(own))


def _ranked(gains: Iterable[_Gain]) -> tuple[_Gain, ...]:
    """Those that buy something, best first; equal ones in their order."""
    useful = [gain for gain in gains if gain.blocks or gain.no_kernel or gain.cpu_nodes or gain.crossings > 0]
    return tuple(sorted(useful, key=_worth, reverse=True))


def _worth(gain: Saving) -> tuple[bool, int, int, int, int, int]:
    return gain.blocks, gain.no_kernel, gain.cpu_nodes, gain.crossings, gain.crossing_bytes or 0, gain.induced
