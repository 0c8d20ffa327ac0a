"""What ONNX's own schemas allow an operator: for cases that go through all of it."""

from __future__ import annotations

import onnx.defs

__all__ = ["NEWEST", "TAKEN", "allowed_types", "versions"]

NEWEST = 19
"""The newest opset that the toolkits take."""

TAKEN = ("float", "float16", "double", "int64", "int32", "int8", "uint8", "bool")
"""Element types that the toolkits take as inputs of a model; any other ends the build wherever it goes."""


def allowed_types(op: str, parameter: int = 0, opset: int = NEWEST) -> tuple[str, ...]:
    """Element types of tensors that an input of an operator may have, by their names in ONNX text.

    Raises:
        onnx.defs.SchemaError: no such operator at that opset.
        IndexError: it has no such input.
    """
    schema = onnx.defs.get_schema(op, max_inclusive_version=opset)
    declared = schema.inputs[parameter].type_str
    by_name = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    types = by_name.get(declared, [declared])
    return tuple(sorted(t.removeprefix("tensor(")[:-1] for t in types if t.startswith("tensor(")))


def versions(op: str, newest: int = NEWEST) -> tuple[int, ...]:
    """The opsets up to `newest` at which an operator was added or changed, oldest first; none where it is unknown."""
    found: list[int] = []
    while newest > 0:
        try:
            since = onnx.defs.get_schema(op, max_inclusive_version=newest).since_version
        except onnx.defs.SchemaError:
            break
        found.insert(0, since)
        newest = since - 1
    return tuple(found)
