"""Attributes that a function's caller decides are unknown in its body: no rule takes one for a number."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, defs, helper

from rkgraph.errors import ModelError
from rkgraph.targets import Target
from tests.rules.harness import lint_text

OPSETS = (9, 12, 17, 19)
TARGETS = (Target(), Target("rk3576", "2.2.0"), Target("rk3566", "2.5.0"), Target("rv1106", "2.3.2", "w8a8"))


def parametric(schema: defs.OpSchema, opset: int, sizes: tuple[int, ...]) -> onnx.ModelProto:
    """A function of one node, each of whose attributes is the function's own, and a call that gives none."""
    inputs = [f"i{place}" for place in range(max(schema.min_input, min(schema.max_input, 3)))]
    node = helper.make_node(schema.name, inputs, ["o"])
    for name, attribute in schema.attributes.items():
        node.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=name, type=attribute.type.value))
    known = [helper.make_opsetid("", opset)]
    function = helper.make_function("f", "F", inputs, ["o"], [node], known, list(schema.attributes))
    call = helper.make_node("F", inputs, ["o"], domain="f")
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name in inputs]
    graph = helper.make_graph([call], "g", given, [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)])
    opsets = [*known, helper.make_opsetid("f", 1)]
    return helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=8)


def schemas(opset: int) -> list[defs.OpSchema]:
    names = sorted({schema.name for schema in defs.get_all_schemas_with_history() if not schema.domain})
    found = [defs.get_schema(name, opset) for name in names if defs.has(name, "") and _since(name) <= opset]
    return [schema for schema in found if schema.attributes and not schema.deprecated]


def _since(name: str) -> int:
    history = defs.get_all_schemas_with_history()
    return min(each.since_version for each in history if (each.name, each.domain) == (name, ""))


@pytest.mark.parametrize("opset", OPSETS)
def test_every_operator(opset: int) -> None:
    read = 0
    for place, schema in enumerate(schemas(opset)):
        try:
            model = parametric(schema, opset, (1, 4, 16, 16) if place % 2 else (2, 16, 16))
            result = lint_text(model, target=TARGETS[place % len(TARGETS)])
        except ModelError:
            continue
        assert result.verdict
        read += 1
    assert read > 50
