"""Where each node of the original graph will run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rkgraph.diagnostics import Device
from rkgraph.graph.view import Node
from rkgraph.results import PlacedNode
from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["place"]

# A node that ends the build runs nowhere: its device is unknown, and its finding says the rest.
DEVICES: Mapping[str, Device] = {
    "npu": Device.NPU,
    "cpu": Device.CPU,
    "no-kernel": Device.NO_KERNEL,
    "build-fails": Device.UNKNOWN,
    "unknown": Device.UNKNOWN,
}

# Where findings of several rules disagree, the one that matters most to the user decides.
_PRECEDENCE = (Device.NO_KERNEL, Device.UNKNOWN, Device.HOST, Device.CPU, Device.NPU, Device.FOLDED)


def place(context: LintContext, findings: Iterable[tuple[str, Finding]]) -> tuple[PlacedNode, ...]:
    """Every node of every graph with its device, and the codes of the findings that say so; in file order."""
    by_node: dict[tuple[str, int], list[tuple[str, Finding]]] = {}
    for code, finding in findings:
        if finding.node is not None:
            by_node.setdefault((finding.node.path, finding.node.index), []).append((code, finding))
    return tuple(_placed(context, by_node))


def _placed(context: LintContext, by_node: Mapping[tuple[str, int], list[tuple[str, Finding]]]) -> Iterator[PlacedNode]:
    for graph in context.model.graphs():
        for node in graph.nodes:
            device, because = _device(context, node, by_node.get((node.path, node.index), []))
            outputs = tuple(name for name in node.outputs if name)
            yield PlacedNode(node.index, node.label, node.op, outputs, device, because, graph.path)


def _device(context: LintContext, node: Node, found: list[tuple[str, Finding]]) -> tuple[Device, tuple[str, ...]]:
    if (node.path, node.index) in context.folded:
        return Device.FOLDED, ()
    claims = {finding.device for _, finding in found if finding.device is not None}
    device = min(claims, key=_PRECEDENCE.index, default=DEVICES[context.judgement(node).outcome])
    because = {code for code, finding in found if finding.device is device or _ends_build(context, node, finding)}
    return device, tuple(sorted(because))


def _ends_build(context: LintContext, node: Node, finding: Finding) -> bool:
    return context.judgement(node).outcome == "build-fails" and finding.verdict is not None
