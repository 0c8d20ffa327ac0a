"""RK148: convolutions that end the build, or of which the compiler computes something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import Dim, GraphView, Node
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
                    builds = _builds(lint, graph, node, trouble)
                    yield Finding(
                        f"{node.op} {WHY[trouble]}",
                        graph=graph.path,
                        node=node,
                        observed={"operator": node.op, "form": trouble},
                        verdict=None if builds else Verdict.BUILD_FAILS,
                        wrong_numbers=builds,
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
    by_shape = is_transposed and "output_shape" in node.attributes
    if by_shape and rank != CUBIC:
        if _cuts_unevenly(node, shape, weights):
            return "padding"
    elif (named and (is_transposed or rank != FLAT)) or by_shape:
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


def _cuts_unevenly(node: Node, shape: Sequence[Dim], weights: Sequence[Dim]) -> bool:
    """Whether an output_shape leaves an odd number of elements to be cut off along an axis, at the end that is wrong.

    How many are left: ONNX operator specification, ConvTranspose. Measured, `numbers:odd-output-shape`. What is not
    known counts as odd.
    """
    if node.attributes.get("auto_pad") == "SAME_UPPER":
        return False
    wanted, count = node.attributes["output_shape"], len(shape) - 2
    sizes, kernel = shape[2:], node.attributes.get("kernel_shape") or weights[2:]
    steps = [node.attributes.get(name) or (default,) * count
             for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))]  # fmt: skip
    for size, side, out, stride, dilation, more in zip(sizes, kernel, wanted[-count:], *steps, strict=True):
        if not isinstance(size, int) or not isinstance(side, int):
            return True
        left = stride * (size - 1) + more + (side - 1) * dilation + 1 - out
        if left > 0 and left % 2:
            return True
    return False


def _builds(lint: LintContext, graph: GraphView, node: Node, trouble: str) -> bool:
    """Whether a form of trouble builds, and computes wrong numbers (measured, `numbers:convolution-over-three-axes`).

    So does an output_shape over one or two axes, and with constant weights over three a Conv with SAME pads, with
    dilations, or depthwise with more channels out than in; a dilated ConvTranspose from 2.3.2 on.
    """
    rank, attributes = len(graph.value(node.inputs[0]).shape or ()), node.attributes
    if node.op == "ConvTranspose" and rank != CUBIC:
        return trouble == "padding" and "output_shape" in attributes
    if not lint.is_constant(graph, node.inputs[1]) or rank != CUBIC or trouble not in ("padding", "planes"):
        return False
    if node.op == "ConvTranspose":
        extra = attributes.get("group", 1) > 1 or any(attributes.get("output_padding", ()))
        return trouble == "planes" and not extra and lint.table.version not in ("2.2.0", "2.3.0")
    weights = graph.value(node.inputs[1]).shape or ()
    return attributes.get("group", 1) == 1 or weights[1] == 1


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
