"""RK521: a constant that several nodes read, whose copies the toolkit gives names that are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import RenameConstants
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext

NAME = "copied-constant-name"


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each constant NAME that k nodes read, where another value is called NAME_1 … NAME_(k−1)."""
    known, main = defect(NAME), lint.model.main
    if lint.table.version not in known.fails:
        return
    readers = Counter(name for node in main.nodes for name in set(node.inputs) if name)
    for name, count in readers.items():
        if count < 2 or name in main.inputs or name in main.outputs or not _is_plain(main, name):
            continue
        taken = [copy for place in range(1, count) if _exists(main, copy := f"{name}_{place}")]
        if taken:
            yield Finding(
                f"{count} nodes read the constant '{name}'; the toolkit copies it for them under the names "
                f"'{name}_1' …, and {_listed(taken)} already",
                value=name,
                observed={"readers": count, "taken": taken},
                evidence=known.evidence,
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Another name for the constant, of whose copies none is taken."""
    main, old = lint.model.main, finding.value or ""
    count = finding.observed["readers"]
    stem = f"rk521/{old}"
    new, number = stem, 0
    while any(_exists(main, name) for name in (new, *(f"{new}_{place}" for place in range(1, count)))):
        number += 1
        new = f"{stem}/{number}"
    return RenameConstants({old: new})


def _is_plain(graph: GraphView, name: str) -> bool:
    """Whether the value is an initializer, or what a Constant node makes."""
    node = graph.producer(name)
    return graph.is_constant(name) and (node is None or node.op == "Constant")


def _exists(graph: GraphView, name: str) -> bool:
    return graph.producer(name) is not None or name in graph.inputs or graph.value(name).kind == "initializer"


def _listed(names: list[str]) -> str:
    return f"'{names[0]}' exists" if len(names) == 1 else f"'{names[0]}' and {len(names) - 1} more of them exist"
