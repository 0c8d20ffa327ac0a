"""Which nodes ONNX Runtime cannot run: the toolkit runs each node of a model by itself in it, while building.

The facts are ONNX Runtime's own registry (`op_tables/onnxruntime-VERSION.json`). By the time a node is run, the model
has been converted to opset 19, and its floating-point tensors to float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rkgraph.graph.view import GraphView, Node
from rkgraph.resources import data_folder

__all__ = ["HostKernels", "Refused", "load_host_kernels"]

STANDARD = ("", "ai.onnx")

# What the toolkit turns into float32 when it loads a model (`facts:float-types`).
_MADE_FLOAT32 = frozenset({"float16", "float64", "bfloat16"})

# The dtypes that the table speaks of; of others (8-bit floats that a Cast reads) it says nothing.
_LISTED = frozenset(
    {"bool", "float32", "int16", "int32", "int64", "int8", "string", "uint16", "uint32", "uint64", "uint8"}
)

# Computed values that it cannot hold: numpy has no such type.
_NOT_HELD = frozenset({"bfloat16", "complex64", "complex128"})

# Attributes that name a dtype, and what the operator makes of them is not made float32 with the rest of the model:
# EyeLike, RandomNormal(Like), RandomUniform(Like), Bernoulli, Multinomial; HannWindow and its kin.
_DTYPE_ATTRIBUTES = ("dtype", "output_datatype")
_FLOATS_BY_CODE = {10: "float16", 11: "float64", 16: "bfloat16"}  # TensorProto.DataType


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a node cannot be run: `reason` as a clause, and what was `observed` against which `limit`."""

    reason: str
    observed: Mapping[str, Any]
    limit: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Operator:
    """Type parameters by position, and for each kernel, parameter → dtypes."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kernels: tuple[Mapping[str, frozenset[str]], ...]


class HostKernels:
    """The operators and kernels of one version of ONNX Runtime, at the opset that models are converted to."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.version: str = document["onnxruntime"]
        self.opset: int = document["opset"]
        self._raw: Mapping[str, Any] = document["operators"]
        self._read: dict[str, _Operator] = {}

    def refusal(self, node: Node, graph: GraphView) -> Refused | None:
        """Why the node of `graph` cannot be run, None where it can, or where that is not known."""
        if node.op == "Constant" and node.domain in STANDARD:
            return None
        return self._of_outputs(node, graph) or self._of_operator(node, graph)

    def _of_outputs(self, node: Node, graph: GraphView) -> Refused | None:
        for name in filter(None, node.outputs):
            dtype = graph.value(name).dtype or ""
            if dtype in _NOT_HELD or dtype.startswith("float8"):
                limit = {"refused": "bfloat16, complex and 8-bit floats"}
                return Refused(f"it makes {dtype}, for which numpy has no type", {name: dtype}, limit)
        for attribute in _DTYPE_ATTRIBUTES:
            code = node.attributes.get(attribute)
            if isinstance(code, int) and code in _FLOATS_BY_CODE and node.domain in STANDARD:
                reason = f"its `{attribute}` says {_FLOATS_BY_CODE[code]}, and all tensors around it are made float32"
                return Refused(reason, {attribute: _FLOATS_BY_CODE[code]}, {attribute: "float32"})
        return None

    def _of_operator(self, node: Node, graph: GraphView) -> Refused | None:
        standard = node.domain in STANDARD
        key = node.op if standard else f"{node.domain}::{node.op}"
        if key not in self._raw:
            if standard:  # newer than the opset, or replaced when the model is converted to it
                return None
            known = {"domains": "those of ONNX Runtime"}
            return Refused(f"it does not know the operator {key}", {"operator": key}, known)
        operator = self._operator(key)
        if not operator.kernels:
            return Refused(f"it has no kernel for {key}", {"operator": key}, {"kernels": "at least one"})
        bound = dict(_bound(operator, node, graph))
        misfits = [_misfits(kernel, bound) for kernel in operator.kernels]
        if not all(misfits):
            return None
        parameter, dtype = next(iter(min(misfits, key=len).items()))
        allowed = sorted({d for kernel in operator.kernels for d in kernel[parameter]})
        name = f"{key} of {dtype}"
        return Refused(f"it has no kernel for {name}", {parameter: dtype}, {parameter: " ".join(allowed)})

    def _operator(self, key: str) -> _Operator:
        if key not in self._read:
            entry = self._raw[key]
            kernels = tuple({p: frozenset(d.split()) for p, d in k.items()} for k in entry["kernels"])
            self._read[key] = _Operator(tuple(entry["in"]), tuple(entry["out"]), kernels)
        return self._read[key]


def _bound(operator: _Operator, node: Node, graph: GraphView) -> Iterator[tuple[str, str]]:
    """Type parameter → dtype, for what is known of the node; of several the first counts."""
    seen: set[str] = set()
    for formals, names in ((operator.inputs, node.inputs), (operator.outputs, node.outputs)):
        for position, name in enumerate(names):
            parameter = _formal(formals, position)
            dtype = graph.value(name).dtype if name else None
            dtype = "float32" if dtype in _MADE_FLOAT32 else dtype
            if parameter and dtype in _LISTED and parameter not in seen:
                seen.add(parameter)
                yield parameter, str(dtype)


def _formal(formals: Sequence[str], position: int) -> str:
    """The type parameter at a position; "" where none binds. "..." repeats the one before it."""
    if formals and formals[-1] == "..." and position >= len(formals) - 1:
        return formals[-2]
    return formals[position] if position < len(formals) else ""


def _misfits(kernel: Mapping[str, frozenset[str]], bound: Mapping[str, str]) -> dict[str, str]:
    return {
        parameter: bound[parameter]
        for parameter, taken in kernel.items()
        if bound.get(parameter, "") not in taken and parameter in bound
    }


@lru_cache(maxsize=4)
def load_host_kernels(version: str) -> HostKernels:
    """The kernels of a version of ONNX Runtime.

    Raises:
        FileNotFoundError: `op_tables/` has no file of that version, which is then a fault of `toolkits.toml`.
    """
    return HostKernels(json.loads((data_folder("op_tables") / f"onnxruntime-{version}.json").read_bytes()))
