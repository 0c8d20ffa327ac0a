"""RK143: pools that the board has no kernel for, or that end the build."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.analysis.pooling import is_dilated, is_padded
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.pools import CUBIC, dilated, in_two, window_means
from rkgraph.rulebook.reductions import Reduction
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.windows import windows_of
from rkgraph.rulebook.writer import Writer

ROOTED = frozenset({"LpPool", "GlobalLpPool"})
BY_AXES = frozenset({"MaxPool", "AveragePool"})
WITHOUT_DILATIONS = frozenset({"rk3576"})
"""Platforms whose pools know no dilations: MaxPool ends the build, AveragePool computes something else."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live pool that cannot run as it is."""
    for graph, node in needing(lint, ROOTED):
        yield not_as_it_is(lint, graph, node, "it can be a convolution of powers")
    for graph, node in needing(lint, BY_AXES):
        if len(graph.value(node.inputs[0]).shape or ()) == CUBIC:
            yield not_as_it_is(lint, graph, node, "it can be two pools, one over two axes and one over the third")
        elif node.op == "MaxPool" and is_dilated(node):
            yield not_as_it_is(lint, graph, node, "it can be the largest of slices")
    for graph, node in needing(lint, ("AveragePool",), frozenset({"npu", "cpu"})):
        trouble = None if node.is_parametric else _trouble_of_mean(lint, graph, node)
        if trouble:
            builds = _mean_builds(graph, node)
            yield Finding(
                f"AveragePool {trouble}",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "pads": list(node.attributes.get("pads", ()))},
                verdict=None if builds else Verdict.BUILD_FAILS,
                wrong_numbers=builds,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the pool with convolutions, sums, or pools over fewer axes."""
    return lower(lint, finding, "rk143", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    if len(shape) < 3:
        raise NotKnown(f"{node.inputs[0]} has the shape {shape}: there is nothing to pool")
    if node.op in BY_AXES:
        return _over_axes(graph, node, write, dtype, shape)
    power = float(node.attributes.get("p", 2))
    if power < 1:
        raise NotKnown(f"{node.label} takes the root {power:g}")
    powers = _powers(write, node.inputs[0], dtype, power)
    if node.op == "GlobalLpPool":
        count = math.prod(shape[2:])
        means = Reduction(shape, tuple(range(2, len(shape))), keepdims=True).write(write, "ReduceMean", powers)
    else:
        windows = windows_of(node, shape[2:]).covered(shape[2:])
        count = math.prod(windows.kernel)
        means = window_means(write, powers, dtype, shape[1], windows)
    root = _root(write, means, dtype, power)
    new = write.op("Mul", root, write.constant(count ** (1.0 / power), dtype, "size"))
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, count), f"{node.op} with p = {power:g}")


def _over_axes(graph: GraphView, node: Node, write: Writer, dtype: str, shape: tuple[int, ...]) -> Rewrite:
    if len(shape) == CUBIC:
        return in_two(graph, node, write, dtype, shape)
    if is_dilated(node):
        return dilated(graph, node, write, dtype, shape)
    if node.op == "AveragePool" and not is_padded(node):
        kept = {key: value for key, value in node.attributes.items() if key != "count_include_pad"}
        new = write.op(node.op, node.inputs[0], **kept)
        return write.rewrite({node.outputs[0]: new}, EXACT, "there is no padding to count")
    raise NotKnown(f"{node.op} of rank {len(shape)} is as simple as it can be")


def _powers(write: Writer, x: str, dtype: str, power: float) -> str:
    if power == 2.0:
        return write.op("Mul", x, x)
    magnitude = write.op("Abs", x)
    return magnitude if power == 1.0 else write.op("Pow", magnitude, write.constant(power, dtype, "power"))


def _root(write: Writer, x: str, dtype: str, power: float) -> str:
    if power == 2.0:
        return write.op("Sqrt", x)
    return x if power == 1.0 else write.op("Pow", x, write.constant(1.0 / power, dtype, "root"))


def _mean_builds(graph: GraphView, node: Node) -> bool:
    """Whether a mean of such a form builds, and computes wrong numbers (measured, `numbers:mean-of-padding`)."""
    if len(graph.value(node.inputs[0]).shape or ()) != CUBIC:
        return True
    return (
        is_padded(node) and not node.attributes.get("count_include_pad", 0) and not node.attributes.get("ceil_mode", 0)
    )


def _trouble_of_mean(lint: LintContext, graph: GraphView, node: Node) -> str:
    """Forms that come out wrong or end the build, although the op table has no word on it."""
    if lint.target.platform in WITHOUT_DILATIONS and is_dilated(node) and not is_padded(node):
        return f"takes no notice of its dilations on {lint.target.platform}; it can be a convolution"
    if len(graph.value(node.inputs[0]).shape or ()) == CUBIC and (
        is_padded(node) or node.attributes.get("ceil_mode", 0)
    ):
        return "over three axes with padding or sizes rounded up comes out wrong or ends the build; it can be two pools"
    if node.attributes.get("count_include_pad", 0) and node.attributes.get("ceil_mode", 0) and not is_padded(node):
        return "without padding counts some: what sizes rounded up reach beyond the input"
    return ""
