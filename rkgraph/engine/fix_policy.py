"""Who may do what: which safety classes of fixes are applied, and who allowed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from rkgraph.diagnostics import Safety
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Between, Edit, FreezeInputs, PinShapes, Refusal, Rewrite
from rkgraph.records import Record
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet

__all__ = ["Policy"]


class Policy(Record):
    """What the user and the rule set allow.

    Attributes:
        allow: classes named by --allow.
        ruleset: allows some classes by default.
        options: --shape, --dim and --freeze, which allow the class that they need, for the inputs that they name.
        assumptions: what the user vouches for (--assume), by value.
        approved: fingerprints of fixes that a plan allows one by one.
    """

    allow: frozenset[Safety]
    ruleset: RuleSet
    options: Options
    assumptions: Mapping[str, Between] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()

    def allowed_by(self, safety: Safety, edit: Edit | Cut, fingerprint: str = "") -> str | Refusal:
        """Who allows this edit of this class; a refusal that names the option where nobody does."""
        if safety is Safety.SAFE:
            return "default"
        if safety is Safety.MANUAL:
            return Refusal("this has to be decided and done by hand; see the rule's card")
        who = self._asked_for(edit) or self._asked_for_shards(safety, edit)
        if who is None and safety in self.allow:
            who = f"--allow {safety.value}"
        if who is None and safety in self.ruleset.allow:
            who = f"rule set {self.ruleset.name}"
        if who is None and fingerprint in self.approved:
            who = "the plan"
        return who or Refusal(f"the fix is of class {safety.value}, which is not allowed", f"--allow {safety.value}")

    def objection(self, safety: Safety, edit: Edit) -> str | None:
        """Why the edit breaks the promise of its class: a fault of the rule; None if it keeps it."""
        if safety is Safety.SAFE and isinstance(edit, Rewrite) and edit.within:
            return "it claims to be safe, and holds for a part of the inputs only"
        return None

    def _asked_for_shards(self, safety: Safety, edit: Edit | Cut) -> str | None:
        """The option that asks for a rewrite in place of a cut."""
        shards = self.options.lm_head_shards
        return f"--lm-head-shards {shards}" if shards and safety is Safety.SPLIT and isinstance(edit, Rewrite) else None

    def _asked_for(self, edit: Edit | Cut) -> str | None:
        """The options that ask for this very edit, and so allow it."""
        if isinstance(edit, FreezeInputs):
            return " ".join(f"--freeze {name}" for name in edit.values)
        if not isinstance(edit, PinShapes):
            return None
        named = [name for name in edit.shapes if name in self.options.shapes]
        shapes = [f"--shape {name}={'x'.join(map(str, self.options.shapes[name])) or 'scalar'}" for name in named]
        dims = [] if len(named) == len(edit.shapes) else [f"--dim {n}={size}" for n, size in self.options.dims.items()]
        return " ".join([*shapes, *dims]) or None
