"""RK314: what is read from a sequence whose elements are known."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.sequences import Unclear, elements
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext
from rkgraph.rulebook.sequence_parts import READERS, read_of
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node of the main graph that makes a tensor of a sequence of known structure."""
    main = lint.model.main
    for node in main.nodes_of(*READERS):
        if (node.path, node.index) in lint.folding.dead or not main.is_read(node.outputs[0]):
            continue
        found = elements(main, node.inputs[0])
        if not isinstance(found, Unclear):
            yield Finding(
                f"{node.op} reads a sequence of {len(found)} elements, all known: it needs no sequence",
                node=node,
                observed={"elements": len(found)},
                limit={"sequences": "none"},
                roots=("RK302", EXPLAINED),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The element, the number of elements, or a Concat of them."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    found = elements(main, node.inputs[0])
    if isinstance(found, Unclear):
        return Refusal(found.reason)
    writer = Writer(main, f"rk314/{node.outputs[0]}")
    made = read_of(main, node, found, writer)
    if isinstance(made, Unclear):
        return Refusal(made.reason)
    return writer.rewrite({node.outputs[0]: made}, EXACT, f"{node.op} of {len(found)} known elements")
