"""RK533: a Softmax behind a Where over a mask of keys: the toolkit fuses them, and dies of the fused layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, constant_of, float_of, lower, shape_of
from rkgraph.rulebook.no_ops import handed_on
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.rule import Finding
from rkgraph.targets import precision_config

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "masked-softmax"
ANYWHERE = frozenset({"rk2118", "rk3562", "rk3576", "rv1126b"})
"""Platforms on which every such Softmax ends the build."""
AT_INPUTS = frozenset({"rk3588"})
"""Platforms on which only those do that are straight on an input that looks like an image, or have a constant mask."""
IMAGE_CHANNELS = (3, 4)
RANK = 4
_AXIS_COUNTS_FROM_BEHIND = 13  # opset since which Softmax takes one axis, the last unless it is told another


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Where that is fused with its Softmax where the compiler dies of that."""
    known, platform = defect(NAME), lint.target.platform
    if lint.table.version not in known.fails or platform not in ANYWHERE | AT_INPUTS:
        return
    if precision_config(lint.target)["do_quantization"]:
        return
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint({"Where"}):
            continue
        for node in lint.live_nodes(graph):
            scores = _masked(graph, node) if node.op == "Where" else None
            if scores is None:
                continue
            fixed = lint.is_constant(graph, node.inputs[0])
            if not (fixed or platform in ANYWHERE or _is_image(graph, scores)):
                continue
            where = "" if fixed or platform in ANYWHERE else f" of the input '{scores}' with 3 or 4 channels"
            yield Finding(
                f"{node.label} masks keys{where} by one number; the compiler makes one layer of it and the Softmax, "
                f"and dies of that on {platform}",
                graph=graph.path,
                node=node,
                observed={"scores": scores, "mask": list(graph.value(node.inputs[0]).shape or ())},
                limit={"fill": "a number for each key"},
                evidence=known.evidence,
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The number once for each key: the compiler leaves Where and Softmax apart then."""
    return lower(lint, finding, "rk533", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    condition, yes, no = node.inputs
    rows, keys = shape_of(graph, node.outputs[0])[-2:]
    if keys == 1 and rows == 1:
        raise NotKnown("there is one key and one query, so that a number for each is still one number")
    shape = (1, 1, 1, keys) if keys > 1 else (1, 1, rows, 1)
    masked = no if scalar(graph, no) is not None else yes
    number = constant_of(graph, masked)[0]
    fill = write.constant(np.full(shape, number), float_of(graph, masked), "fill")
    choices = (yes, fill) if masked == no else (fill, no)
    return write.rewrite({node.outputs[0]: write.op("Where", condition, *choices)}, EXACT, f"{number:.4g} for each key")


def _masked(graph: GraphView, node: Node) -> str | None:
    """The scores that are masked as the compiler's fused layer has it; None if it does not fuse them."""
    condition, yes, no = node.inputs
    shape, mask = graph.value(node.outputs[0]).shape, graph.value(condition).shape
    if shape is None or mask is None or not len(shape) == len(mask) == RANK or set(mask[:-1]) != {1}:
        return None
    readers = graph.consumers(node.outputs[0])
    if (
        len(readers) != 1
        or node.outputs[0] in (*graph.outputs, *graph.captured)
        or not _is_over_keys(graph, readers[0])
    ):
        return None
    scores = {yes: no, no: yes}.get(next((name for name in (no, yes) if scalar(graph, name) is not None), ""))
    if scores is None or graph.value(scores).shape != shape:
        return None
    return scores


def _is_over_keys(graph: GraphView, node: Node) -> bool:
    if node.op != "Softmax" or node.domain not in ("", "ai.onnx"):
        return False
    return node.attributes.get("axis", -1 if graph.opset >= _AXIS_COUNTS_FROM_BEHIND else 1) in (-1, RANK - 1)


def _is_image(graph: GraphView, name: str) -> bool:
    """Whether the value is an input of 3 or 4 channels, or what hands it on as it is."""
    shape = graph.value(name).shape or ()
    while (node := graph.producer(name)) is not None:
        before = handed_on(graph, node)
        if before is None:
            return False
        name = before
    return name in graph.inputs and len(shape) == RANK and shape[1] in IMAGE_CHANNELS
