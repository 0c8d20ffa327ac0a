"""Tests of lowerings: one node in a model, before and after its rule, on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from rkgraph.graph.rewrite import Refusal
from tests.rules.rewriting import fixed, operators, run

Array = npt.NDArray[Any]
Inputs = Mapping[str, Array]


def one_node(
    op: str,
    inputs: Inputs,
    attributes: Mapping[str, Any] | None = None,
    *,
    opset: int = 17,
    outputs: Sequence[str] = ("y",),
    constants: Inputs | None = None,
    order: Sequence[str] | None = None,
    domain: str = "",
    like: str = "",
) -> onnx.ModelProto:
    """A model of one node; `inputs` and `constants` in the node's order, or in that of `order` ("" is left out).

    Outputs get dtype and shape by inference, so that they need not be told; with `like` they are those of this input.
    """
    constants = constants or {}
    names = list(order) if order is not None else [*inputs, *constants]
    node = helper.make_node(op, names, list(outputs), domain=domain, **(attributes or {}))
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
    given = [helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in inputs.items()]
    held = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    empty = [onnx.ValueInfoProto(name=name) for name in outputs if name]
    if like:
        empty = [helper.make_tensor_value_info(name, kinds[like], inputs[like].shape) for name in outputs if name]
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    graph = helper.make_graph([node], "g", given, empty, held)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=not like, data_prop=True)
    missing = [output.name for output in inferred.graph.output if not output.type.tensor_type.elem_type]
    assert not missing, f"nothing is inferred of {missing}"
    return inferred


def assert_lowered(
    model: onnx.ModelProto, code: str, feeds: Inputs, *, gone: str = "", rtol: float = 1e-5, atol: float = 1e-5
) -> list[str]:
    """The operators after the rule `code`, once; outputs are equal within the tolerance and `gone` is no more there."""
    after, edits = fixed(model, code)
    refused = [edit.reason for edit in edits if isinstance(edit, Refusal)]
    assert edits, f"{code} finds nothing"
    assert not refused, refused
    assert not gone or gone not in operators(after)
    pairs: list[tuple[Array, Array]] = list(zip(run(model, feeds), run(after, feeds), strict=True))
    for was, now in pairs:
        assert was.dtype == now.dtype
        assert was.shape == now.shape
        np.testing.assert_allclose(now, was, rtol=rtol, atol=atol)
    return operators(after)


def refusal_of(model: onnx.ModelProto | str, code: str) -> str:
    """The reason for which the only fix of the rule is refused."""
    (edit,) = fixed(model, code)[1]
    assert isinstance(edit, Refusal), f"{code} rewrites it"
    return edit.reason
