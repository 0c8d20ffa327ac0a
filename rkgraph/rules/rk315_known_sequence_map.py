"""RK315: SequenceMap over a sequence whose elements are known."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.inlining import MOST_NODES, CannotInline, Inliner, size_of_body
from rkgraph.analysis.sequences import Element, Unclear, elements
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext
from rkgraph.rulebook.sequence_parts import READERS, read_of, written
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each SequenceMap of the main graph over a sequence of known structure."""
    main = lint.model.main
    for node in main.nodes_of("SequenceMap"):
        found = elements(main, node.inputs[0])
        if isinstance(found, Unclear) or not any(map(main.is_read, node.outputs)):
            continue
        yield Finding(
            f"SequenceMap over {len(found)} elements, all known",
            node=node,
            observed={"elements": len(found)},
            limit={"sequences": "none"},
            roots=("RK302", EXPLAINED),
            explains=frozenset({(node.path, node.index)}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The body once for each element; what is read from the sequence of results is read from these."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    body = node.attributes.get("body")
    rows = _rows(main, node)
    if isinstance(rows, Unclear) or not isinstance(body, GraphView):
        return Refusal(rows.reason if isinstance(rows, Unclear) else "it has no body")
    if not rows or size_of_body(body) * len(rows) > MOST_NODES:
        return Refusal(f"the sequence is empty, or the nodes are more than {MOST_NODES}")
    writer = Writer(main, f"rk315/{next(name for name in node.outputs if name)}")
    inliner = Inliner(body, writer.tape)
    try:
        made = [inliner.write(dict(zip(body.inputs, (written(writer, e) for e in row), strict=True))) for row in rows]
    except CannotInline as error:
        return Refusal(str(error))
    replaces: dict[str, str] = {}
    for old, new in zip(node.outputs, zip(*made, strict=True), strict=True):
        replaces |= _instead_of(main, old, new, writer)
    return writer.rewrite(replaces, EXACT, f"written out {len(rows)} times")


def _instead_of(main: GraphView, old: str, new: tuple[str, ...], writer: Writer) -> dict[str, str]:
    """What stands in the place of the sequence `old` of the elements `new`, or of all that is read from it."""
    readers = main.consumers(old)
    if all(reader.op in READERS for reader in readers) and not main.takers.get(old) and old not in main.outputs:
        read = {reader.outputs[0]: read_of(main, reader, new, writer) for reader in readers}
        known = {name: value for name, value in read.items() if isinstance(value, str)}
        if len(known) == len(read):
            return known
    return {old: writer.op("SequenceConstruct", *new)}


def _rows(main: GraphView, node: Node) -> list[tuple[Element, ...]] | Unclear:
    """For each element of the first input: what the body takes, one of each sequence and the tensors as they are."""
    columns: list[tuple[Element, ...]] = []
    for name in node.inputs:
        if columns and main.value(name).dtype is not None:
            columns.append((name,) * len(columns[0]))
            continue
        found = elements(main, name)
        if isinstance(found, Unclear):
            return found
        if columns and len(found) < len(columns[0]):
            return Unclear(f"{name} has {len(found)} elements, the first sequence {len(columns[0])}")
        columns.append(found[: len(columns[0])] if columns else found)
    return list(zip(*columns, strict=True))
