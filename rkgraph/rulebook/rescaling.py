"""A part of a graph written with its numbers multiplied by powers of two: what fp16 does not hold, it holds then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkgraph.analysis.homogeneous import NORMS, NotHomogeneous, Region, Step, region_behind
from rkgraph.graph.rewrite import Between, Refusal, Tolerance
from rkgraph.rulebook.known import NUMPY_BROADCASTING
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["rescaled"]

BEYOND = 4.0
"""Equality is claimed for inputs of the region this many times larger than observed."""

NEAR = 1e-6
"""Powers of two change no digit; logarithms and powers of float32 are rounded once more."""

DEFAULT_EPSILON = 1e-5  # of the norms of ONNX


def rescaled(lint: LintContext, finding: Finding, code: str, *, overflow: bool) -> Edit | Refusal:
    """The region behind the node of `finding`, scaled so that its numbers fit; a refusal with the reason."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    if (graph.opset or 0) < NUMPY_BROADCASTING:
        return Refusal(f"opset {graph.opset} has no numpy broadcasting")

    def largest(name: str) -> float:
        seen = lint.observed.of((name,)).get(name)
        return math.nan if seen is None else seen.largest

    try:
        region = region_behind(graph, node, largest, overflow=overflow)
    except NotHomogeneous as reason:
        return Refusal(str(reason))
    write = Writer(graph, f"{code}/{node.outputs[0]}")
    written = _written(write, graph, region)
    replaces = {name: _times(write, graph, written[name], -region.exponents[name]) for name in region.restored}
    given = {name for step in region.steps for name in step.node.inputs if name and not graph.is_constant(name)}
    within = {}
    for name in sorted(given - region.exponents.keys()):
        most = largest(name)
        if math.isfinite(most) and most > 0:
            within[name] = Between(-BEYOND * most, BEYOND * most)
    first = region.steps[0]
    by = max(first.inputs, key=abs)
    detail = f"{len(region.steps)} node{'s' if len(region.steps) > 1 else ''} with numbers times 2^{by}"
    absolute = NEAR if any(step.offset for step in region.steps) else 0.0
    return write.rewrite(replaces, Tolerance(absolute, NEAR), detail, within=within)


def _written(write: Writer, graph: GraphView, region: Region) -> dict[str, str]:
    """The steps, recorded: old result → scaled one."""
    written: dict[str, str] = {}
    scaled: dict[tuple[str, int], str] = {}
    for step in region.steps:
        inputs = []
        for name, exponent in zip(step.node.inputs, step.inputs, strict=True):
            if name in written:
                inputs.append(written[name])
                continue
            key = (name, exponent)
            if key not in scaled:
                scaled[key] = _times(write, graph, name, exponent)
            inputs.append(scaled[key])
        result = write.op(step.node.op, *inputs, **_attributes(step))
        if step.offset:
            dtype = graph.value(step.node.outputs[0]).dtype or "float32"
            result = write.op("Add", result, write.constant(-step.offset * math.log(2), dtype, "offset"))
        written[step.node.outputs[0]] = result
    return written


def _attributes(step: Step) -> dict[str, object]:
    attributes = dict(step.node.attributes)
    if step.node.op in NORMS - {"LpNormalization"}:
        attributes["epsilon"] = float(attributes.get("epsilon", DEFAULT_EPSILON)) * 4.0 ** step.inputs[0]
    if step.node.op == "Clip":  # below opset 11 its bounds are attributes
        attributes |= {name: float(bound) * 2.0 ** step.inputs[0] for name, bound in attributes.items()}
    return attributes


def _times(write: Writer, graph: GraphView, name: str, exponent: int) -> str:
    """The value times a power of two: a constant where it is a small one, a product else."""
    if not exponent or not name:
        return name
    constant = graph.constant(name)
    if constant is not None:
        import numpy as np

        array = np.array(constant.values, dtype=constant.dtype).reshape(constant.shape)
        return write.constant(np.ldexp(array, exponent), constant.dtype, "scaled")
    dtype = graph.value(name).dtype
    return write.op("Mul", name, write.constant(2.0**exponent, dtype or "float32", "factor"))
