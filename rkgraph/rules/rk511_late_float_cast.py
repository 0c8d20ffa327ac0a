"""RK511: whole numbers of an input that are moved about before they become floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.edge_casts import CastPath, cast_paths
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

WHOLE = frozenset({"int64", "int32"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Cast to floats that stands behind what moves an input of whole numbers."""
    main = lint.model.main
    for name in main.inputs:
        if main.value(name).dtype not in WHOLE:
            continue
        for path in cast_paths(main, name):
            if path.moves and (path.cast.path, path.cast.index) not in lint.folded:
                yield Finding(
                    f"'{name}' is moved about as {main.value(name).dtype}, which is the CPU's work, and is a float "
                    f"only from {path.cast.label} on",
                    node=path.cast,
                    observed={"input": name, "moves": [node.op for node in path.moves]},
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The Cast at the input, and the floats moved about."""
    return lower(lint, finding, "rk511", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    path = next(path for name in graph.inputs for path in cast_paths(graph, name) if path.cast == node)
    new = w.op("Cast", _start(path), to=node.attributes["to"])
    for move in path.moves:
        new = w.op(move.op, new, *move.inputs[1:], **move.attributes)
    return w.rewrite({node.outputs[0]: new}, EXACT, "Cast first")


def _start(path: CastPath) -> str:
    return path.moves[0].inputs[0]
