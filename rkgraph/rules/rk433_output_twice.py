"""RK433: an output that holds the same numbers as another one."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.view import Constant, GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext

_DRAWN = frozenset({"Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"}) | {
    "RandomUniformLike"
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each output but the first of those that are computed alike."""
    main = lint.model.main
    if len(main.outputs) < 2:
        return
    numbers = _value_numbers(main)
    first: dict[object, str] = {}
    for name in main.outputs:
        same = first.setdefault(numbers.get(name, name), name)
        if same != name:
            yield Finding(
                f"the output '{name}' holds the same numbers as '{same}': it is computed and copied for nothing",
                value=name,
                observed={"same as": same},
            )


def _value_numbers(graph: GraphView) -> dict[str, object]:
    """Value → what it is: equal for values that nodes alike in operator, attributes and inputs make."""
    numbers: dict[str, object] = {}
    known: dict[object, int] = {}
    for node in graph.nodes:
        inputs = tuple(numbers.get(name, name) for name in node.inputs)
        plain = _plain(node)
        for place, name in enumerate(node.outputs):
            if node.op == "Identity":
                numbers[name] = inputs[0]
            elif plain is not None:
                numbers[name] = known.setdefault((node.full_op, plain, inputs, place), len(known))
    return numbers


def _plain(node: Node) -> object | None:
    """The attributes as something that can be compared; None where the node may differ from its like."""
    if node.op in _DRAWN or any(value is None for value in node.attributes.values()) or node.subgraphs:
        return None
    return tuple(sorted((name, _text(value)) for name, value in node.attributes.items()))


def _text(value: object) -> str:
    return f"{value.dtype}{value.shape}{value.values}" if isinstance(value, Constant) else repr(value)
