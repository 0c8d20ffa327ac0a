"""What a fix changed, node by node, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from rkgraph.graph.view import Constant, GraphView, ModelView, Node

__all__ = ["diff_lines"]

CONTEXT = 1  # unchanged nodes shown around a change
SHOWN = 8  # elements of a constant


def diff_lines(before: ModelView, after: ModelView) -> Iterator[tuple[str, str]]:
    """The difference as (sign, text): "-" gone, "+" new, " " unchanged, "@" a heading or a gap.

    Nodes are in the order of the file, one a line, `outputs = Operator<attributes>(inputs)` with small constants
    written where they are read; Constant nodes are therefore not listed.
    """
    yield "@", "interface"
    yield from _changes(_interface(before), _interface(after))
    yield "@", "nodes"
    yield from _changes(_nodes(before.main), _nodes(after.main))


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from _unchanged(old[a:b], at_start=a == 0, at_end=b == len(old))
        else:
            yield from (("-", text) for text in old[a:b])
            yield from (("+", text) for text in new[c:d])


def _unchanged(lines: Sequence[str], *, at_start: bool, at_end: bool) -> Iterator[tuple[str, str]]:
    head = 0 if at_start else CONTEXT
    tail = 0 if at_end else CONTEXT
    hidden = len(lines) - head - tail
    if hidden <= 1:
        yield from ((" ", text) for text in lines)
        return
    yield from ((" ", text) for text in lines[:head])
    yield "@", f"… {hidden} unchanged"
    yield from ((" ", text) for text in lines[len(lines) - tail :])


def _interface(model: ModelView) -> list[str]:
    main = model.main
    lines = [f"opset {model.opset}"]
    for word, names in (("input", main.inputs), ("output", main.outputs)):
        lines += [f"{word} {name}: {main.value(name).dtype or '?'}{_shape(main, name)}" for name in names]
    return lines


def _nodes(graph: GraphView) -> list[str]:
    return [_node(graph, node) for node in graph.nodes if node.op != "Constant"]


def _node(graph: GraphView, node: Node) -> str:
    attributes = ", ".join(f"{key} = {_attribute(value)}" for key, value in sorted(node.attributes.items()))
    inputs = ", ".join(_operand(graph, name) for name in node.inputs)
    op = f"{node.domain}.{node.op}" if node.domain else node.op
    return f"{', '.join(node.outputs)} = {op}{f'<{attributes}>' if attributes else ''}({inputs})"


def _operand(graph: GraphView, name: str) -> str:
    constant = graph.constant(name)
    return _constant(constant) if constant is not None and len(constant.values) <= SHOWN else name


def _attribute(value: object) -> str:
    if isinstance(value, Constant):
        return _constant(value) if len(value.values) <= SHOWN else f"{value.dtype}{list(value.shape)} …"
    if isinstance(value, GraphView):
        return f"graph of {len(value.nodes)} nodes"
    if isinstance(value, tuple):
        return f"[{', '.join(str(item) for item in value)}]"
    return "…" if value is None else str(value)


def _constant(constant: Constant) -> str:
    values = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in constant.values)
    return values if not constant.shape and values else f"{{{values}}}"


def _shape(graph: GraphView, name: str) -> str:
    shape = graph.value(name).shape
    return " of unknown rank" if shape is None else f"[{', '.join('?' if s is None else str(s) for s in shape)}]"
