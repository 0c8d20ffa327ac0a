"""The models that the fuzzer damages: those of the cards and of the builders, also inside functions and branches."""

from __future__ import annotations

from functools import lru_cache

import onnx
from onnx import AttributeProto, TensorProto, helper, parser

from rkgraph.resources import data_folder
from rkgraph.rulebook.card import HEADINGS, read_card
from rkgraph.rulebook.registry import MODULES
from tests.builders import attention_block, dynamic_model, shape_chain_model, weighted_model

__all__ = ["as_branch", "as_function", "sound_models"]


@lru_cache(maxsize=1)
def sound_models() -> tuple[onnx.ModelProto, ...]:
    """All models, each as it is, as the body of a function, and as both branches of an If."""
    cards = (read_card(data_folder("rules") / f"{stem}.md") for stem in MODULES)
    plain = [parser.parse_model(block.text) for card in cards for heading in HEADINGS for block in card.blocks(heading)]
    plain += [weighted_model(8), weighted_model(64), dynamic_model(), shape_chain_model()]
    plain += [attention_block(), attention_block("batch", "sequence")]
    return tuple(found for model in plain for found in (model, as_function(model), as_branch(model)))


def as_function(model: onnx.ModelProto) -> onnx.ModelProto:
    """All nodes of `model` in one function, whose nodes take their attributes from the one that calls it."""
    out = _copy(model)
    graph = out.graph
    constants = [tensor.name for tensor in graph.initializer if tensor.name not in {i.name for i in graph.input}]
    function = out.functions.add(
        domain="fuzz", name="Body", input=[*(i.name for i in graph.input), *constants], opset_import=out.opset_import
    )
    function.output.extend(value.name for value in graph.output)
    call = helper.make_node("Body", list(function.input), list(function.output), domain="fuzz")
    for index, node in enumerate(graph.node):
        inner = function.node.add()
        inner.CopyFrom(node)
        for attribute in inner.attribute:
            if attribute.type == AttributeProto.GRAPH:
                continue
            given = call.attribute.add()
            given.CopyFrom(attribute)
            given.name = f"{attribute.name}_{index}"
            reference = AttributeProto(name=attribute.name, type=attribute.type, ref_attr_name=given.name)
            attribute.CopyFrom(reference)
            function.attribute.append(given.name)
    _only(graph, call)
    out.opset_import.add(domain="fuzz", version=1)
    return out


def as_branch(model: onnx.ModelProto) -> onnx.ModelProto:
    """All nodes of `model` in both branches of an If."""
    out = _copy(model)
    graph = out.graph
    branch = onnx.GraphProto(name="branch", node=graph.node, output=graph.output)
    names = [f"{value.name}_chosen" for value in graph.output]
    choice = helper.make_node("If", ["condition"], names, then_branch=branch, else_branch=branch)
    for value, name in zip(graph.output, names, strict=True):
        value.name = name
    graph.input.append(helper.make_tensor_value_info("condition", TensorProto.BOOL, []))
    del graph.value_info[:]
    _only(graph, choice)
    return out


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    out = onnx.ModelProto()
    out.CopyFrom(model)
    return out


def _only(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    del graph.node[:]
    graph.node.append(node)
