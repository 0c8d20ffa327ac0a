"""One batch of independent fixes: applied together, proved one by one, taken back where the proof fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.analysis.intervals import Intervals
from rkgraph.analysis.origins import Origin
from rkgraph.engine.fix_halving import Settled, settle
from rkgraph.engine.fix_opening import opening
from rkgraph.engine.fix_plan import PlannedFix
from rkgraph.engine.fix_reshaping import renamed_by, reshaped_by
from rkgraph.graph.extract import MissingValue
from rkgraph.graph.model import Model, Snapshot
from rkgraph.graph.rewrite import (
    AddInput,
    DropNodes,
    FreezeInputs,
    OpenInterface,
    PinShapes,
    RenameConstants,
    RenameOutputs,
    ReshapeOutputs,
    RetypeInterface,
    Rewrite,
    SetOpset,
    Tape,
    WidenScalars,
)
from rkgraph.proof.local import LocalClaim, Side, not_evaluated, prove_local
from rkgraph.proof.ranges import as_intervals, assumed_of
from rkgraph.proof.regions import gone_together, region_of
from rkgraph.proof.structure import Declared, structure_problems
from rkgraph.records import Record
from rkgraph.results import AppliedFix, Proof
from rkgraph.rulebook.rule import LintContext

__all__ = ["Bench", "Outcome", "run_batch"]

WIDER = 24  # nodes: how far in front of a rewrite a second attempt looks for the reason that makes it right


class Bench(Record):
    """What proofs need besides the model: new ids, and the folder for counterexamples (None: they are not saved)."""

    new_id: Callable[[], str]
    counterexamples: Path | None


class Outcome(Record):
    """What became of a batch: the fixes that stay, and those that were taken back with the proof that failed."""

    applied: tuple[AppliedFix, ...]
    failed: tuple[tuple[PlannedFix, Proof], ...]
    proofs: tuple[Proof, ...]


def run_batch(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench) -> Outcome:
    """Apply `fixes` to `model`, prove them, and leave the model with those that are proved."""
    rewrites = [f for f in fixes if isinstance(f.edit, Rewrite)]
    return _run_rewrites(model, context, rewrites, bench) if rewrites else _run_whole(model, context, fixes, bench)


def _run_rewrites(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench) -> Outcome:
    start = model.snapshot()
    proofs = _prove_each(model, context, fixes, bench)
    good = [(fix, proof) for fix, proof in zip(fixes, proofs, strict=True) if proof.outcome == "proved"]
    bad = [(fix, proof) for fix, proof in zip(fixes, proofs, strict=True) if proof.outcome != "proved"]
    if bad:
        model.restore(start)
        if good:
            _apply(model, [fix for fix, _ in good])
    local = {id(fix): proof for fix, proof in good}
    settled = _settle(model, context, [fix for fix, _ in good], bench, start)
    applied = tuple(_record(context, fix, [local[id(fix)], proof]) for fix, proof in settled.kept)
    assumed = tuple(proof for fix, _ in settled.kept for proof in fix.assumptions)
    return Outcome(applied, (*bad, *settled.spoiled), (*assumed, *proofs, *settled.proofs))


def _run_whole(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench) -> Outcome:
    """Edits of the whole model: shapes, inputs, opset. Structure is what can be proved of them here."""
    start = model.snapshot()
    _apply(model, fixes)
    settled = _settle(model, context, fixes, bench, start)
    applied = tuple(_record(context, fix, [proof]) for fix, proof in settled.kept)
    return Outcome(applied, settled.spoiled, settled.proofs)


def _apply(model: Model, fixes: Sequence[PlannedFix]) -> None:
    """Apply fixes of one kind, rewrites as one edit."""
    rewrites = [fix.edit for fix in fixes if isinstance(fix.edit, Rewrite)]
    for edit in [_merged(rewrites)] if rewrites else [fix.edit for fix in fixes]:
        model.apply(edit)


def _settle(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench, start: Snapshot) -> Settled:
    """Prove the structure of `model`, to which `fixes` have been applied since `start`, and leave what is sound."""
    if not fixes:
        return Settled((), ())

    def attempt(part: Sequence[PlannedFix]) -> Proof:
        model.restore(start)
        _apply(model, part)
        return _structure(model, context, part, bench)

    settled = settle(fixes, _structure(model, context, fixes, bench), attempt)
    if not settled.kept:
        model.restore(start)
    return settled


def _prove_each(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench) -> list[Proof]:
    """Apply all rewrites to `model`, and prove each; one that fails has a second chance on its own."""
    start = model.copy()
    shared = Intervals(context.model.main)
    claims = [_claim(context, fix, shared) for fix in fixes]
    before = [_side(start, claim, {}) for claim in claims]
    model.apply(_merged([_rewrite(fix) for fix in fixes]))
    names = _names_after(context, fixes)
    after = [_side_after(model, start, claim, names, fix) for claim, fix in zip(claims, fixes, strict=True)]
    proofs = [_prove(claim, old, new, bench) for claim, old, new in zip(claims, before, after, strict=True)]
    return [
        _prove_wider(start, context, fix, proof, bench) if proof.outcome == "refuted" else proof
        for fix, proof in zip(fixes, proofs, strict=True)
    ]


def _side_after(
    model: Model, start: Model, claim: LocalClaim, names: dict[str, str], fix: PlannedFix
) -> Side | EvaluationError:
    """The region after the whole batch; where the other fixes made its results needless, after `fix` alone."""
    try:
        return _side(model, claim, names)
    except MissingValue:
        return _side(_with_one(start, fix), claim, names)


def _with_one(start: Model, fix: PlannedFix) -> Model:
    alone = start.copy()
    alone.apply(_rewrite(fix))
    return alone


def _prove_wider(start: Model, context: LintContext, fix: PlannedFix, refuted: Proof, bench: Bench) -> Proof:
    """A second attempt that takes in what lies in front of the rewrite: the reason why it is right may be there.

    The first one fed values at random that may never occur together. If this one fails too, the first stands.
    """
    wider = _claim(context, fix, Intervals(context.model.main), wider_by=WIDER)
    alone = _side(_with_one(start, fix), wider, _names_after(context, [fix]))
    again = _prove(wider, _side(start, wider, {}), alone, bench)
    return again if again.outcome == "proved" else refuted


def _prove(claim: LocalClaim, before: Side | EvaluationError, after: Side | EvaluationError, bench: Bench) -> Proof:
    if isinstance(before, EvaluationError):
        return not_evaluated(bench.new_id(), claim.subject, before)
    if isinstance(after, EvaluationError):
        unproved = not_evaluated(bench.new_id(), claim.subject, after)
        return replace(unproved, outcome="refuted", detail=f"after the rewrite: {unproved.detail}")
    return prove_local(claim, before, after, bench.new_id(), bench.counterexamples)


def _claim(context: LintContext, fix: PlannedFix, shared: Intervals, *, wider_by: int = 0) -> LocalClaim:
    """What is to be proved of `fix`; `shared` intervals serve all whose rewrites assume nothing."""
    graph, edit = context.model.main, _rewrite(fix)
    region = region_of(graph, edit, lambda name: context.origin(graph, name) is Origin.FIXED, wider_by=wider_by)
    subject = f"{fix.found.rule.code} at {fix.found.diagnostic.at}"
    known = as_intervals({**edit.within, **edit.assumes})
    intervals = Intervals(graph, known) if known else shared
    return LocalClaim(subject, region, edit.tolerance, intervals, assumed_of(graph, edit, by_name=True))


def _side(model: Model, claim: LocalClaim, names: dict[str, str]) -> Side | EvaluationError:
    try:
        return Side.of(model.extract, claim.region, names)
    except EvaluationError as error:
        return error


def _names_after(context: LintContext, fixes: Sequence[PlannedFix]) -> dict[str, str]:
    """Replaced value → its name in the model after; outputs of the model keep theirs."""
    outputs = set(context.model.main.outputs)
    return {old: old if old in outputs else new for fix in fixes for old, new in _rewrite(fix).replaces.items()}


def _merged(rewrites: Sequence[Rewrite]) -> Rewrite:
    """Independent rewrites as one, so that the graph is taken apart and put together once."""
    tape = Tape("batch")
    tape.nodes = [node for rewrite in rewrites for node in rewrite.tape.nodes]
    tape.constants = {name: array for rewrite in rewrites for name, array in rewrite.tape.constants.items()}
    tape.copies = {name: copied for rewrite in rewrites for name, copied in rewrite.tape.copies.items()}
    replaces = {old: new for rewrite in rewrites for old, new in rewrite.replaces.items()}
    return Rewrite(replaces, tape, rewrites[0].tolerance)


def _rewrite(fix: PlannedFix) -> Rewrite:
    if not isinstance(fix.edit, Rewrite):
        raise TypeError("a batch holds rewrites, or edits of the whole model, never both")
    return fix.edit


def _structure(model: Model, context: LintContext, fixes: Sequence[PlannedFix], bench: Bench) -> Proof:
    after = model.view()
    problems = structure_problems(context.model, after, model.proto(weights=False), _declared(context, fixes))
    count = len(after.main.nodes)
    return Proof(
        id=bench.new_id(),
        kind="structure",
        outcome="refuted" if problems else "proved",
        subject=f"{len(fixes)} {'edit' if len(fixes) == 1 else 'edits'}, {count} nodes after",
        method="sorted, single assignment, nothing dangling, checker, interface, untouched nodes compared",
        cases=count,
        detail="; ".join(problems[:5]),
    )


def _declared(context: LintContext, fixes: Sequence[PlannedFix]) -> Declared:
    main = context.model.main
    rewrites = [fix.edit for fix in fixes if isinstance(fix.edit, Rewrite)]
    rewrites += [fix.edit.rewrite for fix in fixes if isinstance(fix.edit, AddInput)]
    replaced = _names_after(context, [fix for fix in fixes if isinstance(fix.edit, Rewrite)])
    made = {name for rewrite in rewrites for node in rewrite.tape.nodes for name in node.outputs if name}
    gone = gone_together(main, _merged(rewrites)) if rewrites else frozenset()
    pins = [fix.edit for fix in fixes if isinstance(fix.edit, PinShapes)]
    frozen = [fix.edit for fix in fixes if isinstance(fix.edit, FreezeInputs)]
    retyped = [fix.edit for fix in fixes if isinstance(fix.edit, RetypeInterface)]
    recast = frozenset(name for edit in retyped for name in edit.outputs)
    more = [fix.edit for fix in fixes if isinstance(fix.edit, AddInput)]
    for edit in more:
        replaced |= {old: old if old in main.outputs else new for old, new in edit.rewrite.replaces.items()}
    dropped = [index for fix in fixes if isinstance(fix.edit, DropNodes) for index in fix.edit.nodes]
    gone |= {name for index in dropped for name in main.nodes[index].outputs}
    widened = {old: new for f in fixes if isinstance(f.edit, WidenScalars) for old, new in f.edit.scalars.items()}
    replaced |= widened
    renamed = {old: new for f in fixes if isinstance(f.edit, RenameConstants) for old, new in f.edit.names.items()}
    replaced |= renamed
    gone |= {name for name in renamed if main.producer(name) is not None}
    opened = [fix.edit for fix in fixes if isinstance(fix.edit, OpenInterface)]
    reshaped = reshaped_by(main, (fix.edit for fix in fixes if isinstance(fix.edit, ReshapeOutputs)))
    named = renamed_by(main, (fix.edit for fix in fixes if isinstance(fix.edit, RenameOutputs)))
    replaced |= reshaped.replaced | named.replaced
    others: dict[str, tuple[str, ...]] = {old: (new,) for old, new in named.replaced.items()}
    others |= {name: names for edit in opened for name, names in opening(main, edit).opened.items()}
    opsets = [fix.edit.version for fix in fixes if isinstance(fix.edit, SetOpset)]
    return Declared(
        removed=gone | recast | reshaped.removed | named.removed,
        added=frozenset(made | set(main.outputs) & replaced.keys())
        | {name for edit in opened for name in opening(main, edit).added}
        | recast
        | set(widened.values())
        | set(renamed.values())
        | reshaped.added
        | named.added,
        replaced=replaced,
        pinned={name: shape for edit in pins for name, shape in edit.shapes.items()}
        | dict.fromkeys(widened, (1,))
        | reshaped.shapes,
        frozen=frozenset(name for edit in frozen for name in edit.values),
        opened=others,
        retyped={name: dtype for edit in retyped for name, dtype in (*edit.inputs.items(), *edit.outputs.items())},
        given=tuple(edit.name for edit in more),
        opset=opsets[0] if opsets else None,
    )


def _record(context: LintContext, fix: PlannedFix, proofs: Sequence[Proof]) -> AppliedFix:
    diagnostic, edit = fix.found.diagnostic, fix.edit
    offer = diagnostic.fix
    assert offer is not None  # noqa: S101 - the plan holds only findings that have a fix
    dead = sorted(fix.footprint.dead) if fix.footprint else []
    return AppliedFix(
        code=diagnostic.code,
        title=offer.title,
        safety=offer.safety,
        at=diagnostic.at,
        allowed_by=fix.allowed_by,
        removed=tuple(context.model.main.nodes[index].label for index in dead),
        added=tuple(node.label for node in edit.tape.nodes) if isinstance(edit, Rewrite) else (),
        proofs=tuple(proof.id for proof in (*fix.assumptions, *proofs)),
        detail=_detail(context, fix),
        fingerprint=diagnostic.fingerprint,
    )


def _detail(context: LintContext, fix: PlannedFix) -> str:  # noqa: PLR0911  # one for each kind of edit
    match fix.edit:
        case Rewrite(detail=detail):
            return "; ".join(filter(None, (detail, assumed_of(context.model.main, fix.edit))))
        case PinShapes(shapes=shapes):
            return ", ".join(f"{name}: {'x'.join(map(str, shape))}" for name, shape in shapes.items())
        case FreezeInputs(values=values):
            return ", ".join(f"{name} is now a constant" for name in values)
        case RetypeInterface(inputs=inputs, outputs=outputs):
            value = context.model.main.value
            return ", ".join(f"{name}: {value(name).dtype} → {to}" for name, to in (*inputs.items(), *outputs.items()))
        case AddInput(name=name, dtype=dtype, shape=shape, rewrite=rewrite):
            return "; ".join(filter(None, (f"{name}: {dtype}{list(shape)}", rewrite.detail)))
        case ReshapeOutputs(shapes=shapes):
            was = context.model.main.value
            return ", ".join(f"{name}: {list(was(name).shape or ())} → {list(to)}" for name, to in shapes.items())
        case WidenScalars(scalars=scalars):
            return ", ".join(f"{name}: a scalar → [1]" for name in scalars)
        case OpenInterface(outputs=outputs):
            return ", ".join(f"{name} is given as {count} tensors" for name, count in outputs.items())
        case RenameConstants(names=names) | RenameOutputs(names=names):
            return ", ".join(f"{old} is now {new}" for old, new in names.items())
        case DropNodes(nodes=nodes):
            return f"{', '.join(context.model.main.nodes[index].label for index in sorted(nodes)[:8])} dropped"
        case SetOpset(version=version):
            return f"{fix.found.diagnostic.observed.get('opset', '?')} → {version}"
