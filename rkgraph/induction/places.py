"""Where limits may stand on an operator, likeliest reasons first: kinds for every input, attribute and relation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import onnx

from rkgraph.induction.sample import Sample
from rkgraph.tables import limits as kinds
from rkgraph.tables.limits import LimitKind

__all__ = ["templates"]

_INPUTS = 5
"""Inputs beyond these get no dtype and rank of their own."""

_POSITIONS = ("starts", "ends", "indices", "shape")
"""Inputs whose elements are places and sizes: cases have some and not others, which is no reason."""

_OPERANDS = ("Add", "BitShift", "Div", "Max", "Min", "Mod", "Mul", "Pow", "Sub", "Where")
"""Operators for which single numbers matter: exponents, divisors. Those of indices and shapes are any."""

_SIZED = 3
"""Inputs beyond these get no limits on sizes."""

_MOST_TEXTS = 12
"""More different texts than this are no choice: the equation of an Einsum."""

_AXES = ("axis", "axes")
_OUTPUT_SHAPED = ("Unsqueeze",)
_LATE_AXES = {"Squeeze": 1, "Unsqueeze": 1, "Slice": 3, "Pad": 3, "CumSum": 1, "Resize": 4}
"""Input that holds the axes, of operators whose axes are no attribute; reductions have it as input 1 from opset 18."""

_LAYOUT = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Pad", "Tile", "Expand")
_ALIGNED = ("LayerNormalization", "Slice", "Concat", "Split", "Gather")
_PACKED: tuple[tuple[int, ...], ...] = ((1,), (2,), (-1,), (-2,), (2, 3), (1, 2, 3), (1, 2))
"""Operators whose layout matters (first of all, or among other things), and the dimensions that are packed."""

_CHAINS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Erf": (("after", ("Add#0", "Mul#1", "Mul#0")), ("before", ("Div",))),
    "Slice": (("after", ("Slice", "Concat")), ("after", ("Concat",)), ("before", ("Slice",))),
}
"""Chains of neighbours worth a look, of operators that fusions are known to swallow."""

_FORMS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Einsum": (
        ("equation", "->", "an explicit result"),
        ("equation", " ", "a blank"),
        ("equation", r"([A-Za-z])[^,>-]*\1", "a letter twice in one operand"),
        ("equation", r"->\s*$", "an empty result"),
        ("equation", ",", "several operands"),
        ("equation", r"\.\.\.", "an ellipsis"),
    ),
}
"""Forms of text attributes that may matter, by operator: attribute, expression, and what it finds in words."""

_BOTH_SIDES: tuple[tuple[Literal["input", "output"], str], ...] = (("input", "data"), ("output", "output"))
_OWN: dict[str, tuple[tuple[LimitKind, float], ...]] = {
    "Conv": ((kinds.Grouping(allowed=("?",)), 0.2),),
    "ConvTranspose": ((kinds.Grouping(allowed=("?",)), 0.2),),
    "Transpose": ((kinds.MergedOrder(allowed=("?",)), 0.2),),
    "Split": ((kinds.Divisible(), 0.3),),
    "Slice": tuple(
        (kinds.Square(0, name, side, axes=axes), 0.7) for side, name in _BOTH_SIDES for axes in ((1, 2), (2, 3))
    ),
    "AveragePool": ((kinds.WindowOverhang(), 0.3),),
    "MaxPool": ((kinds.WindowOverhang(), 0.3),),
    "LpPool": ((kinds.WindowOverhang(), 0.3),),
    "Resize": ((kinds.Ratio(allowed=("?",)), 0.2),),
    "Upsample": ((kinds.Ratio(allowed=("?",)), 0.2),),
}
"""Kinds that make sense for some operators only."""

_WINDOWS: dict[str, int | None] = {
    "kernel_shape": None,
    "strides": 1,
    "dilations": 1,
    "pads": 0,
    "output_padding": 0,
    "group": 1,
    "blocksize": None,
}
"""Attributes that are sizes, with the value that leaving them out stands for (onnx's schemas state it in words)."""


def templates(samples: Sequence[Sample]) -> Iterator[tuple[LimitKind, float]]:
    """Limit kinds with open values, each with its cost: what it must explain more than another to be preferred."""
    op = samples[0].op.rpartition("::")[2]
    schema = onnx.defs.get_schema(op) if onnx.defs.has(op) else None
    nodes = [s.place.node for s in samples]
    inputs = max(len(n.inputs) for n in nodes)
    formal = [i.name for i in schema.inputs] if schema else []
    label = [formal[min(i, len(formal) - 1)] if formal else "" for i in range(inputs)]
    yield from _of_inputs(inputs, label, samples)
    yield from _of_outputs(samples, [o.name for o in schema.outputs] if schema else [])
    yield from _of_attributes(samples, schema)
    yield from ((kinds.AttributeMatches(*form), 0.25) for form in _FORMS.get(op, ()))
    yield from _of_axes(op, nodes, schema)
    yield kinds.BlankOutput(), 0.05
    yield kinds.Opset(), 0.45
    yield kinds.Arity(), 0.6
    if inputs >= 2:
        yield kinds.Broadcast(0, 1, allowed=("?",)), 0.5
        yield kinds.SameOperand(0, 1), 0.7
        yield kinds.RankOrder(0, 1, allowed=("?",)), 0.55
        yield kinds.SameRank(), 0.5
        yield kinds.SameRank(computed=True), 0.55
    yield from _OWN.get(op, ())
    yield from _of_alignment(op, label)
    yield from _of_neighbours(op, samples)


def _of_alignment(op: str, label: list[str]) -> Iterator[tuple[LimitKind, float]]:
    """Multiples of 8: where data change their layout, that is how channels and lines are packed."""
    if op not in (*_LAYOUT, *_ALIGNED):
        return
    sides: tuple[tuple[Literal["input", "output"], str], ...] = (("input", label[0] if label else ""), ("output", ""))
    for side, name in sides:
        for axes in _PACKED:
            yield kinds.Multiple(0, name, side, axes=axes), 0.4 if op in _LAYOUT else 0.8


def _of_inputs(count: int, label: list[str], samples: Sequence[Sample]) -> Iterator[tuple[LimitKind, float]]:
    for i in range(count):
        if i < _INPUTS:
            yield kinds.Dtype(i, label[i], allowed=("?",)), 0.0
        yield kinds.ConstantInput(i, label[i]), 0.1
        if len({len(s.place.node.inputs) > i and bool(s.place.node.inputs[i]) for s in samples}) == 2:
            yield kinds.Presence(i, label[i]), 0.3
        if i < _INPUTS:
            yield kinds.Rank(i, label[i], allowed=(0,)), 0.4
            if label[i] not in _POSITIONS:
                yield kinds.ConstantRange(i, label[i]), 0.5
            if samples[0].op in _OPERANDS:
                yield kinds.ConstantIn(i, label[i], allowed=(0,)), 0.55
        if i < _SIZED:
            yield kinds.TrueRank(i, label[i]), 0.6
            yield kinds.Elements(i, label[i]), 0.9
            for axis in (0, 1, 2, -1, -2, -3):
                yield kinds.DimensionRange(i, label[i], axis=axis), 0.8 if axis in (1, -1) else 0.85
            yield kinds.DimensionProduct(i, label[i], axes=(-2, -1)), 0.9


def _of_outputs(samples: Sequence[Sample], names: list[str]) -> Iterator[tuple[LimitKind, float]]:
    for i in range(max(len(s.place.node.outputs) for s in samples)):
        name = names[min(i, len(names) - 1)] if names else ""
        if i == 0:
            yield kinds.Dtype(0, name, "output", allowed=("?",)), 0.2
            yield kinds.Rank(0, name, "output", allowed=(0,)), 0.6
            yield kinds.Elements(0, name, "output"), 0.95
            yield kinds.DimensionRange(0, name, "output", axis=-1), 0.9
        else:
            yield kinds.Presence(i, name, "output"), 0.4


def _of_attributes(samples: Sequence[Sample], schema: Any) -> Iterator[tuple[LimitKind, float]]:
    for name in sorted({a for s in samples for a in s.place.node.attributes}):
        default = _default(schema, name)
        if _is_choice(name, samples):
            yield kinds.AttributeIn(name, allowed=("?",), default=default), 0.2
        if len({name in s.place.node.attributes for s in samples}) == 2:
            yield kinds.AttributePresence(name), 0.35
        if any(_is_number(s.place.node.attributes.get(name)) for s in samples):
            left_out = _WINDOWS.get(name) if default is None else default
            yield kinds.AttributeRange(name, default=left_out), 0.3 if name in _WINDOWS else 0.5
            yield kinds.AttributeUniform(name), 0.6


def _is_choice(name: str, samples: Sequence[Sample]) -> bool:
    """Whether an attribute has a few values to choose from: not sizes, not lists of numbers, not free texts."""
    values = [s.place.node.attributes.get(name) for s in samples if name in s.place.node.attributes]
    if name in _WINDOWS or any(isinstance(value, tuple) for value in values):
        return False
    return not all(isinstance(value, str) for value in values) or len(set(values)) <= _MOST_TEXTS


def _default(schema: Any, name: str) -> kinds.Scalar | None:
    """The default value of an attribute where it is a single number or text."""
    if schema is None or name not in schema.attributes:
        return None
    proto = schema.attributes[name].default_value
    if not proto.type:
        return None
    value = onnx.helper.get_attribute_value(proto)
    value = value.decode() if isinstance(value, bytes) else value
    return value if isinstance(value, (int, float, str)) else None


def _is_number(value: Any) -> bool:
    first = value[0] if isinstance(value, tuple) and value else value
    return isinstance(first, (int, float)) and not isinstance(first, bool)


def _of_axes(op: str, nodes: Sequence[Any], schema: Any) -> Iterator[tuple[LimitKind, float]]:
    name = next((a for a in _AXES if any(a in n.attributes for n in nodes)), "")
    index = _LATE_AXES.get(op, 1 if op.startswith("Reduce") else None)
    if not name and index is None:
        return
    default = _default(schema, name) if name else None
    side: Literal["input", "output"] = "output" if op in _OUTPUT_SHAPED else "input"
    directions: tuple[Literal["start", "end"], ...] = ("end", "start")
    for counted in directions:
        axis = kinds.Axis(
            counted,
            name,
            index,
            default if isinstance(default, int) else None,
            side,
            allowed=(0,),
        )
        yield axis, 0.4
    yield kinds.AxisSize(name, index, default if isinstance(default, int) else None), 0.6


def _of_neighbours(op: str, samples: Sequence[Sample]) -> Iterator[tuple[LimitKind, float]]:
    yield kinds.Neighbour("before", ("@input",)), 0.9
    yield kinds.Neighbour("after", ("@output",)), 0.9
    yield kinds.Neighbour("after", ("*",)), 0.9
    near: dict[tuple[str, str], int] = {}
    for sample in samples:
        graph, node = sample.place.graph, sample.place.node
        before = {p.op for n in node.inputs if n and (p := graph.producer(n))}
        after = {c.op for n in node.outputs if n for c in graph.consumers(n)}
        for direction, ops in (("before", before), ("after", after)):
            for other in ops:
                near[direction, other] = near.get((direction, other), 0) + 1
    for (direction, other), count in sorted(near.items()):
        if count >= 2 and other != "Constant":
            yield kinds.Neighbour(direction, (other,)), 0.95  # type: ignore[arg-type]
    for direction, chain in _CHAINS.get(op, ()):
        yield kinds.Neighbour(direction, chain), 0.95  # type: ignore[arg-type]
