"""RK206: arithmetic on whole numbers of 8 or 16 bits or without a sign, carried by int32 or int64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, lower
from rkgraph.rulebook.lowering import CANNOT_RUN, needing, not_as_it_is
from rkgraph.rulebook.narrow import NARROW, carried, carrier_of, wrap
from rkgraph.rulebook.retyping import no_input_for
from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.whole_operators import BITS, IN_64_BITS, OPERATORS, UNCHANGED, Call, assumed
from rkgraph.targets import refused_inputs

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

# These choose numbers, too, but have kernels for floats only, and 8 bits are exact in fp16.
_IN_FLOATS = frozenset({"DepthToSpace", "MaxPool", "SpaceToDepth"})
# In floats as well, if they only choose; numbers of more bits, sums and products are carried in int64.
_UPDATES = frozenset({"ScatterElements", "ScatterND"})
_SUMS = ("add", "mul")
_EXACT_IN_FP16 = ("int8", "uint8")
_FLOATS = ("float16", "float32", "float64")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live operator on such numbers that cannot run as it is."""
    for graph, node in needing(lint, OPERATORS.keys() | UNCHANGED | _IN_FLOATS | _UPDATES, CANNOT_RUN | {"npu", "cpu"}):
        dtype = _dtype(graph, node)
        if dtype is None or (node.op in _IN_FLOATS and dtype not in _EXACT_IN_FP16):
            continue
        instead = f"its {dtype} numbers are {_carrier(graph, node, dtype)} numbers, too"
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, instead)
        elif _is_lost_anyway(lint, graph, node, dtype):
            place = frozenset({(graph.path, node.index)})
            yield Finding(
                f"{node.op} of {dtype} does not build; {instead}", graph=graph.path, node=node, explains=place
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers, from what the operator does in a dtype that runs, cast from and to the narrow one."""
    return lower(lint, finding, "rk206", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    dtype = _dtype(graph, node) or ""
    carrier = _carrier(graph, node, dtype)
    if node.op in _UPDATES and dtype == "uint64" and node.attributes.get("reduction") in ("max", "min"):
        raise NotKnown("numbers of 64 bits without a sign are of another order in int64")
    operands = tuple(
        carried(w, graph, name, carrier) if name and graph.value(name).dtype == dtype else name for name in node.inputs
    )
    if node.op in OPERATORS:
        write, leaves = OPERATORS[node.op]
        result = write(Call(w, graph, node, operands, dtype, carrier))
        results: tuple[str, ...] = (wrap(w, result, carrier, dtype) if leaves else result,)
    else:
        results = w.tape.ops(node.op, *operands, count=len(node.outputs), **node.attributes)
        if node.op in _UPDATES and carrier in BITS:
            results = (wrap(w, results[0], carrier, dtype),)
    replaced = {
        old: w.cast(new, dtype) if graph.value(old).dtype == dtype else new
        for old, new in zip(node.outputs, results, strict=True)
        if old
    }
    told = f"{node.op} of {dtype} in {carrier}"
    return w.rewrite(replaced, EXACT, told, assumes=assumed(graph, node))


def _dtype(graph: GraphView, node: Node) -> str | None:
    """The narrow dtype that the node computes with, None where there is none."""
    names = (name for name in (*node.inputs, *node.outputs) if name)
    return next((dtype for name in names if (dtype := graph.value(name).dtype) in NARROW), None)


def _carrier(graph: GraphView, node: Node, dtype: str) -> str:
    moves = node.op in UNCHANGED and dtype in _EXACT_IN_FP16
    if node.op in _UPDATES:
        sums = node.attributes.get("reduction", "none") in _SUMS
        return "float32" if dtype in _EXACT_IN_FP16 and not sums else "int64"
    if node.op in _IN_FLOATS or (moves and all(_ends_in_floats(graph, name) for name in node.outputs if name)):
        return "float32"
    return "int64" if node.op in IN_64_BITS and (node.op != "Mul" or BITS[dtype] > 8) else carrier_of(dtype)


def _is_lost_anyway(lint: LintContext, graph: GraphView, node: Node, dtype: str) -> bool:
    """Whether the node cannot stay though the table lets it pass.

    It reads an input that cannot be of its dtype; it is a pool with strides beyond its windows, of which the toolkit
    makes a convolution that there is for floats only; it selects elements by constants, of which the compiler makes an
    Einsum of floats; or it moves uint8 in a shape of which the table has seen no like: of all that does so, only
    GatherND was ever built.
    """
    refused = refused_inputs(lint.target.toolkit)
    inputs = [value for name in node.inputs if (value := graph.value(name)).kind == "input"]
    if any(value.dtype in refused or no_input_for(graph, value.name) for value in inputs):
        return True
    if node.op == "MaxPool":
        windows, strides = (node.attributes.get(name, ()) for name in ("kernel_shape", "strides"))
        return any(stride > size for size, stride in zip(windows, strides, strict=False))
    if node.op == "GatherElements":
        return lint.is_constant(graph, node.inputs[1])
    return dtype == "uint8" and node.op in UNCHANGED - {"GatherND"}


def _ends_in_floats(graph: GraphView, name: str) -> bool:
    """Whether the numbers are moved about until they are cast to floats, and nothing else is done with them."""
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        if value in graph.outputs or value in graph.captured or not graph.consumers(value):
            return False
        for node in graph.consumers(value):
            if node.op == "Cast" and graph.value(node.outputs[0]).dtype in _FLOATS:
                continue
            if node.op not in UNCHANGED:
                return False
            fresh = [output for output in node.outputs if output and output not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return True
