"""Tests of rules that write elementwise operators with others: one node, its fix, and both in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from hypothesis import strategies as st
from onnx import numpy_helper

from rkgraph.graph.rewrite import Refusal
from tests.rules.rewriting import fixed, operators, run

Array = npt.NDArray[Any]

# fp16 from its smallest number to its largest, and what functions turn at
POINTS = np.array(
    [0, -0.0, 6e-8, -6e-8, 1e-5, 1e-3, -0.01, 0.1, 0.3, 0.49, 0.5, -0.5, 0.51, 0.7, 0.99, -0.999, 1, -1, 1.001, -1.01,
     1.5, -1.57, 2, 2.5, -3, 4.7, 9, -11, 12, 80, -90, 255, 257, -300, 1000.5, 2047.5, -2048, 30000, 65504, -65504],
    np.float16,
)  # fmt: skip
NUMPY: Mapping[str, Any] = {
    "float": np.float32,
    "float16": np.float16,
    "double": np.float64,
    "int32": np.int32,
    "int64": np.int64,
}

numbers = st.lists(
    st.one_of(st.floats(-65504, 65504, width=16), st.floats(-2, 2, width=32), st.sampled_from([0.0, 0.5, 1.0, -1.0])),
    min_size=6,
    max_size=6,
)


def node(call: str, shape: Sequence[int] = (2, 3), *, dtype: str = "float", opset: int = 17, inputs: str = "x") -> str:
    """A model of one node: `call` without its operands, which are `inputs`, all of one shape and dtype."""
    size = ", ".join(map(str, shape))
    declared = ", ".join(f"{dtype}[{size}] {name}" for name in inputs)
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g ({declared}) => ({dtype}[{size}] y) {{ y = {call}({", ".join(inputs)}) }}"""


def result(model: str | onnx.ModelProto, feeds: Mapping[str, Array]) -> Array:
    """The only output of a model in ONNX Runtime."""
    (found,) = run(model, feeds)
    return found


def rewritten(text: str, code: str) -> onnx.ModelProto:
    """The model after exactly one fix of the rule."""
    after, edits = fixed(text, code)
    assert len(edits) == 1
    assert not isinstance(edits[0], Refusal), edits[0]
    return after


def agree(text: str, code: str, feeds: Mapping[str, Array], *, atol: float = 0.0, rtol: float = 0.0) -> list[str]:
    """Compare before and after on `feeds`, NaN and infinities too; the operators after the fix."""
    after = rewritten(text, code)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result(after, feeds), result(text, feeds), rtol=rtol, atol=atol)
    return operators(after)


def in_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with all its float32 as float16: ONNX Runtime then rounds after each node, much as the NPU does."""
    halved = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in halved.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for value in (*halved.graph.input, *halved.graph.output):
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    del halved.graph.value_info[:]
    return halved


def refusal(text: str, code: str) -> str:
    """Why the rule's only fix is refused."""
    (refused,) = fixed(text, code)[1]
    assert isinstance(refused, Refusal)
    return refused.reason
