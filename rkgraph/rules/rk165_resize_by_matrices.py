"""RK165: a Resize that ends the build or has no kernel, as one matrix product for each axis."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.resizing import Resize, read_resize
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node


_DEADLY = frozenset({"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"})
"""Coordinates with which a cubic Resize kills the toolkit; with others it stays an operator of the CPU."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Resize or Upsample that cannot run."""
    for graph, node in needing(lint, {"Resize", "Upsample"}, CANNOT_RUN | SLOW):
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "resizing is a product with a constant matrix along each axis")
        elif _is_deadly(node):
            yield Finding(
                f"{node.label}: cubic interpolation of {_transform(node)} coordinates kills the toolkit",
                graph=graph.path,
                node=node,
                observed={"coordinate_transformation_mode": _transform(node)},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def _is_deadly(node: Node) -> bool:
    # The op tables were asked with the attribute written out; left out it means half_pixel, and is as deadly.
    plain = not node.attributes.get("exclude_outside", 0) and not node.attributes.get("extrapolation_value", 0.0)
    return node.attributes.get("mode") == "cubic" and plain and _transform(node) in _DEADLY


def _transform(node: Node) -> str:
    return str(node.attributes.get("coordinate_transformation_mode", "half_pixel"))


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Gather for nearest, MatMul for linear and cubic; what lies outside a crop is filled."""
    return lower(lint, finding, "rk165", _resized)


def _resized(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    from rkgraph.analysis.interpolation import matrix

    resize, shape = read_resize(graph, node), list(shape_of(graph, node.inputs[0]))
    value, nearest = node.inputs[0], resize.how.mode == "nearest"
    dtype = graph.value(value).dtype if nearest else float_of(graph, value)
    terms = 1
    # What shrinks goes first: the values on the way are as small as they can be.
    for place in sorted(range(len(shape)), key=lambda place: resize.axes[place].after / resize.axes[place].before):
        axis = resize.axes[place]
        if axis.is_kept:
            continue
        bounded("the matrix of an axis", (axis.after, axis.before))
        try:
            weights = matrix(axis, resize.how)
        except ValueError as reason:
            raise NotKnown(f"{node.label}: {reason}") from reason
        after = [*shape[:place], axis.after, *shape[place + 1 :]]
        if nearest:
            value = writer.op("Gather", value, writer.integers(weights.argmax(axis=1).tolist(), "nearest"), axis=place)
        else:
            value = _product(writer, value, (shape, place, after), weights, str(dtype))
            terms = max(terms, int((weights != 0).sum(axis=1).max()))
        shape = after
    value = _filled(writer, value, resize, str(dtype))
    tolerance = Tolerance(0.0, 0.0) if nearest else rounding(str(dtype), terms)
    return writer.rewrite({node.outputs[0]: value}, tolerance, f"{resize.how.mode}, {resize.how.transform}")


def _product(
    writer: Writer, value: str, where: tuple[list[int], int, list[int]], weights: npt.NDArray[np.float64], dtype: str
) -> str:
    """The weights [after, before] along one axis; the last two axes need no Reshape."""
    shape, place, after = where
    if place == len(shape) - 1:
        return writer.op("MatMul", value, writer.constant(weights.T, dtype, "weights"))
    left = writer.constant(weights, dtype, "weights")
    if place == len(shape) - 2:
        return writer.op("MatMul", left, value)
    flat = writer.reshape(value, (math.prod(shape[:place]), shape[place], math.prod(shape[place + 1 :])))
    return writer.reshape(writer.op("MatMul", left, flat), after)


def _filled(writer: Writer, value: str, resize: Resize, dtype: str) -> str:
    """The value with the extrapolation value where any coordinate lies outside the input."""
    import numpy as np

    from rkgraph.analysis.interpolation import outside

    masks = [outside(axis, resize.how) for axis in resize.axes]
    if not any(mask.any() for mask in masks):
        return value
    bounded("the mask of what lies outside", [len(mask) if mask.any() else 1 for mask in masks])
    beyond = np.zeros((1,) * len(masks), dtype=bool)
    for place, mask in enumerate(masks):
        if mask.any():
            beyond = beyond | mask.reshape([-1 if place == axis else 1 for axis in range(len(masks))])
    fill = writer.constant(resize.extrapolation, dtype, "extrapolation")
    return writer.op("Where", writer.constant(beyond, "bool", "outside"), fill, value)
