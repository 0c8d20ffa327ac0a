"""Fix: apply what the rules offer and what is allowed, prove every edit, lint again, repeat until nothing is left.

Bounded by `MAX_PASSES`; rules that undo each other's work are noticed by the state coming back, and named. A fix whose
proof fails is taken back and not tried again. What is returned is the model with the fixes that are proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from itertools import count
from pathlib import Path

from rkgraph.analysis.evaluator import Array
from rkgraph.analysis.observed import Observations, Observed
from rkgraph.diagnostics import Diagnostic, Location, Safety, Severity, fingerprint
from rkgraph.engine.fix_batch import Bench, run_batch
from rkgraph.engine.fix_choices import Choices, Fingerprints
from rkgraph.engine.fix_opening import open_inputs, opened_copy
from rkgraph.engine.fix_plan import Plan, PlannedFix, plan_pass
from rkgraph.engine.fix_policy import Policy
from rkgraph.engine.fix_requests import check_shapes, dtypes_of, filled, freeze, scalars_of
from rkgraph.engine.fix_state import state_of
from rkgraph.engine.lint import Found, find, make_context, result_of, with_troubles
from rkgraph.engine.split import Split, Splitter
from rkgraph.engine.stages import FixedStage
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import Between, OpenInterface, RenameOutputs, ReshapeOutputs, Rewrite
from rkgraph.graph.view import ModelView
from rkgraph.proof.ranges import as_intervals
from rkgraph.proof.verdict import SATURATES
from rkgraph.proof.whole import LARGEST, WholeClaim, not_compared, prove_model
from rkgraph.proof.whole_tolerance import whole_model_tolerance
from rkgraph.records import Record
from rkgraph.results import AppliedFix, Fixes, Proof, RefusedFix, Result
from rkgraph.rulebook.registry import Rule, load_rules
from rkgraph.rulebook.rule import LintContext, Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.tables.table import OpTable, load_table
from rkgraph.targets import Target

__all__ = ["FixOutcome", "FixSettings", "fix_model"]

MAX_PASSES = 40  # a real model takes 4 to 8; each pass past the first follows from what the one before it uncovered

COMPARED = 3  # samples on which the whole model is compared

"""How far a model may lie from its quantised original: ‖a − b‖ ≤ 0.2·‖b‖, which is a cosine of at least 0.98."""


class FixSettings(Record):
    """How fixes are proved and what the user vouches for.

    Attributes:
        assumptions: value → what the user says of it (--assume).
        inputs: real inputs for the whole-model comparison; made-up ones where there are none.
        samples: calibration samples, feeds by input name; rules learn from them what values hold.
        counterexamples: folder for the inputs that refute a rewrite; None saves none.
        rules: the rules to run; all of them by default.
        whole: one model is asked for: cuts that are a gain, but not needed, are left out.
        choices: what a plan or a search decided of single fixes.
        presimplify: let onnxsim simplify the model first.
    """

    assumptions: Mapping[str, Between] = field(default_factory=dict)
    inputs: Sequence[Mapping[str, Array]] = ()
    samples: Sequence[Mapping[str, Array]] = ()
    counterexamples: Path | None = None
    rules: Sequence[Rule] | None = None
    whole: bool = False
    choices: Choices = field(default_factory=Choices)
    presimplify: bool = False


class FixOutcome(Record):
    """The fixed model, the lint results before and after, what was and was not done, and how it was proved.

    `after` carries fixes and proofs, and a diagnostic RK991 for every rewrite that was refuted and taken back. `stages`
    are the models that `model` was cut into; none where it stays whole. `raw_weights` are constants that the host may
    want without ONNX. `optional` are the rules whose cuts were made though the model could be deployed without them;
    `strange` the fingerprints that the choices speak of, and that nothing in the model has.
    """

    model: Model
    before: Result
    after: Result
    fixes: Fixes
    proofs: tuple[Proof, ...]
    stages: tuple[FixedStage, ...] = ()
    raw_weights: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    strange: frozenset[str] = frozenset()

    @property
    def is_refuted(self) -> bool:
        """True when a proof refuted an edit (which was taken back), or the whole model."""
        return any(proof.outcome == "refuted" for proof in self.proofs)

    @property
    def is_wrong(self) -> bool:
        """True when the model as it is now was refuted: it must not be used."""
        return any(proof.outcome == "refuted" and proof.kind == "model" for proof in self.proofs)


def fix_model(
    model: Model,
    target: Target,
    ruleset: RuleSet,
    options: Options,
    allow: frozenset[Safety] = frozenset(),
    *,
    proof: str = "auto",
    settings: FixSettings | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> FixOutcome:
    """Fix `model` in place.

    Args:
        model: the model; what is proved stays in it.
        target: what it is fixed for.
        ruleset: the rules that count, and the classes of fixes that are allowed by default.
        options: --shape, --dim and --freeze.
        allow: further classes of fixes that may be applied.
        proof: "local": every edit for itself. "model": the whole model, too. "auto": that for models below 500 MB.
        settings: assumptions, and inputs of proofs.
        on_progress: told in a few words what is being done.

    Raises:
        UsageError: a shape, dimension or value was given that does not fit the model.
        TargetError: there is no op table of the target's toolkit.
    """
    settings = settings or FixSettings()
    opened = opened_copy(model, options)
    check_shapes(opened, options)
    rules = tuple(load_rules() if settings.rules is None else settings.rules)
    policy = Policy(allow, ruleset, filled(opened, options), settings.assumptions)
    tell = on_progress or (lambda _text: None)
    return _Loop(model=model, target=target, rules=rules, policy=policy, settings=settings, tell=tell).run(proof)


class _Loop:
    """One run: the model under way, and what has been said and done so far."""

    def __init__(
        self,
        *,
        model: Model,
        target: Target,
        rules: tuple[Rule, ...],
        policy: Policy,
        settings: FixSettings,
        tell: Callable[[str], None],
    ) -> None:
        self.model, self.target, self.rules, self.policy, self.tell = model, target, rules, policy, tell
        numbers = count(1)
        self.settings = settings
        self.bench = Bench(lambda: f"p{next(numbers)}", settings.counterexamples)
        self.table: OpTable = load_table(target.toolkit)
        self.applied: list[AppliedFix] = []
        self.refused: list[RefusedFix] = []
        self.proofs: list[Proof] = []
        self.refuted: dict[tuple[str, str], Diagnostic] = {}
        self.unproved: dict[tuple[str, str], tuple[str, RefusedFix]] = {}
        self.seen: dict[str, int] = {}
        self.names = Fingerprints()
        self.observed: dict[str, Observed | None] = {}  # what values hold on the samples, as far as it was asked for
        self.within: dict[str, Between] = {}  # inputs for some of whose values only an applied fix is right
        self.dtypes: Mapping[str, str] = {}
        self.scalars: frozenset[str] = frozenset()
        self.opened = OpenInterface()
        self.reshaped: dict[str, tuple[int, ...]] = {}  # outputs that are handed out in another shape
        self.renamed: dict[str, str] = {}

    def run(self, proof: str) -> FixOutcome:
        context, found = self._look(troubles=True)
        before = result_of(context, found)
        self.dtypes = dtypes_of(context.model.main)
        self.scalars = scalars_of(context.model.main)
        if self.settings.presimplify and self._presimplify():
            context, found = self._look()
        opened = open_inputs(self.model, self.policy.options, self.bench.new_id)
        self.opened = opened.edit
        self.scalars |= scalars_of(self.model.view().main) if opened.applied else frozenset()
        frozen = freeze(self.model, self.policy.options, self.bench.new_id)
        if opened.applied or frozen.applied:
            self.applied += (*opened.applied, *frozen.applied)
            self.proofs += (*opened.proofs, *frozen.proofs)
            context, found = self._look()
        if context.observed.troubles:  # what goes wrong in fp16 is mended last: most of it goes away before
            context, found = self._look()
        for number in range(1, MAX_PASSES + 1):
            fight = self._fight(context)
            plan = self._plan(context, found, fight)
            if not plan.fixes and self.settings.samples and not context.observed.looked:
                context, found = self._look(troubles=True)
                plan = self._plan(context, found, fight)
            if not plan.fixes:
                self.refused += (*plan.refused, *self._still_unproved(found))
                break
            self.tell(f"pass {number}: {_count(len(plan.fixes))}, {_codes(plan.fixes)}")
            self._carry_out(context, plan)
            context, found = self._look()
        else:
            plan = self._plan(context, found, frozenset())
            self.refused += [_unfinished(fix) for fix in plan.fixes]
        split = self._split(context, found, plan)
        self.applied += map(self.names.named, split.applied)
        self.refused += map(self.names.named, split.refused)
        self.proofs += split.proofs
        fixes = Fixes(tuple(self.applied), tuple(self.refused))
        wrong = [*self.refuted.values(), *self._compare_models(proof)]
        proofs = tuple(self.proofs)
        after = result_of(context, found)
        after = split.told(after)
        after = replace(after, diagnostics=(*after.diagnostics, *wrong), fixes=fixes, proofs=proofs)
        optional = self._optional(plan) if split.stages else frozenset[str]()
        strange = self.settings.choices.named - self.names.seen
        parts = (split.stages, split.raw_weights)
        return FixOutcome(self.model, before, after, fixes, proofs, *parts, optional, strange)

    def _presimplify(self) -> bool:
        """Let onnxsim have its turn; whether it changed the model."""
        from rkgraph.engine.presimplify import presimplify

        self.tell("simplifying by onnxsim")
        real = self.settings.inputs or self.settings.samples[:COMPARED]
        options, bench = self.policy.options, self.bench
        done = presimplify(self.model, options, real, bench.new_id, bench.counterexamples)
        self.applied += done.applied
        self.refused += done.refused
        self.proofs += done.proofs
        return bool(done.applied)

    def _split(self, context: LintContext, found: Sequence[Found], plan: Plan) -> Split:
        """Make the cuts that are planned; those that are no more than a gain only where several models are welcome."""
        optional = self._optional(plan)
        cuts = [cut for cut in plan.cuts if cut.edit.needed or cut.found.rule.code in optional]
        if cuts:
            self.tell("cutting the model into stages")

        def look(view: ModelView) -> tuple[LintContext, tuple[Found, ...]]:
            context = make_context(view, self.target, self.policy.options, self.table)
            return context, find(context, self.policy.ruleset, self.rules)

        return Splitter(self.model, context, found, look).split(cuts, self.bench.new_id) if cuts else Split()

    def _optional(self, plan: Plan) -> frozenset[str]:
        """The rules whose cuts are made though they are no more than a gain."""
        codes = {cut.found.rule.code for cut in plan.cuts if not cut.edit.needed}
        return frozenset() if self.settings.whole else frozenset(codes - self.settings.choices.without)

    def _compare_models(self, proof: str) -> Sequence[Diagnostic]:
        """Compare the original with the fixed model where that is asked for; what is wrong, if anything is."""
        path = self.model.path
        if all(fix.safety is Safety.SPLIT for fix in self.applied):  # the whole is as it was; see proof/recomposed.py
            return ()
        known = as_intervals({**self.within, **self.settings.assumptions})
        frozen, dtypes = self.policy.options.frozen, self._old_dtypes()
        tolerance = whole_model_tolerance(self.proofs, self.model.view().main)
        widened = self.scalars - scalars_of(self.model.view().main) - frozen.keys()
        real = self.settings.inputs or self.settings.samples[:COMPARED]
        edges = (widened, self.opened, self._new_shapes(), self.renamed, _saturation(self.proofs))
        claim = WholeClaim(path, self.model, known, frozen, real, dtypes, tolerance, *edges)
        unasked = _unasked(proof, path.stat().st_size)
        if unasked:
            self.proofs.append(not_compared(claim, self.bench.new_id(), unasked))
            return ()
        self.tell("comparing the whole model before and after")
        found = prove_model(claim, self.bench.new_id(), self.bench.counterexamples)
        self.proofs.append(found)
        return () if found.outcome != "refuted" else (_differs(found),)

    def _new_shapes(self) -> dict[str, tuple[int, ...]]:
        """Output of the fixed model → its shape, where the original has another one."""
        return {self.renamed.get(name, name): shape for name, shape in self.reshaped.items()}

    def _old_dtypes(self) -> dict[str, str]:
        """Input or output, as it is called now → its dtype in the original, where that was changed."""
        now = dtypes_of(self.model.view().main)
        old = {self.renamed.get(name, name): dtype for name, dtype in self.dtypes.items()}
        return {name: dtype for name, dtype in old.items() if now.get(name, dtype) != dtype}

    def _look(self, *, troubles: bool = False) -> tuple[LintContext, tuple[Found, ...]]:
        """Lint the model as it is; `troubles`: what goes wrong in fp16 on the samples is looked for, too."""
        observed = Observations(self.model.copy(), self.settings.samples, self.observed)
        if troubles:
            observed = with_troubles(observed, self.target, self.tell)
        context = make_context(self.model.view(), self.target, self.policy.options, self.table, observed=observed)
        found = find(context, self.policy.ruleset, self.rules)
        self.names.see(found)
        return context, found

    def _plan(self, context: LintContext, found: Sequence[Found], fighting: frozenset[str]) -> Plan:
        """The next batch; what was refuted before, and rules that fight, get no further turn."""
        state = state_of(context.model)
        tried = self.refuted.keys() | {key for key, (then, _) in self.unproved.items() if then == state}
        open_ = [f for f in found if _key(f) not in tried and f.rule.code not in fighting]
        against = [self.settings.choices.refusal(f, self.names.own(f.diagnostic.fingerprint)) for f in open_]
        chosen = [f for f, refusal in zip(open_, against, strict=True) if refusal is None]
        policy = replace(self.policy, approved=self.names.now(self.settings.choices.approved))
        plan = plan_pass(context, chosen, self.rules, policy, self.bench.new_id)
        stuck = [
            _not_made(f, f"{' and '.join(sorted(fighting))} undo each other's work")
            for f in found
            if f.rule.code in fighting and f.diagnostic.fix is not None
        ]
        refused = (*map(self.names.named, (*plan.refused, *stuck)), *filter(None, against))
        return replace(plan, refused=refused)

    def _carry_out(self, context: LintContext, plan: Plan) -> None:
        outcome = run_batch(self.model, context, plan.fixes, self.bench)
        self.applied += map(self._signed, outcome.applied)
        failed = {id(fix) for fix, _ in outcome.failed}
        done = [fix for fix in plan.fixes if id(fix) not in failed]
        for edit in (fix.edit for fix in done if isinstance(fix.edit, OpenInterface)):
            self.opened = replace(self.opened, outputs={**self.opened.outputs, **edit.outputs})
        for shapes in (fix.edit.shapes for fix in done if isinstance(fix.edit, ReshapeOutputs)):
            self.reshaped |= shapes
        for names in (fix.edit.names for fix in done if isinstance(fix.edit, RenameOutputs)):
            self.renamed |= names
        self.within |= _limits_of_inputs(context, done)
        if any(fix.found.rule.card.fix is None or fix.found.rule.card.fix.safety is not Safety.SAFE for fix in done):
            self.observed.clear()  # values that are still there may hold other numbers
        self.proofs += [proof for proof in outcome.proofs if proof.outcome != "skipped"]
        state = state_of(self.model.view())
        for fix, proof in outcome.failed:
            if proof.outcome == "refuted":
                self.refuted[_key(fix.found)] = _refuted(fix, proof)
                self.refused.append(self.names.named(_not_proved(fix, proof)))
            else:
                self.unproved[_key(fix.found)] = (state, self.names.named(_not_proved(fix, proof)))

    def _signed(self, fix: AppliedFix) -> AppliedFix:
        """The record of a fix with its fingerprint in this run, and with who chose it where it is a candidate."""
        chosen = fix.code in self.settings.choices.candidates
        return self.names.named(replace(fix, allowed_by="--tune") if chosen else fix)

    def _still_unproved(self, found: Sequence[Found]) -> list[RefusedFix]:
        """What could not be proved, neither at first nor when the model had changed around it."""
        keys = {_key(f) for f in found}
        return [refused for key, (_, refused) in self.unproved.items() if key in keys]

    def _fight(self, context: LintContext) -> frozenset[str]:
        """The rules that were at work since the model was last in the state that it is in now; none if it never was."""
        state = state_of(context.model)
        since = self.seen.setdefault(state, len(self.applied))
        return frozenset(fix.code for fix in self.applied[since:])


def _saturation(proofs: Sequence[Proof]) -> float | None:
    """From which magnitude on a fix that was proved may have changed the fill of a mask; None where none may."""
    magnitudes = [proof.tolerance.get(SATURATES) for proof in proofs if proof.outcome == "proved"]
    return min((found for found in magnitudes if found is not None), default=None)


def _limits_of_inputs(context: LintContext, fixes: Sequence[PlannedFix]) -> dict[str, Between]:
    """The ranges of inputs of the model for which these fixes claim equality, and which their details tell."""
    edits = [fix.edit for fix in fixes if isinstance(fix.edit, Rewrite)]
    inputs = context.model.main.inputs
    return {name: bounds for edit in edits for name, bounds in edit.within.items() if name in inputs}


def _unasked(proof: str, size: int) -> str:
    """Why the whole model, a file of `size` bytes, is not compared; "" if it is."""
    if proof == "local":
        return "--proof local asks for no comparison of the whole model"
    if proof == "auto" and size > LARGEST:
        return f"a model of {size // 2**20} MiB is compared as a whole only if asked to: --proof model"
    return ""


def _key(found: Found) -> tuple[str, str]:
    return found.rule.code, found.diagnostic.fingerprint


def _refuted(fix: PlannedFix, proof: Proof) -> Diagnostic:
    """RK991: a rewrite was taken back."""
    code, at = fix.found.rule.code, fix.found.diagnostic.at
    return Diagnostic(
        code="RK991",
        severity=Severity.ERROR,
        at=at,
        message=f"the fix of {code} was refuted and taken back: {proof.detail}",
        fingerprint=fingerprint("RK991", code, fix.found.diagnostic.fingerprint),
        observed={"proof": proof.id, "counterexample": proof.counterexample},
    )


def _differs(proof: Proof) -> Diagnostic:
    """RK991 of the whole model."""
    return Diagnostic(
        code="RK991",
        severity=Severity.ERROR,
        at=Location(),
        message=f"the fixed model gives other results than the original: {proof.detail}",
        fingerprint=fingerprint("RK991", "model"),
        observed={"proof": proof.id, "counterexample": proof.counterexample},
    )


def _not_proved(fix: PlannedFix, proof: Proof) -> RefusedFix:
    verb = "its proof refuted it" if proof.outcome == "refuted" else "it could not be proved"
    return _not_made(fix.found, f"{verb}, so it was taken back: {proof.detail}")


def _not_made(found: Found, reason: str) -> RefusedFix:
    return RefusedFix(found.rule.code, found.diagnostic.at, reason, fingerprint=found.diagnostic.fingerprint)


def _unfinished(fix: PlannedFix) -> RefusedFix:
    reason = f"there was still something to fix after {MAX_PASSES} passes"
    return RefusedFix(fix.found.rule.code, Location(), reason)


def _count(number: int) -> str:
    return "1 fix" if number == 1 else f"{number} fixes"


def _codes(fixes: Sequence[PlannedFix]) -> str:
    return ", ".join(sorted({fix.found.rule.code for fix in fixes}))
