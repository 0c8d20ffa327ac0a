"""RK415: a Transpose on the CPU that is not needed if what follows it is computed in the order of before."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Device
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, lower, rounding
from rkgraph.rulebook.lowering import SLOW, needing
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.turned_region import Region, region_behind, written
from rkgraph.rulebook.workload import value_bytes
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each region behind a Transpose on the CPU that can do with fewer Transposes."""
    found: set[str] = set()
    for graph, node in needing(lint, ("Transpose",), SLOW):
        region = None if node.outputs[0] in found else _region(graph, node)
        if region is None:
            continue
        found.update(region.gone)
        moved = sum(value_bytes(graph, name) or 0.0 for name in region.gone)
        yield Finding(
            f"{node.label} runs on the CPU, and need not be there: with {len(region.nodes)} operators behind it in the "
            f"order of before, {len(region.gone)} Transposes ({moved / 1024:.0f} KB) go and {len(region.come)} come",
            graph=graph.path,
            node=node,
            observed={"gone": len(region.gone), "come": len(region.come), "operators": len(region.nodes)},
            evidence=lint.judgement(node).evidence,
            device=Device.CPU,
            explains=frozenset({(graph.path, node.index)}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The operators in the other order."""
    return lower(lint, finding, "rk415", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    region = _region(graph, node)
    if region is None:
        raise NotKnown(f"nothing behind {node.label} makes a Transpose unnecessary")
    replaces = written(graph, region, write)
    dtype = graph.value(node.outputs[0]).dtype or ""
    detail = f"{len(region.gone)} Transposes less, {len(region.come)} more"
    return write.rewrite(replaces, rounding(dtype, _terms(graph, region)), detail)


def _region(graph: GraphView, node: Node) -> Region | None:
    """The region, if the Transpose itself goes."""
    try:
        region = region_behind(graph, node)
    except NotKnown:
        return None
    return region if region is not None and node.outputs[0] in region.gone else None


def _terms(graph: GraphView, region: Region) -> int:
    """The most numbers that one operator of the region sums up, in another order perhaps."""
    sizes = [
        max((s for s in graph.value(n.inputs[0]).shape or () if isinstance(s, int)), default=1) for n in region.nodes
    ]
    return max(sizes, default=1)
