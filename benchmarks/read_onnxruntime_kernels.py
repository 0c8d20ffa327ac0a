"""Writes op_tables/onnxruntime-VERSION.json: which operators and dtypes ONNX Runtime has CPU kernels for, at opset 19.

Run it with the Python of a managed toolkit (`rkgraph toolkit list` says where it lies), since the toolkit runs every
node of a model in the ONNX Runtime beside it:

    TOOLKIT_PYTHON benchmarks/read_onnxruntime_kernels.py op_tables/

The registry is ONNX Runtime's own (`get_all_opkernel_def`, from which its docs/OperatorKernels.md is made). Operators
that the standard defines by a function body are written out where a kernel is missing, so these are tried, dtype by
dtype, by making a session of one node.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import defs, helper
from onnxruntime.capi import onnxruntime_pybind11_state as state

OPSET = 19  # what the toolkit converts every model to before it runs the nodes
STANDARD = ""

# dtype names as lint spells them; float16, float64 and bfloat16 are float32 by the time a node is run.
NAMES = {
    "float": "float32", "int64": "int64", "int32": "int32", "int16": "int16", "int8": "int8", "uint8": "uint8",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "bool": "bool", "string": "string",
}  # fmt: skip
CODES = {name: helper.np_dtype_to_tensor_dtype(np.dtype(name)) for name in NAMES.values() if name != "string"}
SHAPE = [2, 3]


def main(folder: Path) -> None:
    """Write the table of this Python's ONNX Runtime into `folder`."""
    schemas = {}
    for schema in state.get_all_operator_schema():
        newest = OPSET if schema.domain == STANDARD else 10**6
        known = schemas.get((schema.domain, schema.name))
        if schema.since_version <= newest and (known is None or known.since_version < schema.since_version):
            schemas[schema.domain, schema.name] = schema
    operators = {
        f"{domain}::{name}" if domain else name: _entry(schema)
        for (domain, name), schema in sorted(schemas.items())
        if not schema.deprecated
    }
    head = {
        "schema": "rkgraph.host-kernels/1",
        "onnxruntime": onnxruntime.__version__,
        "opset": OPSET,
        "source": "get_all_opkernel_def() of onnxruntime, CPUExecutionProvider; functions tried one by one",
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in operators.items()]
    text = json.dumps(head, indent=1)[:-2] + ',\n "operators": {\n' + ",\n".join(lines) + "\n }\n}\n"
    json.loads(text)
    (folder / f"onnxruntime-{onnxruntime.__version__}.json").write_text(text)


def _entry(schema: state.schemadef.OpSchema) -> dict[str, object]:
    entry: dict[str, object] = {"in": _formals(schema.inputs), "out": _formals(schema.outputs)}
    params = {**_params(schema.inputs), **_params(schema.outputs)}
    kernels = [
        {name: _dtypes(types) for name, types in kernel.type_constraints.items() if name in params}
        for kernel in state.get_all_opkernel_def()
        if kernel.provider == "CPUExecutionProvider"
        and (kernel.domain, kernel.op_name) == (schema.domain, schema.name)
        and kernel.version_range[0] <= schema.since_version <= kernel.version_range[1]
    ]
    if schema.domain == STANDARD and _has_body(schema.name):
        return {**entry, "kernels": _tried(schema.name, params)}
    return {**entry, "kernels": [{k: " ".join(v) for k, v in kernel.items()} for kernel in _merged(kernels)]}


def _formals(formals: list[state.schemadef.OpSchema.FormalParameter]) -> list[str]:
    """The type parameter of each input or output; "" where it does not bind; the last is repeated if it is variadic."""
    variadic = state.schemadef.OpSchema.FormalParameterOption.Variadic
    names = [f.typeStr if f.isHomogeneous or f.option != variadic else "" for f in formals]
    return [*names, "..."] if formals and formals[-1].option == variadic else names


def _params(formals: list[state.schemadef.OpSchema.FormalParameter]) -> dict[str, list[str]]:
    return {f.typeStr: _dtypes(f.types) for f in formals if f.isHomogeneous and _dtypes(f.types)}


def _dtypes(types: list[str]) -> list[str]:
    return [NAMES[name] for t in sorted(types) if (name := t.removeprefix("tensor(").removesuffix(")")) in NAMES]


def _merged(kernels: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
    """The same kernels in fewer entries: two that differ in one parameter only become one."""
    found = list(kernels)
    for kernel in kernels:
        if kernel not in found:
            continue
        for other in [o for o in found if o is not kernel and o.keys() == kernel.keys()]:
            differing = [k for k in kernel if kernel[k] != other[k]]
            if len(differing) <= 1:
                for key in differing:
                    kernel[key] = sorted({*kernel[key], *other[key]})
                found = [o for o in found if o is not other]
    return found


def _has_body(op: str) -> bool:
    try:
        schema = defs.get_schema(op, OPSET, STANDARD)
    except defs.SchemaError:  # ONNX Runtime has operators of its own in the standard domain
        return False
    return bool(schema.has_function or schema.has_context_dependent_function)


def _tried(op: str, params: dict[str, list[str]]) -> list[dict[str, str]]:
    """The dtypes of the operator's first parameter with which a session of one such node can be made."""
    schema = defs.get_schema(op, OPSET, STANDARD)
    first = schema.inputs[0].type_str
    if first not in params or op == "SequenceMap":
        return [{}]
    taken = [dtype for dtype in params[first] if dtype in ("float32", "string") or _runs(schema, first, dtype)]
    return [{first: " ".join(taken)}]


def _runs(schema: defs.OpSchema, first: str, dtype: str) -> bool:
    """Whether a session can be made of one node whose tensors of parameter `first` are of `dtype`."""
    codes = {f.type_str: _any_of(f.types) for f in (*schema.inputs, *schema.outputs)} | {first: CODES[dtype]}
    optional = defs.OpSchema.FormalParameterOption.Optional
    needed = [f for f in schema.inputs if f.option != optional or schema.name == "Clip"]  # bounds are what Clip is for
    inputs = [helper.make_tensor_value_info(f.name, codes[f.type_str], _shape(schema.name, f.name)) for f in needed]
    output = helper.make_tensor_value_info("made", codes[schema.outputs[0].type_str], None)
    node = helper.make_node(schema.name, [i.name for i in inputs], ["made"])
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidGraph, state.NotImplemented) as error:
        if "NOT_IMPLEMENTED" not in str(error):
            print(f"{schema.name} of {dtype}: {error}", file=sys.stderr)
        return False
    return True


def _any_of(types: list[str]) -> int:
    """The dtype of a parameter that is not the one that is tried."""
    for name, code in (("float", 1), ("int64", 7), ("bool", 9)):
        if f"tensor({name})" in types:
            return code
    return 1


def _shape(op: str, formal: str) -> list[int]:
    if op == "Range" or formal in ("min", "max"):
        return []
    return [2] if (op, formal) == ("CenterCropPad", "shape") else SHAPE


if __name__ == "__main__":
    main(Path(sys.argv[1]))
