"""Random models to reduce, and predicates that look at their nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rkgraph.reduce import Outcome

__all__ = ["connected", "contains", "models", "reaches"]

UNARY = ("Relu", "Sigmoid", "Tanh", "Neg", "Abs", "Exp", "Softmax", "Transpose", "Identity")
BINARY = ("Add", "Mul", "Sub", "MatMul")
SIZE = 6


@st.composite
def models(draw: st.DrawFn, largest: int = 24) -> onnx.ModelProto:
    """A graph of square matrices [6, 6]: any value may be read by any later node; some weights, some outputs."""
    values = ["a", "b"]
    nodes, weights = [], []
    for index in range(draw(st.integers(1, largest))):
        made = f"value.{index}"
        kind = draw(st.sampled_from((*UNARY, *BINARY, "weight")))
        if kind == "weight":
            name = f"weight.{index}"
            weights.append(numpy_helper.from_array(np.full((SIZE, SIZE), index, np.float32), name))
            nodes.append(helper.make_node("MatMul", [draw(st.sampled_from(values)), name], [made], name=f"n/{index}"))
        else:
            count = 1 if kind in UNARY else 2
            inputs = [draw(st.sampled_from(values)) for _ in range(count)]
            nodes.append(helper.make_node(kind, inputs, [made], name=f"n/{index}"))
        values.append(made)
    extra = draw(st.lists(st.sampled_from(values[2:]), max_size=2))
    outputs = list(dict.fromkeys([*extra, values[-1]]))
    graph = helper.make_graph(
        nodes,
        "secret",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (SIZE, SIZE)) for name in "ab"],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (SIZE, SIZE)) for name in outputs],
        weights,
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def contains(*ops: str) -> Callable[[Path], Outcome]:
    """Every one of `ops` is there, as often as it is given."""

    def predicate(path: Path) -> Outcome:
        found = [node.op_type for node in onnx.load(path).graph.node]
        return Outcome(all(found.count(op) >= ops.count(op) for op in ops), f"it has {', '.join(found)}")

    return predicate


def reaches(first: str, last: str) -> Callable[[Path], Outcome]:
    """A result of a node `first` comes to a node `last` on some way."""

    def predicate(path: Path) -> Outcome:
        carriers: set[str] = set()
        for node in onnx.load(path).graph.node:
            fed = not carriers.isdisjoint(node.input)
            if fed and node.op_type == last:
                return Outcome(True, "it does", (node.name,))
            if fed or node.op_type == first:
                carriers.update(node.output)
        return Outcome(False, "it does not")

    return predicate


def connected(model: onnx.ModelProto) -> list[tuple[str, str]]:
    """Types of nodes of which the second reads what comes of the first, each pair once."""
    carriers: dict[str, set[str]] = {}
    pairs: set[tuple[str, str]] = set()
    for node in model.graph.node:
        before = set().union(*(carriers.get(name, set()) for name in node.input))
        pairs |= {(first, node.op_type) for first in before}
        carriers |= dict.fromkeys(node.output, before | {node.op_type})
    return sorted(pairs)
