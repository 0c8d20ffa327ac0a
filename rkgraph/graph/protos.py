"""Protobufs of new nodes and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from rkgraph.graph.tensors import dtype_code
from rkgraph.graph.view import AttributeReference, Constant, GraphView

if TYPE_CHECKING:
    from rkgraph.graph.copying import Originals
    from rkgraph.graph.rewrite import NewNode
    from rkgraph.graph.weights import Weights

__all__ = ["constant_proto", "node_proto"]


def constant_proto(name: str, array: npt.NDArray[Any], weights: Weights) -> onnx.TensorProto:
    """An initializer; the bytes of a large one go to `weights`."""
    tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
    weights.keep(tensor)
    return tensor


def node_proto(new: NewNode, originals: Originals) -> onnx.NodeProto:
    """The node of a tape, named after its first output; what it copies is read from `originals`.

    Raises:
        ValueError: an attribute that cannot be written, such as a subgraph or a tensor whose elements are absent.
    """
    node = onnx.NodeProto(op_type=new.op, name=new.label, input=new.inputs, output=new.outputs)
    if new.domain:
        node.domain = new.domain
    if new.source is not None:
        node.attribute.extend(originals.attributes(new.source, new.label))
    node.attribute.extend(_attribute(new, key, value) for key, value in sorted(new.attributes.items()))
    return node


def _attribute(new: NewNode, key: str, value: Any) -> onnx.AttributeProto:
    if value is None or isinstance(value, GraphView | AttributeReference):
        raise ValueError(f"attribute {key!r} of a new {new.op} cannot be written: {value!r}")
    if isinstance(value, Constant):
        value = helper.make_tensor("", dtype_code(value.dtype), value.shape, value.values)
    elif isinstance(value, np.ndarray):
        value = numpy_helper.from_array(value)
    elif isinstance(value, tuple | list) and not value:
        return helper.make_attribute(key, [], attr_type=onnx.AttributeProto.INTS)
    return helper.make_attribute(key, value)
