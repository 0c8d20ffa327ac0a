"""RK550: a layer normalization that the compiler would make one layer of, but for something that stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.norms import blockers, norms
from rkgraph.rulebook.rule import EXPLAINED, Finding

if TYPE_CHECKING:
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each deviation whose normalization stays in pieces."""
    for graph in lint.model.graphs():
        for norm in norms(graph):
            if (graph.path, norm.root.index) in lint.folded:
                continue
            reasons = list(blockers(graph, norm))
            if reasons:
                yield Finding(
                    f"the layer normalization at {norm.root.label} is not fused to one layer (exNorm): "
                    f"{'; '.join(reasons)}",
                    graph=graph.path,
                    node=norm.root,
                    observed={"reasons": reasons},
                    limit={"form": "(x − mean(x)) / sqrt(mean((x − mean(x))²) + ε), its parts read nowhere else"},
                    roots=(EXPLAINED,),  # RK532 rewrites most of them
                )
