"""Lint a model, build it with the real compiler, and say where the two disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.deaths import diagnostics_of_deaths
from rkgraph.compile.diagnosis import diagnose, diagnostics_of, node_named_in
from rkgraph.compile.record import cost_of, frozen, placement_record
from rkgraph.diagnostics import Confidence, Location, Verdict
from rkgraph.engine.lint import find, make_context, result_of
from rkgraph.graph.load import read_view
from rkgraph.oracle.reconcile import Mismatch, mismatches, place_nodes, settled, told
from rkgraph.oracle.truth import Pins, Truth, find_truth
from rkgraph.rulebook.rule import Options
from rkgraph.toolkit.logs import outcome_message

if TYPE_CHECKING:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.mapping import Placed
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.errors import ToolkitFailed
    from rkgraph.graph.view import GraphView, ModelView
    from rkgraph.results import Result
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.tables.table import OpTable
    from rkgraph.tables.user_table import UserTable
    from rkgraph.targets import Target

__all__ = ["Verified", "reconcile", "verify"]


@dataclass(frozen=True)
class Verified:
    """A prediction that the compiler has judged.

    Attributes:
        result: verdict of the compiler (lint's where the build was cut short), placement as predicted; `compile` has
            `predicted_verdict` and the real placement; diagnostics of lint as far as they hold, RK980 and RK981 for
            what differs, and the messages of the log.
        predicted: lint's own result.
        truth: how the build ended.
        placed: where the compiler put the nodes of the main graph; empty where there is no layer table.
        mismatches: the nodes that run elsewhere than predicted.
        view: the model, pinned as it was linted and built.
        cut_short: the error, where a limit of time or memory ended the build before the compiler gave an answer.
    """

    result: Result
    predicted: Result
    truth: Truth
    placed: tuple[Placed, ...]
    mismatches: tuple[Mismatch, ...]
    view: ModelView
    cut_short: ToolkitFailed | None = None


def verify(
    model: Path,
    target: Target,
    ruleset: RuleSet,
    chain: Toolchain,
    *,
    options: Options | None = None,
    user: UserTable | None = None,
    cache: CompileCache | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Verified:
    """Lint the model at `model`, build it for `target` as it is, and reconcile the two.

    Args:
        model: an ONNX file; its external data must lie beside it.
        target: what to lint and build for.
        ruleset: the rules to lint by.
        chain: the toolkit; it is only started where `cache` has no answer.
        options: `shapes` and `dims` pin dynamic inputs, for lint and build alike.
        user: what the user has measured, as lint takes it.
        cache: where the compiler's answers are kept; None: nowhere.
        tell: called with a few words as each step begins.

    Raises:
        ModelError: the model cannot be read.
        UsageError: shapes or dims do not fit the model.
        TargetError: there is no op table of the target's toolkit.
        ToolkitMissing, ToolkitFailed: the toolkit is needed, and is not installed or cannot be started.
    """
    options = options or Options()
    view = read_view(model, shapes=options.shapes, dims=options.dims)
    pins = Pins(options.shapes, options.dims)
    truth = find_truth(model, target, chain, pins=pins, cache=cache, tell=tell)
    return reconcile(view, target, ruleset, truth, options=options, user=user)


def reconcile(
    view: ModelView,
    target: Target,
    ruleset: RuleSet,
    truth: Truth,
    *,
    options: Options,
    table: OpTable | None = None,
    user: UserTable | None = None,
) -> Verified:
    """Lint `view`, and hold against that what the compiler made of the same model. `table` defaults to the target's."""
    context = make_context(view, target, options, table, user)
    found = find(context, ruleset)
    predicted = result_of(context, found)
    placed = place_nodes(view.main, truth, predicted)
    differing = mismatches(view.main, truth, predicted, placed)
    ending = outcome_message(truth.job)
    answered = truth.verdict is not Verdict.UNKNOWN
    error = None if truth.outcome == "ok" else diagnose(truth.job, truth.facts, view.main, predicted, target.toolkit)
    where, reason = _place_and_reason(truth, view.main)
    result = replace(
        predicted,
        verdict=truth.verdict if answered else predicted.verdict,
        confidence=Confidence.PROBED if answered else predicted.confidence,
        diagnostics=(
            *settled(found, truth, placed),
            *told(predicted.verdict, truth, where, reason, differing, graph=view.main),
            *(diagnostics_of_deaths(truth.deaths) if truth.outcome == "ok" else ()),
            *diagnostics_of((*truth.facts.messages, *([ending] if ending else [])), view.main),
        ),
        cost={**(cost_of(truth.facts.layers, truth.facts.memory) if truth.outcome == "ok" else {}), **predicted.cost},
        compile=frozen(_record(view, truth, predicted, placed, None if error is None else error.message)),
    )
    return Verified(result, predicted, truth, placed, differing, view, None if answered else error)


def _record(
    view: ModelView, truth: Truth, predicted: Result, placed: tuple[Placed, ...], error: str | None
) -> dict[str, Any]:
    """What goes into `Result.compile`: no file was kept, so its stage has none."""
    record: dict[str, Any] = {
        "outcome": truth.outcome,
        "stage": None if truth.outcome == "ok" else truth.stage,
        "error": error,
        "predicted_verdict": predicted.verdict.value,
    }
    if truth.outcome == "ok":
        record["stages"] = [{"name": "model", **placement_record(view, truth.facts, predicted.placement, placed)}]
    return record


def _place_and_reason(truth: Truth, graph: GraphView) -> tuple[Location, str]:
    """Where the compiler's verdict comes from, and what it said."""
    if truth.outcome != "ok":
        said = truth.error or truth.signal or truth.outcome
        node = node_named_in(said, graph)
        return (Location() if node is None else Location("main", node.label, node.op)), said
    lost = dict.fromkeys(entry.op for entry in truth.facts.no_lowering)
    return Location(), f"no kernel for {', '.join(lost)}" if lost else ""
