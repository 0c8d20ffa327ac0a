"""Models of one of ONNX Runtime's own operators, and feeds for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from tests.rules.rewriting import fixed, operators, run

Array = npt.NDArray[Any]
Shape = Sequence[int]


def microsoft(
    op: str,
    inputs: Sequence[str],
    outputs: Mapping[str, Shape | None],
    *,
    fed: Mapping[str, Array],
    constants: Mapping[str, Array] | None = None,
    opset: int = 17,
    domain: str = "com.microsoft",
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node; an output of shape None has no name."""
    node = helper.make_node(
        op,
        inputs,
        [name if shape is not None else "" for name, shape in outputs.items()],
        domain=domain,
        **attributes,
    )
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in fed.items()
        ],
        [helper.make_tensor_value_info(name, 1, shape) for name, shape in outputs.items() if shape is not None],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def assert_same(model: onnx.ModelProto, feeds: Mapping[str, Array], code: str, *, atol: float = 1e-5) -> list[str]:
    """The fix of `code` computes what ONNX Runtime's own operator does; the operators after it."""
    after, edits = fixed(model, code)
    assert len(edits) >= 1
    assert all(not node.domain for node in after.graph.node)
    for old, new in zip(run(model, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), atol=atol, rtol=1e-4)
    return operators(after)


def floats(seed: int, *shape: int, spread: float = 1.0) -> Array:
    """Normally distributed float32 numbers."""
    return np.random.default_rng(seed).normal(0, spread, shape).astype("f")
