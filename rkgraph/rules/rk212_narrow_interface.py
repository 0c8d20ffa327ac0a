"""RK212: an input or output of narrow whole numbers that the compiler takes as such, and then dies of the Cast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.narrow import NARROW
from rkgraph.rulebook.retyping import retype_input, retype_output
from rkgraph.rulebook.rule import Finding
from rkgraph.targets import refused_inputs

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import Node
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that only Casts read, and each output that a Cast makes, where a Cast cannot run."""
    main, refused = lint.model.main, refused_inputs(lint.target.toolkit)
    lost = {node.index for node in main.nodes_of("Cast") if _is_lost(lint, node)}
    for name in main.inputs:
        value, readers = main.value(name), main.consumers(name)
        ends = [node for node in readers if node.index in lost]
        if value.dtype in NARROW - refused and ends and all(node.op == "Cast" for node in readers):
            yield _finding(name, "input", value.dtype or "", ends)
    for name in main.outputs:
        maker, dtype = main.producer(name), main.value(name).dtype
        if dtype in NARROW and maker is not None and maker.index in lost:
            yield _finding(name, "output", dtype or "", [maker])


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers as float32, int32 or int64."""
    main, name = lint.model.main, finding.value or ""
    return retype_input(main, name) if name in main.inputs else retype_output(main, name)


def _is_lost(lint: LintContext, node: Node) -> bool:
    return (node.path, node.index) not in lint.folded and lint.judgement(node).outcome in CANNOT_RUN


def _finding(name: str, which: str, dtype: str, casts: list[Node]) -> Finding:
    return Finding(
        f"the {which} '{name}' is {dtype}, and the compiler has no Cast {'from' if which == 'input' else 'to'} that",
        value=name,
        observed={"dtype": dtype},
        explains=frozenset((node.path, node.index) for node in casts),
    )
