"""RK148: convolutions that end the build, or of which the compiler computes something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.convolutions import by_groups, by_planes, convolution_of, terms_of
from rkgraph.rulebook.known import NotKnown, input_of, lower, rounding
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

FLAT = 4
CUBIC = 5
"""Ranks with two and three spatial axes."""

WHY = {
    "padding": "pads by a name or by an output_shape, which fails or gives wrong numbers here; the pads can be numbers",
    "bias": "has a computed bias, which ends the build; it can be an Add",
    "planes": "over three axes has computed weights, groups or dilations, which end the build or come out wrong; it "
    "can be a sum over planes",
    "groups": "has computed weights and groups, which ends the build; it can be a convolution for each group",
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live convolution of a form that does not come out right."""
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(("Conv", "ConvTranspose")):
            continue
        for node in lint.live_nodes(graph):
            if node.op in ("Conv", "ConvTranspose") and node.domain in ("", "ai.onnx"):
                trouble = _trouble(lint, graph, node)
                if trouble:
                    yield Finding(
                        f"{node.op} {WHY[trouble]}",
                        graph=graph.path,
                        node=node,
                        observed={"operator": node.op, "form": trouble},
                        verdict=Verdict.BUILD_FAILS,
                        explains=frozenset({(graph.path, node.index)}),
                    )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Mend one thing; what is left is found again."""
    trouble = str(finding.observed["form"])
    return lower(lint, finding, "rk148", lambda graph, node, write: _write(graph, node, write, trouble))


def _trouble(lint: LintContext, graph: GraphView, node: Node) -> str:
    """What is to be mended first, "" for nothing; measured on rknn-toolkit2 2.2.0 to 2.5.0, rk3588."""
    shape, weights = graph.value(node.inputs[0]).shape, graph.value(node.inputs[1]).shape
    if shape is None or weights is None or len(shape) < 3:  # batch, channels and an axis
        return ""
    rank, is_transposed = len(shape), node.op == "ConvTranspose"
    named = str(node.attributes.get("auto_pad", "NOTSET")).startswith("SAME")
    if (named and (is_transposed or rank != FLAT)) or (is_transposed and "output_shape" in node.attributes):
        return "padding"
    bias = input_of(node, 2)
    if rank != FLAT and bias and not lint.is_constant(graph, bias):
        return "bias"
    group, computed = int(node.attributes.get("group", 1)), not lint.is_constant(graph, node.inputs[1])
    is_depthwise = group == shape[1] == weights[0] and weights[1] == 1
    if rank == CUBIC:
        extra = is_transposed and any(node.attributes.get("output_padding", ()))
        dilated = any(step > 1 for step in node.attributes.get("dilations", ()))
        return "planes" if computed or extra or dilated or (group > 1 and not is_depthwise) else ""
    return "groups" if computed and group > 1 and not is_depthwise else ""


def _write(graph: GraphView, node: Node, write: Writer, trouble: str) -> Rewrite:
    conv = convolution_of(graph, node)
    if min(conv.results) < 1:
        raise NotKnown(f"{node.label} has no result: {conv.results}")
    if trouble == "padding":
        new = conv.write(write, conv.x, conv.weight, conv.bias)
    elif trouble == "bias":
        plain = replace(conv, bias="").write(write, conv.x, conv.weight, "")
        place = (1, -1, *[1] * (len(conv.shape) - 2))
        new = write.op("Add", plain, write.reshape(conv.bias, place))
    else:
        new = by_planes(write, conv) if trouble == "planes" else by_groups(write, conv)
    return write.rewrite({node.outputs[0]: new}, rounding(conv.dtype, terms_of(conv)), f"{node.op}: {trouble}")
