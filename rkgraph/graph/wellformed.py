"""What every model must keep to for the rest of rkgraph to rely on.

Values are made once and before they are read; nodes have the inputs, outputs and attributes that the schema of their
operator asks for, as compiled into onnx. rknn-toolkit2 2.3.2 loads models that break these rules and then fails to
build every one of them, or dies (`facts:malformed-models`), so nothing is lost by refusing them when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rkgraph.errors import ModelError
from rkgraph.graph.proto import native
from rkgraph.graph.tensors import fits
from rkgraph.graph.walk import label, model_tensors, subgraphs

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto

__all__ = ["check_model"]

_STANDARD = ("", "ai.onnx")
_HIGHEST_VERSION = 2**31 - 1  # of an opset: onnx keeps it in an int

# AttributeProto.AttributeType → the field that holds it (onnx.proto).
_FIELDS = {
    1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 6: "floats", 7: "ints", 8: "strings", 9: "tensors", 10: "graphs",
    11: "sparse_tensor", 12: "sparse_tensors", 13: "tp", 14: "type_protos",
}  # fmt: skip
_LISTS = frozenset({6, 7, 8, 9, 10, 12, 14})


class _Signature(NamedTuple):
    """What a schema asks for. `most_inputs` is over all versions of the operator, for 2.3.2 builds some mixtures."""

    required_inputs: tuple[int, ...]
    least_inputs: int
    most_inputs: int
    least_outputs: int
    most_outputs: int
    attributes: Mapping[str, int]
    required_attributes: tuple[str, ...]


def check_model(model: ModelProto, path: Path) -> None:
    """Check all graphs and functions of `model`, which was read from `path`.

    Raises:
        ModelError: an opset that cannot be; a value that is made twice, or read before or without being made; a
            standard operator with too few or too many inputs or outputs, without an attribute that it needs or with
            one of another kind; an attribute that is there twice; a tensor whose data does not fit its shape.
    """
    imports = (*model.opset_import, *(entry for function in model.functions for entry in function.opset_import))
    strange = next(
        (e.version for e in imports if e.domain in _STANDARD and not 1 <= e.version <= _HIGHEST_VERSION), None
    )
    names = [(function.domain, function.name, function.overload) for function in model.functions]
    if strange is not None:
        fault = f"there is no opset {strange}"
    elif len(set(names)) < len(names):
        fault = "a function is there twice"
    else:
        of_functions = next(filter(None, map(_fault_of_function, model.functions)), "")
        main = _fault_of_graph(model.graph, _opset(model.opset_import), frozenset())
        fault = _fault_of_tensors(model) or main or of_functions
    if fault:
        raise ModelError(f"{path}: not a valid ONNX model: {fault}", "export the model again; no toolkit builds it so")


def _fault_of_tensors(model: ModelProto) -> str:
    """A shape of more elements than there are makes the C++ of onnx allocate them all."""
    wrong = next((tensor for tensor in model_tensors(model) if not fits(tensor)), None)
    return "" if wrong is None else f"the data of tensor {wrong.name!r} does not fit its shape {list(wrong.dims)}"


def _opset(imports: Iterable[OperatorSetIdProto]) -> int:
    versions = {entry.domain: entry.version for entry in imports}
    return versions.get("", versions.get("ai.onnx", 1))


def _fault_of_function(function: FunctionProto) -> str:
    return _fault_of_values(function.node, function.input, function.output, _opset(function.opset_import), frozenset())


def _fault_of_graph(graph: GraphProto, opset: int, outer: frozenset[str]) -> str:
    """What is wrong in `graph`, which sees the values `outer` of the graphs around it; "" if nothing is."""
    inputs = [value.name for value in graph.input]
    if len(set(inputs)) < len(inputs):
        return f"{_double(inputs)!r} is an input twice"
    own = {*inputs, *(tensor.name for tensor in graph.initializer)}
    own |= {sparse.values.name for sparse in graph.sparse_initializer}
    return _fault_of_values(graph.node, own, [value.name for value in graph.output], opset, outer)


def _fault_of_values(
    nodes: Iterable[NodeProto], given: Iterable[str], outputs: Iterable[str], opset: int, outer: frozenset[str]
) -> str:
    own = set(given)
    for node in nodes:
        unknown = next((name for name in node.input if name and name not in own and name not in outer), None)
        if unknown is not None:
            return f"node {label(node)} reads {unknown!r}, which nothing before it makes"
        fault = _fault(node, opset)
        if fault:
            return f"node {label(node)}: {fault}"
        for graph in subgraphs(node):
            fault = _fault_of_graph(graph, opset, outer | own)
            if fault:
                return fault
        made = [name for name in node.output if name]
        if not own.isdisjoint(made) or len(set(made)) < len(made):
            return f"node {label(node)} makes {_double([*own, *made])!r}, which is there already"
        own.update(made)
    absent = next((name for name in outputs if name not in own and name not in outer), None)
    return "" if absent is None else f"nothing makes the output {absent!r}"


def _double(names: Iterable[str]) -> str:
    """The first name that is there twice."""
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _fault(node: NodeProto, opset: int) -> str:
    """What is wrong with the node, "" if nothing is."""
    names = [attribute.name for attribute in node.attribute]
    if len(set(names)) < len(names):
        return "an attribute is there twice"
    wrong = next((a.name for a in node.attribute if not _holds(a, a.type)), None)
    if wrong is not None:
        return f"attribute {wrong!r} does not hold what it says"
    signature = _signature(node.op_type, opset) if node.domain in _STANDARD else None
    if signature is None:
        return ""
    return _wrong_count(node, signature) or _wrong_attribute(node, signature)


def _wrong_count(node: NodeProto, signature: _Signature) -> str:
    for what, count, least, most in (
        ("input", len(node.input), signature.least_inputs, signature.most_inputs),
        ("output", len(node.output), signature.least_outputs, signature.most_outputs),
    ):
        if not least <= count <= most:
            bound = f"at least {least}" if count < least else f"at most {most}"
            return f"{node.op_type} has {bound} {what}{'s' * (bound[-2:] != ' 1')}, this one has {count}"
    left_out = next((i for i in signature.required_inputs if i < len(node.input) and not node.input[i]), None)
    return "" if left_out is None else f"{node.op_type} needs its input {left_out}, which is left out"


def _wrong_attribute(node: NodeProto, signature: _Signature) -> str:
    given = {attribute.name: attribute for attribute in node.attribute}
    missing = next((name for name in signature.required_attributes if name not in given), None)
    if missing is not None:
        return f"{node.op_type} needs attribute {missing!r}"
    for name, attribute in given.items():
        wanted = signature.attributes.get(name)
        if wanted is not None and attribute.type != wanted:
            return f"attribute {name!r} of {node.op_type} is of a wrong kind"
    return ""


def _holds(attribute: AttributeProto, kind: int) -> bool:
    """Whether the attribute has a value of `kind` and no other; an empty list has none."""
    if attribute.ref_attr_name:
        return True
    filled = {field.name for field, _ in attribute.ListFields()} & set(_FIELDS.values())
    # Proto3 does not write numbers that are 0 and strings that are empty, unless the field knows of its presence.
    return kind in _FIELDS and filled <= {_FIELDS[kind]} and (bool(filled) or kind in _LISTS or kind <= 3)


@lru_cache(maxsize=512)
def _signature(op: str, opset: int) -> _Signature | None:
    """What the standard asks of the operator at `opset`, or in its newest version; None for strangers."""
    newest = _schema(op, _HIGHEST_VERSION)
    schema = _schema(op, opset) or newest
    if schema is None:
        return None
    newest = newest or schema
    single = native.defs.OpSchema.FormalParameterOption.Single
    return _Signature(
        tuple(i for i, parameter in enumerate(schema.inputs) if parameter.option == single),
        schema.min_input,
        max(schema.max_input, newest.max_input),
        schema.min_output,
        max(schema.max_output, newest.max_output),
        {name: int(attribute.type.value) for name, attribute in schema.attributes.items()},
        tuple(name for name, attribute in schema.attributes.items() if attribute.required),
    )


def _schema(op: str, opset: int) -> Any:
    try:
        return native.defs.get_schema(op, opset, "")
    except native.defs.SchemaError:
        return None
