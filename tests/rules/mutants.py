"""Wrong versions of a rewrite, made from its data: what a slip of its author's would have recorded.

Each mutant is one slip at one place of the tape: a scaled or shifted result, a constant that is off by one, swapped
operands or axes, a step left out, an operator taken for its relative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rkgraph.graph.rewrite import NewNode, Rewrite, Tape
from rkgraph.graph.view import Constant

__all__ = ["mutants"]

RELATIVES = {
    "Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "Max": "Min", "Min": "Max", "Floor": "Ceil", "Sin": "Cos",
    "Cos": "Sin", "Exp": "Tanh", "Log": "Exp", "Sqrt": "Exp", "Abs": "Relu", "Relu": "Abs", "ReduceMax": "ReduceMin",
    "ReduceMin": "ReduceMax", "ReduceSum": "ReduceMax", "ReduceMean": "ReduceMax", "And": "Or", "Or": "And",
    "Greater": "Less", "Less": "Greater", "GreaterOrEqual": "LessOrEqual", "LessOrEqual": "GreaterOrEqual",
}  # fmt: skip
ORDERED = frozenset({"Sub", "Div", "MatMul", "Pow", "Where", "Greater", "Less", "Concat"})
STEPS = frozenset({
    "Abs", "Add", "Cast", "Clip", "Div", "Exp", "Floor", "Log", "Max", "Min", "Mul", "Neg", "Not", "Pow", "Relu",
    "Sqrt", "Sub", "Tanh", "Transpose", "Softmax", "Sigmoid", "Erf",
})  # fmt: skip


def mutants(edit: Rewrite) -> Iterator[tuple[str, Rewrite]]:
    """Every mutant of a rewrite, with a name that says which slip it is; the rewrite stays as it is."""
    yield from _results(edit)
    for name, array in edit.tape.constants.items():
        yield from _constants(edit, name, array)
    for index, node in enumerate(edit.tape.nodes):
        for slip, changed in _nodes(node):
            yield f"{slip} of node {index} ({node.op})", _with_node(edit, index, changed)
        if node.inputs and node.inputs[0] and node.op != "Cast":
            yield f"twice the input of node {index} ({node.op})", _with_twice(edit, index)
        if node.op in STEPS and len(node.outputs) == 1 and node.inputs[0]:
            yield f"without node {index} ({node.op})", _without(edit, index)


def _results(edit: Rewrite) -> Iterator[tuple[str, Rewrite]]:
    """The first result times three: far outside any tolerance, whatever the dtype."""
    old, new = next(iter(edit.replaces.items()))
    copy = _copied(edit)
    stem = f"{copy.tape.prefix}/mutant"
    copy.tape.nodes += [
        NewNode("Add", (new, new), (f"{stem}.twice",), {}),
        NewNode("Add", (f"{stem}.twice", new), (f"{stem}.thrice",), {}),
    ]
    yield "the result times three", replace(copy, replaces={**edit.replaces, old: f"{stem}.thrice"})
    if len(edit.tape.nodes) == 1:  # there is hardly anything else to get wrong
        copy = _copied(edit)
        copy.tape.nodes.append(NewNode("Cast", (new,), (f"{stem}.cast",), {"to": 4}))
        yield "the result as uint16", replace(copy, replaces={**edit.replaces, old: f"{stem}.cast"})


def _constants(edit: Rewrite, name: str, array: np.ndarray) -> Iterator[tuple[str, Rewrite]]:
    if array.dtype.kind not in "fiub" or not array.size:
        return
    slips: dict[str, Callable[[np.ndarray], np.ndarray]] = {"off": _off}
    if array.ndim > 1:
        slips["turned"] = lambda a: np.ascontiguousarray(np.flip(a))
    for slip, change in slips.items():
        changed = change(array)
        if not np.array_equal(changed, array):
            copy = _copied(edit)
            copy.tape.constants[name] = changed
            yield f"{slip}: constant {name.rpartition('/')[2]}", copy


def _off(array: np.ndarray) -> np.ndarray:
    if array.dtype == bool:
        return ~array
    return array + array.dtype.type(1) if array.dtype.kind in "iu" else array * array.dtype.type(1.5) + 1


def _nodes(node: NewNode) -> Iterator[tuple[str, NewNode]]:
    if node.op in RELATIVES:
        yield f"{RELATIVES[node.op]} instead", replace(node, op=RELATIVES[node.op])
    if node.op in ORDERED and len(node.inputs) > 1 and node.inputs[-1] != node.inputs[-2]:
        yield "swapped operands", replace(node, inputs=(*node.inputs[:-2], node.inputs[-1], node.inputs[-2]))
    perm = node.attributes.get("perm")
    if isinstance(perm, tuple) and len(perm) > 1:
        yield "swapped axes", replace(node, attributes={**node.attributes, "perm": (*perm[:-2], perm[-1], perm[-2])})
    for name, value in node.attributes.items():
        if isinstance(value, float):
            yield f"{name} off", replace(node, attributes={**node.attributes, name: value * 1.5 + 1})
        if isinstance(value, Constant):
            off = replace(value, values=tuple(not one if value.dtype == "bool" else one + 1 for one in value.values))
            yield f"{name} off", replace(node, attributes={**node.attributes, name: off})
    axis = node.attributes.get("axis")
    if isinstance(axis, int) and node.op != "Split":
        yield "another axis", replace(node, attributes={**node.attributes, "axis": 0 if axis else -1})
    axes = node.attributes.get("axes")
    if isinstance(axes, tuple) and axes:
        moved = tuple(0 if axis else -1 for axis in axes[:1])
        yield "another axis", replace(node, attributes={**node.attributes, "axes": (*moved, *axes[1:])})


def _with_node(edit: Rewrite, index: int, node: NewNode) -> Rewrite:
    copy = _copied(edit)
    copy.tape.nodes[index] = node
    return copy


def _with_twice(edit: Rewrite, index: int) -> Rewrite:
    """The node reads twice its first input."""
    copy = _copied(edit)
    node = copy.tape.nodes[index]
    twice = f"{copy.tape.prefix}/mutant.twice"
    copy.tape.nodes[index : index + 1] = [
        NewNode("Add", (node.inputs[0], node.inputs[0]), (twice,), {}),
        replace(node, inputs=(twice, *node.inputs[1:])),
    ]
    return copy


def _without(edit: Rewrite, index: int) -> Rewrite:
    """The node's readers read its first input instead."""
    copy = _copied(edit)
    gone = copy.tape.nodes.pop(index)
    stands_for = {gone.outputs[0]: gone.inputs[0]}
    copy.tape.nodes = [
        replace(node, inputs=tuple(stands_for.get(name, name) for name in node.inputs)) for node in copy.tape.nodes
    ]
    return replace(copy, replaces={old: stands_for.get(new, new) for old, new in copy.replaces.items()})


def _copied(edit: Rewrite) -> Rewrite:
    tape = Tape(edit.tape.prefix)
    tape.nodes, tape.constants = list(edit.tape.nodes), dict(edit.tape.constants)
    return replace(edit, tape=tape)
