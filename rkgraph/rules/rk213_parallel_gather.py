"""RK213: Gathers of the same rows from different tables, which the toolkit takes for one: its numbers are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "parallel-gather"


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each group of such Gathers, at its second, where the version at hand takes them for one."""
    known = defect(NAME)
    if lint.table.version not in known.wrong:
        return
    for graph in lint.model.graphs():
        if "Gather" not in graph.ops:
            continue
        alive = {node.index for node in lint.live_nodes(graph)}
        for nodes in _groups(graph).values():
            group = [node for node in nodes if node.index in alive and lint.is_constant(graph, node.inputs[0])]
            if len({node.inputs[0] for node in group}) > 1 and not lint.is_constant(graph, group[0].inputs[1]):
                labels = ", ".join(node.label for node in group)
                yield Finding(
                    f"{len(group)} Gathers look up the same rows in different tables ({labels}); "
                    f"{lint.table.version} takes them for one, and all get rows of {group[0].inputs[0]}",
                    graph=graph.path,
                    node=group[1],
                    observed={"gathers": [node.label for node in group], "tables": [node.inputs[0] for node in group]},
                    limit={"gathers": "one for each value of indices"},
                    evidence=known.evidence,
                    wrong_numbers=True,
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One Gather from the tables side by side, taken apart again; or from each by indices of another shape."""

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        labels = set(finding.observed["gathers"])
        group = [other for other in _groups(graph)[_key(graph, node)] if other.label in labels]
        joined = _joined(graph, group, w)
        if joined is not None:
            return w.rewrite(joined, EXACT, f"{len(group)} tables side by side, one Gather")
        return w.rewrite(_apart(graph, group, w), EXACT, "indices of different shapes")

    return lower(lint, finding, "rk213", write)


def _groups(graph: GraphView) -> Mapping[tuple[str, int], Sequence[Node]]:
    """The Gathers by indices and axis, in file order."""
    groups: dict[tuple[str, int], list[Node]] = {}
    for node in graph.nodes_of("Gather"):
        if graph.value(node.inputs[0]).shape:
            groups.setdefault(_key(graph, node), []).append(node)
    return groups


def _key(graph: GraphView, node: Node) -> tuple[str, int]:
    rank = len(graph.value(node.inputs[0]).shape or ())
    axis = node.attributes.get("axis", 0)
    return node.inputs[1], axis + rank if isinstance(axis, int) and axis < 0 else axis


def _joined(graph: GraphView, group: Sequence[Node], w: Writer) -> dict[str, str] | None:
    """Output → part of one Gather; None where the tables do not fit side by side."""
    (_, axis), tables = _key(graph, group[0]), [node.inputs[0] for node in group]
    shapes = [shape_of(graph, table) for table in tables]
    flat = len(shapes[0]) == 1
    if flat:
        shapes = [(*shape, 1) for shape in shapes]
        tables = [w.unsqueeze(table, (1,)) for table in tables]
    beside = max(place for place in range(len(shapes[0])) if place != axis)
    rest = {(len(shape), *shape[:beside], *shape[beside + 1 :]) for shape in shapes}
    if len(rest) > 1 or len({graph.value(node.inputs[0]).dtype for node in group}) > 1:
        return None
    found = w.op("Gather", w.concat(tables, beside), group[0].inputs[1], axis=axis)
    indices = len(shape_of(graph, group[0].inputs[1]))
    place = beside + indices - 1 if beside > axis else beside
    parts = w.split(found, place, [shape[beside] for shape in shapes])
    if flat:
        parts = tuple(w.squeeze(part, (place,)) for part in parts)
    return {node.outputs[0]: part for node, part in zip(group, parts, strict=True)}


def _apart(graph: GraphView, group: Sequence[Node], w: Writer) -> dict[str, str]:
    """Output of all but the first → a Gather by the same indices with more and more dimensions of 1."""
    indices, axis = _key(graph, group[0])
    found: dict[str, str] = {}
    for more, node in enumerate(group[1:], start=1):
        axes = tuple(range(more))
        rows = w.op("Gather", node.inputs[0], w.unsqueeze(indices, axes), axis=axis)
        found[node.outputs[0]] = w.squeeze(rows, tuple(axis + place for place in axes))
    return found
