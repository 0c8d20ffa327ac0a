"""Reduces a model: the order of the steps, and what came of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from rkgraph.errors import RkgraphError
from rkgraph.graph.inference import inline_small
from rkgraph.graph.load import parse
from rkgraph.graph.pinning import pin
from rkgraph.graph.save import save_model
from rkgraph.graph.tensors import element_count, is_external
from rkgraph.graph.walk import graph_tensors, model_tensors
from rkgraph.graph.weights import Weights
from rkgraph.reduce.details import simplify
from rkgraph.reduce.measure import Size, measure
from rkgraph.reduce.nodes import bypass_nodes, cut_nodes, cut_one_by_one, cut_window, look_around
from rkgraph.reduce.outcome import NotShown, Outcome, Predicate
from rkgraph.reduce.privacy import (
    Kept,
    computed_values,
    free_weights,
    learnt_values,
    replace_names,
    replace_weights,
    secret_tensors,
)
from rkgraph.reduce.search import Best, Budget, Search, Spent
from rkgraph.reduce.sizes import shrink_large, shrink_sizes
from rkgraph.reduce.unfold import unfold
from rkgraph.reduce.validity import Validity

__all__ = ["Budget", "Reduction", "reduce_model"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Reduction:
    """What came of a reduction; the model itself is in the file that was asked for.

    Attributes:
        before, after: sizes of the original and of the result.
        outcome: what the predicate said of the result.
        tries: how often the predicate was asked.
        seconds: wall-clock time.
        stopped: "" where nothing more can be taken away; else "tries", "time" or "interrupted", or the message of an
            error that the predicate raised.
        validity: which checks the result passes, as a clause.
        kept: what is still the original's.
        names: name of a value of the result → its name in the original, which is the same where names stayed.
    """

    before: Size
    after: Size
    outcome: Outcome
    tries: int
    seconds: float
    stopped: str
    validity: str
    kept: Kept
    names: Mapping[str, str]


def reduce_model(
    model: Path,
    predicate: Predicate,
    output: Path,
    *,
    what: str = "what it is to be reduced for",
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    dims: Mapping[str, int] | None = None,
    keep_names: bool = False,
    keep_weights: bool = False,
    budget: Budget | None = None,
    renamed: Callable[[Mapping[str, str]], Predicate] | None = None,
    second_look: Predicate | None = None,
    tell: Tell = lambda _text: None,
) -> Reduction:
    """Write the smallest model that can be found for which `predicate` still holds.

    Hierarchical delta debugging: around the nodes that the predicate names, windows of the graph, ddmin over its
    nodes (cut out, or bypassed), over outputs, inputs, attributes, and smaller dimensions, until no step helps. Each
    candidate passes onnx's checker and shape inference, as far as the original does, before the predicate is asked.
    The same model and predicate give the same result, unless time runs out.

    Args:
        model: the .onnx file.
        predicate: asked of the original first, then of candidates (external weights go inline).
        output: the .onnx file to write, whole or not at all.
        what: what the predicate looks for, as the object of "shows", for messages.
        shapes: fixed shapes of inputs, by name, before anything else.
        dims: sizes of symbolic dimensions, likewise.
        keep_names: names stay; else they are replaced if it still shows with new ones.
        keep_weights: weights stay; else random numbers replace as many as can be while it still shows.
        budget: what the search may cost; Ctrl-C ends it as well. The best so far is the result then.
        renamed: for a predicate that knows names of values: makes the one for new names, given new name → old name.
        second_look: for a predicate that is not the same each time: asked once more after each step.
        tell: called with a few words of progress before each try.

    Raises:
        ModelError: `model` cannot be read.
        UsageError: `shapes`, `dims` or `output` do not fit.
        NotShown: the predicate does not hold of the model as it is.
        Slipped: `second_look` does not hold where the predicate does.
    """
    proto, weights = _load(Path(model), shapes or {}, dims or {})
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        tell("the model as it is")
        given = Path(model)
        if shapes or dims:
            given = Path(folder) / "pinned.onnx"
            save_model(proto, weights, given, "inline", in_place=False)
        outcome = predicate(given)
        if not outcome.shows:
            raise NotShown(f"{model}: the model does not show {what}; {outcome.says or 'nothing else was seen'}")
        first = Best(proto, outcome, measure(proto))
        search = Search(
            first,
            weights,
            Validity(proto),
            predicate,
            budget or Budget(),
            tell,
            Path(folder),
            learnt=learnt_values(proto),
            computed=computed_values(proto),
            second_look=second_look,
        )
        needed, stopped = _search(search, keep_weights)
        if needed is None:  # it was stopped before it came to them
            needed = replace_weights(search, at_the_end=predicate)
        secret = [tensor for tensor in graph_tensors(search.best.proto.graph) if tensor.name in needed]
        new = None if keep_names else replace_names(search, renamed or (lambda _names: predicate))
        best = search.best
        save_model(best.proto, weights, Path(output), "inline", in_place=False)
    return Reduction(
        before=first.size,
        after=best.size,
        outcome=best.outcome,
        tries=search.tries,
        seconds=search.seconds,
        stopped=stopped,
        validity=search.validity.said,
        kept=Kept(len(secret), sum(element_count(tensor.dims) for tensor in secret), new is None),
        names=new if new is not None else {name: name for name in search.facts.types},
    )


def _load(
    model: Path, shapes: Mapping[str, tuple[int, ...]], dims: Mapping[str, int]
) -> tuple[onnx.ModelProto, Weights]:
    """The model without its large tensors, pinned; and where these are."""
    proto, _ = parse(model)
    weights = Weights(model)
    for tensor in model_tensors(proto):
        if is_external(tensor):
            weights.resolve(tensor)
    inline_small(proto, model)
    pin(proto, shapes, dims)
    return onnx.ModelProto.FromString(proto.SerializeToString()), weights


def _search(search: Search, keep_weights: bool) -> tuple[frozenset[str] | None, str]:
    """Take away all that can be; which tensors have to keep their values (None: not asked yet), and what stopped it."""
    needed = secret_tensors(search) if keep_weights else None
    try:
        for step in (unfold, look_around, shrink_large, cut_window, shrink_large):
            search.step(step)
        _take_away(search)
        if not keep_weights:
            needed = replace_weights(search)
            _take_away(search)
            if needed:  # a smaller model may need less of them
                needed = replace_weights(search)
        search.step(free_weights)
        _take_away(search)
    except Spent as spent:
        return needed, spent.why
    except KeyboardInterrupt:
        return needed, "interrupted"
    except RkgraphError as error:  # of the predicate: what was found so far is not lost
        return needed, error.message
    return needed, ""


def _take_away(search: Search) -> None:
    """All steps again and again until none helps."""
    before = None
    while search.best is not before:
        before = search.best
        for step in (cut_nodes, bypass_nodes, cut_one_by_one, simplify, shrink_sizes):
            search.step(step)
