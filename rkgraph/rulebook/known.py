"""What a lowering must know of a node before it can write it otherwise: shapes, dtypes, axes, constants.

Whatever is missing raises `NotKnown` with the reason, and `lower` makes a refusal of it, so that a writer of nodes has
no case to distinguish.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.schemas import first_opset
from rkgraph.graph.rewrite import Refusal, Tolerance
from rkgraph.rulebook.lowering import raised
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext

__all__ = [
    "FLOATS",
    "LARGEST_OF",
    "NUMPY_BROADCASTING",
    "NotKnown",
    "axis_of",
    "constant_of",
    "dtype_of",
    "float_of",
    "input_of",
    "is_live",
    "lower",
    "reduced_axes",
    "rounding",
    "shape_of",
]

FLOATS = frozenset({"float32", "float16", "float64"})

NUMPY_BROADCASTING = 7
"""Since this opset operands are broadcast without being told how, which all lowerings rely on, and ONNX Runtime has
kernels of arithmetic."""

LARGEST_OF: Mapping[str, float] = {"float16": 65504.0, "float32": 3.4028234663852886e38, "float64": 1.7e308}

_UNIT = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-28}  # attributes are float32 in all of them

Write = Callable[["GraphView", "Node", Writer], "Rewrite"]


class NotKnown(ValueError):
    """Something of the node is not known, or is so that the lowering does not hold; the text says what."""


def lower(lint: LintContext, finding: Finding, code: str, write: Write) -> Edit | Refusal:
    """What `write` records for the node of `finding`, on a writer whose names begin with `code`; else a refusal.

    A model below opset 7 is brought there first, and one of an opset that has not all operators that are written to one
    that has them.
    """
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    if graph.opset < NUMPY_BROADCASTING:
        first = raised(lint, NUMPY_BROADCASTING)
        if first is not None:
            return first
    named = next((output for output in node.outputs if output), node.label)
    try:
        edit = write(graph, node, Writer(graph, f"{code}/{named}"))
    except ValueError as reason:  # NotKnown, and what the writer cannot say in an old opset
        return Refusal(str(reason))
    written = (new.op for new in edit.tape.nodes if not new.domain)
    return raised(lint, max((first_opset(op, graph.opset) for op in set(written)), default=0)) or edit


def shape_of(graph: GraphView, name: str) -> tuple[int, ...]:
    """The static shape of a value. Raises NotKnown where a dimension is not known, or is 0."""
    shape = graph.value(name).shape
    if shape is None:
        raise NotKnown(f"the rank of {name} is not known")
    known = tuple(size for size in shape if isinstance(size, int))
    if len(known) < len(shape):
        raise NotKnown(f"the shape of {name} is dynamic ({shape}); pin it with --shape or --dim")
    if 0 in known:
        raise NotKnown(f"{name} has no elements ({known})")
    return known


def dtype_of(graph: GraphView, name: str) -> str:
    """The dtype of a value. Raises NotKnown."""
    dtype = graph.value(name).dtype
    if dtype is None:
        raise NotKnown(f"the dtype of {name} is not known")
    return dtype


def float_of(graph: GraphView, name: str) -> str:
    """The dtype of a value that has to be float16, float32 or float64. Raises NotKnown."""
    dtype = dtype_of(graph, name)
    if dtype not in FLOATS:
        raise NotKnown(f"{name} is {dtype}; only floats are rewritten")
    return dtype


def input_of(node: Node, place: int) -> str:
    """The input at `place`, "" where it is left out."""
    return node.inputs[place] if len(node.inputs) > place else ""


def constant_of(graph: GraphView, name: str) -> tuple[Any, ...]:
    """The elements of a small constant, flat. Raises NotKnown for a computed value and for a large constant."""
    constant = graph.constant(name)
    if constant is None:
        raise NotKnown(
            f"{name} is not a small constant" + ("" if graph.is_constant(name) else "; --freeze makes it one")
        )
    return constant.values


def axis_of(node: Node, rank: int, default: int) -> int:
    """The attribute `axis`, counted from the front. Raises NotKnown for one that there is not."""
    axis = int(node.attributes.get("axis", default))
    if not -rank <= axis < max(rank, 1):
        raise NotKnown(f"{node.label} names the axis {axis} of a value of rank {rank}")
    return axis % rank if rank else 0


def reduced_axes(graph: GraphView, node: Node, rank: int) -> tuple[int, ...]:
    """The axes over which a reduction runs, sorted, counted from the front: all of them where none is named.

    Attribute, input and `noop_with_empty_axes` as https://onnx.ai/onnx/operators has them.

    Raises:
        NotKnown: the axes are computed, or one does not exist.
    """
    given = node.attributes.get("axes")
    if given is None:
        name = input_of(node, 1)
        given = constant_of(graph, name) if name else ()
    if any(not -rank <= axis < rank for axis in given):
        raise NotKnown(f"{node.label} names the axes {list(given)} of a value of rank {rank}")
    if not given:
        return () if node.attributes.get("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted({int(axis) % rank for axis in given}))


def is_live(graph: GraphView, name: str) -> bool:
    """Whether anybody reads the value, or the graph hands it out."""
    return bool(name) and (bool(graph.consumers(name)) or name in graph.outputs or name in graph.captured)


def rounding(dtype: str, terms: int = 1) -> Tolerance:
    """How far two orders of the same float operations may lie apart that sum up `terms` numbers of about 1.

    Errors of independent roundings grow with the root of their number (Higham, Accuracy and Stability, 2.8).
    """
    unit = _UNIT.get(dtype, 2.0**-23)
    spread = 32.0 * math.sqrt(max(terms, 1))
    return Tolerance(spread * unit, spread * unit)
