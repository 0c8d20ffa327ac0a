"""One pass of the fix loop, planned: which edits to make now, and which findings cannot be mended (yet)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rkgraph.engine.fix_policy import Policy
from rkgraph.engine.lint import Found
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import (
    AddInput,
    DropNodes,
    Edit,
    FreezeInputs,
    OpenInterface,
    PinShapes,
    Refusal,
    RenameConstants,
    RenameOutputs,
    ReshapeOutputs,
    RetypeInterface,
    Rewrite,
    SetOpset,
    WidenScalars,
)
from rkgraph.proof.ranges import prove_assumption, refusal_of
from rkgraph.proof.regions import Footprint, footprint
from rkgraph.records import Record
from rkgraph.results import Proof, RefusedFix
from rkgraph.rulebook.registry import Rule
from rkgraph.rulebook.rule import LintContext

__all__ = ["Plan", "PlannedCut", "PlannedFix", "plan_pass"]


class PlannedFix(Record):
    """An edit that may be applied: for what, allowed by whom, and what was proved of its assumptions."""

    found: Found
    edit: Edit
    allowed_by: str
    assumptions: tuple[Proof, ...] = ()
    footprint: Footprint | None = None


class PlannedCut(Record):
    """A cut that may be made when no other fix is left: for what, and allowed by whom."""

    found: Found
    edit: Cut
    allowed_by: str


class Plan(Record):
    """`fixes` are independent of each other and of one kind; `refused` are the findings without one in this pass."""

    fixes: tuple[PlannedFix, ...]
    refused: tuple[RefusedFix, ...]
    cuts: tuple[PlannedCut, ...] = ()


def plan_pass(
    context: LintContext, found: Sequence[Found], order: Sequence[Rule], policy: Policy, new_id: Callable[[], str]
) -> Plan:
    """Ask the rule of every fixable finding for its edit, and choose those that can be applied together.

    Shapes and inputs come first, for all else may look different after them. Dtypes of inputs and outputs wait for the
    rewrites, which bring Casts to the edge of the model. The opset comes last, for it can be lowered only when no node
    needs the higher one.
    """
    place = {rule.code: index for index, rule in enumerate(order)}
    candidates: list[PlannedFix] = []
    cuts: list[PlannedCut] = []
    refused: list[RefusedFix] = []
    for one in sorted(found, key=lambda f: place[f.rule.code]):
        if one.rule.fix is None or one.diagnostic.fix is None:
            continue
        planned = _ask(context, one, policy)
        if isinstance(planned, PlannedFix):
            planned = _with_assumptions(context, planned, policy, new_id)
        if isinstance(planned, Refusal):
            refused.append(
                RefusedFix(
                    *(one.rule.code, one.diagnostic.at, planned.reason, planned.needs, one.diagnostic.fingerprint)
                )
            )
        elif isinstance(planned, PlannedCut):
            cuts.append(planned)
        else:
            candidates.append(planned)
    return Plan(tuple(_together(candidates)), tuple(refused), tuple(cuts))


def _ask(context: LintContext, found: Found, policy: Policy) -> PlannedFix | PlannedCut | Refusal:
    """The planned fix of one finding, or why there is none."""
    rule, offer = found.rule, found.diagnostic.fix
    assert rule.fix is not None and offer is not None  # noqa: S101, PT018 - the caller saw to it
    if found.finding.graph != "main":
        return Refusal(f"the finding lies in {found.finding.graph}; only the main graph is rewritten")
    edit = rule.fix(context, found.finding)
    if isinstance(edit, Refusal):
        return edit
    allowed = policy.allowed_by(offer.safety, edit, found.diagnostic.fingerprint)
    if isinstance(allowed, Refusal):
        return allowed
    if isinstance(edit, Cut):
        return PlannedCut(found, edit, allowed)
    objection = policy.objection(offer.safety, edit)
    if objection is not None:
        return Refusal(f"the rewrite of {rule.code} is not applied: {objection}")
    mark = footprint(context.model.main, edit) if isinstance(edit, Rewrite) else None
    return PlannedFix(found, edit, allowed, footprint=mark)


def _with_assumptions(
    context: LintContext, planned: PlannedFix, policy: Policy, new_id: Callable[[], str]
) -> PlannedFix | Refusal:
    """The fix with the proofs of what it assumes; a refusal where one cannot be given."""
    if not isinstance(planned.edit, Rewrite):
        return planned
    graph = context.model.main
    proofs: list[Proof] = []
    for name, needed in planned.edit.assumes.items():
        proof = prove_assumption(graph, name, needed, policy.assumptions, new_id())
        if proof.outcome != "proved":
            return Refusal(*refusal_of(graph, name, needed))
        proofs.append(proof)
    vouched = [proof.method.partition("given ")[2] for proof in proofs if "given " in proof.method]
    who = ", ".join([planned.allowed_by, *dict.fromkeys(vouched)])
    return replace(planned, allowed_by=who, assumptions=tuple(proofs))


_ORDER = (
    OpenInterface,
    PinShapes,
    FreezeInputs,
    AddInput,
    WidenScalars,
    DropNodes,
    Rewrite,
    RenameConstants,
    RetypeInterface,
    ReshapeOutputs,
    RenameOutputs,
    SetOpset,
)


def _together(candidates: Sequence[PlannedFix]) -> Iterable[PlannedFix]:
    """The candidates of the first kind that there is, in the order: shapes, inputs, rewrites, names, dtypes, opset."""
    for kind in _ORDER:
        of_kind = [c for c in candidates if isinstance(c.edit, kind)]
        if of_kind:
            return (
                _independent(of_kind)
                if kind is Rewrite
                else of_kind[:1]
                if kind in (SetOpset, AddInput, DropNodes)
                else of_kind
            )
    return ()


def _independent(rewrites: Sequence[PlannedFix]) -> Iterable[PlannedFix]:
    """As many as do not get in each other's way; the others have their turn in the next pass.

    What a rule that comes first has to leave for the next pass, no later rule may rewrite meanwhile.
    """
    chosen: list[PlannedFix] = []
    gone: set[str] = set()
    reads: set[str] = set()
    waiting: dict[str, str] = {}  # value that a fix which has to wait takes away → the code of its rule
    for one in rewrites:
        mark, code = one.footprint, one.found.rule.code
        if mark is None:
            continue
        held = any(waiting.get(name, code) != code for name in mark.gone)
        if held or not mark.gone.isdisjoint(gone | reads) or not mark.reads.isdisjoint(gone):
            waiting |= dict.fromkeys(mark.gone, code)
            continue
        chosen.append(one)
        gone |= mark.gone
        reads |= mark.reads
    return chosen
