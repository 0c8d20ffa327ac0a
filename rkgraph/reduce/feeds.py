"""Inputs for candidates: what the original computes at that place, where it is known and fits; else made up."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.analysis.evaluator_child import evaluate_apart
from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.tensors import static_shape, tensors_of
from rkgraph.graph.extract import MissingValue, UnknownDtype
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.graph.tensors import element_count

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView

    Array = npt.NDArray[Any]
    Feeds = Mapping[str, Array]

__all__ = ["FeedSource"]

_MOST_BYTES = 512 << 20
"""Of all inner values of the original together; beyond that, inner values are made up."""
_CASES = 2


class FeedSource:
    """Makes inputs for candidates of one original.

    Args:
        model: the original.
        cases: its inputs; empty: made up, the same each time.

    Raises:
        UsageError: an input of the original has no fixed shape, and no cases are given.
    """

    def __init__(self, model: Path, cases: Sequence[Feeds] = ()) -> None:
        view = read_view(model)
        inputs, _ = tensors_of(view.main)
        self._cases: list[Feeds] = [dict(case) for case in cases]
        self._cases = self._cases or [generate_feeds(view.main, inputs, seed) for seed in range(_CASES)]
        self._model = model
        self._inner: list[Feeds] | None = None

    def of(self, model: Path, names: Mapping[str, str], *, made_up: bool = False) -> tuple[Feeds, ...]:
        """One mapping a case for the candidate `model`; `names`: new name → name in the original, where they differ.

        With `made_up` nothing of the original is used.

        Raises:
            UsageError: an input has no fixed shape, or a dtype that numpy does not have.
        """
        view = read_view(model)
        inputs, _ = tensors_of(view.main)
        found = []
        for seed, known in enumerate([{} for _ in self._cases] if made_up else self._known()):
            made = generate_feeds(view.main, inputs, seed)
            for tensor in inputs:
                value = known.get(names.get(tensor.name, tensor.name))
                fitted = None if value is None else _fitted(value, made[tensor.name])
                made[tensor.name] = made[tensor.name] if fitted is None else fitted
            found.append({tensor.name: made[tensor.name].reshape(static_shape(tensor)) for tensor in inputs})
        return tuple(found)

    def _known(self) -> list[Feeds]:
        """By case, the inputs of the original and what it computes of them."""
        if self._inner is None:
            self._inner = [{**case, **inner} for case, inner in zip(self._cases, self._computed(), strict=True)]
        return self._inner

    def _computed(self) -> list[Feeds]:
        nothing: list[Feeds] = [{} for _ in self._cases]
        graph = read_view(self._model).main
        names = [name for node in graph.nodes for name in node.outputs if name and _bytes(graph, name) is not None]
        if not names or sum(_bytes(graph, name) or 0 for name in names) * len(self._cases) > _MOST_BYTES:
            return nothing
        with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
            path = Path(folder) / "model.onnx"
            try:
                path.write_bytes(Model.load(self._model).extract(graph.inputs, names).SerializeToString())
                (answers,) = evaluate_apart([path], self._cases)
            except (EvaluationError, MissingValue, UnknownDtype, ValueError):
                return nothing  # it is not ONNX Runtime that the model is reduced for
        return [{} if isinstance(answer, EvaluationError) else answer for answer in answers]


def _bytes(graph: GraphView, name: str) -> int | None:
    """Of a tensor of known dtype and static shape (at most 8 a number); None for others."""
    value = graph.value(name)
    sizes = [size for size in value.shape or () if isinstance(size, int)]
    if value.dtype is None or value.shape is None or len(sizes) != len(value.shape):
        return None
    return 8 * element_count(sizes)


def _fitted(value: Array, like: Array) -> Array | None:
    """The front of `value` in the shape of `like`; None where it is too small or of another kind."""
    if value.dtype != like.dtype or value.ndim != like.ndim:
        return None
    if any(have < want for have, want in zip(value.shape, like.shape, strict=True)):
        return None
    return np.ascontiguousarray(value[tuple(slice(size) for size in like.shape)]).reshape(like.shape)
