"""Reads Resize (opsets 10 to 19) and Upsample (7 and 9): what happens along each axis, and how it is interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import NotKnown, constant_of, input_of, shape_of

if TYPE_CHECKING:
    from rkgraph.analysis.interpolation import Axis, Resampling
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Resize", "read_resize"]

_FIRST_WITH_SIZES = 11


@dataclass(frozen=True)
class Resize:
    """All axes of a resize, in the order of the dimensions; `extrapolation` is for what lies outside a crop."""

    axes: tuple[Axis, ...]
    how: Resampling
    extrapolation: float


def read_resize(graph: GraphView, node: Node) -> Resize:
    """What a Resize or Upsample does.

    Raises:
        NotKnown: a setting is computed, or means different things to ONNX and to ONNX Runtime.
    """
    from rkgraph.analysis.interpolation import Axis, Resampling  # numpy, which lint has no time for

    before, after = shape_of(graph, node.inputs[0]), shape_of(graph, node.outputs[0])
    if len(before) != len(after):
        raise NotKnown(f"the rank of {node.outputs[0]} is another than that of {node.inputs[0]}")
    places = _places(node, len(before))
    scales = _scales(graph, node, before, after, places)
    starts, ends = _crop(graph, node, places, len(before))
    axes = tuple(Axis(*each) for each in zip(before, after, scales, starts, ends, strict=True))
    if any(axis.is_kept and (axis.start, axis.end) != (0.0, 1.0) for axis in axes):
        raise NotKnown(f"{node.label} crops an axis that it does not scale: ONNX Runtime leaves such an axis alone")
    given = node.attributes
    simple = graph.opset < _FIRST_WITH_SIZES
    how = Resampling(
        mode=str(given.get("mode", "nearest")),
        transform="asymmetric" if simple else str(given.get("coordinate_transformation_mode", "half_pixel")),
        nearest="simple" if simple else str(given.get("nearest_mode", "round_prefer_floor")),
        cubic=float(given.get("cubic_coeff_a", -0.75)),
        exclude_outside=bool(given.get("exclude_outside", 0)),
        antialias=bool(given.get("antialias", 0)),
    )
    return Resize(axes, how, float(given.get("extrapolation_value", 0.0)))


def _places(node: Node, rank: int) -> tuple[int, ...]:
    """The axes that scales, sizes and roi speak of."""
    given = node.attributes.get("axes")
    places = tuple(range(rank)) if not given else tuple(int(axis) % rank for axis in given)
    if len(set(places)) < len(places):
        raise NotKnown(f"{node.label} names an axis twice")
    return places


def _scales(
    graph: GraphView, node: Node, before: Sequence[int], after: Sequence[int], places: Sequence[int]
) -> tuple[float, ...]:
    """The scale of every axis; of sizes it is their quotient, in float32 as ONNX Runtime has it.

    Where the aspect ratio is kept, the axes share one scale, by which the sizes are rounded.
    """
    if "scales" in node.attributes:
        return _spread(tuple(float(scale) for scale in node.attributes["scales"]), places, len(before), 1.0)
    name = input_of(node, 1 if graph.opset < _FIRST_WITH_SIZES else 2)
    scales = constant_of(graph, name) if name else ()
    if scales:
        return _spread(scales, places, len(before), 1.0)
    import numpy as np

    choose = {"not_larger": min, "not_smaller": max}.get(
        str(node.attributes.get("keep_aspect_ratio_policy", "stretch"))
    )
    if choose is None:
        return tuple(float(np.float32(new) / np.float32(old)) for old, new in zip(before, after, strict=True))
    sizes = constant_of(graph, input_of(node, 3))
    asked = [float(np.float32(new) / np.float32(before[axis])) for axis, new in zip(places, sizes, strict=True)]
    return _spread([choose(asked)] * len(places), places, len(before), 1.0)


def _crop(
    graph: GraphView, node: Node, places: Sequence[int], rank: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Begin and end of the part of each axis that is kept, 0 and 1 where nothing is cropped."""
    name = input_of(node, 1) if graph.opset >= _FIRST_WITH_SIZES else ""
    if node.attributes.get("coordinate_transformation_mode") != "tf_crop_and_resize" or not name:
        return (0.0,) * rank, (1.0,) * rank
    region = constant_of(graph, name)
    half = len(region) // 2
    return _spread(region[:half], places, rank, 0.0), _spread(region[half:], places, rank, 1.0)


def _spread(given: Sequence[float], places: Sequence[int], rank: int, default: float) -> tuple[float, ...]:
    """Numbers for some axes as numbers for all."""
    if len(given) != len(places):
        raise NotKnown(f"there are {len(given)} numbers for {len(places)} axes")
    by_axis = dict(zip(places, given, strict=True))
    return tuple(float(by_axis.get(axis, default)) for axis in range(rank))
