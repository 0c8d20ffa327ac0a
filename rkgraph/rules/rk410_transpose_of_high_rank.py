"""RK410: a Transpose of many dimensions of which some are 1, over which the compiler never ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.known import NotKnown, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_SMALLEST_RANK = 6
_SMALLEST_MERGED = 5
"""What is left of the dimensions, ones dropped and neighbours merged, where the compiler's rules undo each other."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Transpose that cannot run, or that no build comes to an end of."""
    for graph, node in needing(lint, {"Transpose"}, CANNOT_RUN | SLOW | {"npu"}):
        found = _merged_of(graph, node)
        if found is None:
            continue
        shape, merged = found
        if lint.judgement(node).outcome in CANNOT_RUN:
            if len(merged) < len(shape):
                yield not_as_it_is(lint, graph, node, "moving one dimension after the other takes three")
        elif _never_ends(graph, node, shape, merged):
            yield Finding(
                f"the build never ends over {node.label}: it drops and restores the dimensions of 1 among "
                f"{len(shape)} for ever",
                graph=graph.path,
                node=node,
                observed={"rank": len(shape), "merged": len(merged)},
                limit={"rank": _SMALLEST_RANK - 1},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One dimension after the other is moved to the front or to the back, the others merged around it."""
    return lower(lint, finding, "rk410", _transposed)


def _never_ends(graph: GraphView, node: Node, shape: tuple[int, ...], merged: list[list[int]]) -> bool:
    """Between two Reshapes it is taken together with them, and comes to an end."""
    producer, readers = graph.producer(node.inputs[0]), graph.consumers(node.outputs[0])
    between = producer is not None and producer.op == "Reshape" and len(readers) == 1 and readers[0].op == "Reshape"
    return len(shape) >= _SMALLEST_RANK and 1 in shape and len(merged) >= _SMALLEST_MERGED and not between


def _merged_of(graph: GraphView, node: Node) -> tuple[tuple[int, ...], list[list[int]]] | None:
    try:
        shape = shape_of(graph, node.inputs[0])
    except NotKnown:
        return None
    return shape, _merged(shape, _perm(node, len(shape)))


def _perm(node: Node, rank: int) -> tuple[int, ...]:
    given = node.attributes.get("perm")
    return tuple(int(axis) % rank for axis in given) if given else tuple(reversed(range(rank)))


def _merged(shape: tuple[int, ...], perm: tuple[int, ...]) -> list[list[int]]:
    """The dimensions larger than 1 in the order of the result, in runs that stay neighbours."""
    kept = [axis for axis in range(len(shape)) if shape[axis] != 1]
    runs: list[list[int]] = []
    for axis in (axis for axis in perm if shape[axis] != 1):
        if runs and kept.index(axis) == kept.index(runs[-1][-1]) + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return runs


def _transposed(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    shape = shape_of(graph, node.inputs[0])
    perm = _perm(node, len(shape))
    runs = [tuple(run) for run in _merged(shape, perm)]
    sizes = {run: math.prod(shape[axis] for axis in run) for run in runs}
    now, value = sorted(runs), node.inputs[0]
    for run, to_front in _moves(now, runs):
        place = now.index(run)
        before, behind = (math.prod(sizes[one] for one in part) for part in (now[:place], now[place + 1 :]))
        cube = writer.reshape(value, (before, sizes[run], behind))
        value = writer.transpose(cube, (1, 0, 2) if to_front else (0, 2, 1))
        rest = now[:place] + now[place + 1 :]
        now = [run, *rest] if to_front else [*rest, run]
    new = writer.reshape(value, [shape[axis] for axis in perm])
    return writer.rewrite({node.outputs[0]: new}, EXACT, f"{len(writer.tape.nodes) // 2} moves of one dimension")


def _moves(now: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> list[tuple[tuple[int, ...], bool]]:
    """Which runs to move in turn, and whether to the front (else to the back), to come from one order to the other.

    What is in order at the end of what is wanted can stay while the rest goes to the front, last one first; or what is
    in order at its beginning, while the rest goes to the back. The shorter way is taken.
    """
    places = [now.index(run) for run in wanted]
    end = len(wanted) - 1
    while end and places[end - 1] < places[end]:
        end -= 1
    begin = 0
    while begin < len(wanted) - 1 and places[begin] < places[begin + 1]:
        begin += 1
    if end <= len(wanted) - 1 - begin:
        return [(run, True) for run in reversed(wanted[:end])]
    return [(run, False) for run in wanted[begin + 1 :]]
