"""What follows from rows of attention that a mask covers as a whole, found by giving such rows other shares.

A query that sees no key (padding, or one whose sliding window holds nothing but padding) has no result: equal shares of
all keys where the fill is finite, NaN where it is not, the plain softmax of its scores where the fill is one that fp16
holds. Nobody reads such rows, and a rewrite that declares that it changes what lies beyond a fill says nothing of them.

Which results follow from such rows is computed, not guessed from names or places: the model before the rewrite is run
again, with rows whose largest score lies beyond the fill replaced by noise. A result that stays as it was, bit for bit,
does not follow from them and must be equal; one that changes is not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rkgraph.analysis.evaluator import Array
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT, Rewrite, Tape
from rkgraph.graph.view import GraphView, Node

__all__ = ["NOISES", "WHY", "following", "with_other_shares"]

WHY = "follow from rows of a softmax that the mask covers as a whole, and are not compared"

NOISES = 3
"""How many times that is done: behind a tanh or a rounding, a result may stay as it was by chance."""

_FLOATS = ("float16", "float32", "float64")
_NOISE = 8.0  # standard deviation of scores: the shares differ a lot from equal ones, and from those of real scores
_FIRST = 9  # the first opset with a Where of all dtypes
_AXIS_ONLY = 13  # from here on a Softmax is over one axis; before, over all from there on
_AXES_AS_INPUT = 18


def with_other_shares(original: Path, saturates: float, path: Path) -> bool:
    """Write the model at `original` to `path`, rows of its softmaxes without a score above -`saturates` made noise.

    Each run of a session makes other noise, the same sequence in each session. Only softmaxes of the main graph are
    looked at.

    Returns:
        Whether there was one; where there was none, nothing is written.
    """
    model = Model.load(original)
    main = model.view().main
    rewrites = [found for node in main.nodes_of("Softmax") if (found := _noisy(main, node, saturates)) is not None]
    for rewrite in rewrites:
        model.apply(rewrite)
    if rewrites:
        model.save(path, "inline")
    return bool(rewrites)


def following(before: Mapping[str, Array], shaken: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Output → bool array: what of `before` follows from rows without a key, since it is another in one of `shaken`."""
    return {
        name: np.logical_or.reduce([_changed(array, other[name]) for other in shaken]) for name, array in before.items()
    }


def _changed(array: Array, other: Array) -> Array:
    if array.shape != other.shape:
        return np.ones(array.shape, dtype=bool)
    nan = np.issubdtype(array.dtype, np.floating) and np.isnan(array) & np.isnan(other)
    return np.asarray((array != other) & np.logical_not(nan))


def _noisy(graph: GraphView, node: Node, saturates: float) -> Rewrite | None:
    """The softmax with noise in rows without a score above -`saturates`; None where its row or dtype is not known."""
    scores = graph.value(node.inputs[0])
    axis = node.attributes.get("axis", -1 if graph.opset >= _AXIS_ONLY else 1)
    last = scores.shape is not None and axis in (-1, len(scores.shape) - 1)
    if node.domain not in ("", "ai.onnx") or scores.dtype not in _FLOATS or graph.opset < _FIRST:
        return None
    if graph.opset < _AXIS_ONLY and not last:
        return None
    tape = Tape(f"masked-rows/{node.outputs[0]}")
    if graph.opset >= _AXES_AS_INPUT:
        largest = tape.op("ReduceMax", scores.name, tape.constant([axis], "int64", "axis"), keepdims=1)
    else:
        largest = tape.op("ReduceMax", scores.name, axes=(axis,), keepdims=1)
    covered = tape.op("Less", largest, tape.constant(-saturates, scores.dtype, "fill"))
    noise = tape.op("RandomNormalLike", scores.name, mean=0.0, scale=_NOISE, seed=1.0)
    shares = tape.op("Softmax", tape.op("Where", covered, noise, scores.name), **node.attributes)
    return Rewrite({node.outputs[0]: shares}, tape, EXACT)
