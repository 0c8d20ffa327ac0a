"""From results to stories: what was found in a model, what was done about it, and what became of it.

A story is a run of results about one model on one target: as it came, after `rkgraph fix`, after `rkgraph compile`.
Pure functions of the report; what a template shows is decided here, how it looks is decided there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rkgraph.diagnostics import Device, Diagnostic
from rkgraph.report.groups import FindingGroup, FixGroup, PlacedRow, findings_by_rule, fixes_by_title
from rkgraph.results import Fixes, PlacedNode, Proof, Report, Result

__all__ = ["Story", "stories"]

_TROUBLES = ("RK240", "RK241", "RK242")
_AGREEMENT = {
    "agree": "where they were predicted",
    "differ": "elsewhere",
    "folded": "gone before lowering",
    "unpredicted": "without prediction",
    "unmapped": "not found in the layer table",
}


@dataclass(frozen=True)
class Story:
    """One model on one target, from the first result to the last."""

    results: tuple[Result, ...]

    @property
    def before(self) -> Result:
        """The model as it came."""
        return self.results[0]

    @property
    def after(self) -> Result:
        """What is known last."""
        return self.results[-1]

    @property
    def changed(self) -> bool:
        """True where there is a before and an after to show."""
        return bool(self.fixes.applied)

    @property
    def placement(self) -> tuple[PlacedNode, ...]:
        """The latest placement there is."""
        return next((r.placement for r in reversed(self.results) if r.placement), ())

    @property
    def fixes(self) -> Fixes:
        """What was done and what was refused, by the last result that says so."""
        return next((r.fixes for r in reversed(self.results) if r.fixes != Fixes()), Fixes())

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All proofs, each once."""
        return tuple({proof.id: proof for result in self.results for proof in result.proofs}.values())

    @property
    def compile(self) -> Mapping[str, Any] | None:
        """What the real compiler did, by the last result that has it."""
        return next((r.compile for r in reversed(self.results) if r.compile is not None), None)

    @property
    def tune(self) -> Mapping[str, Any] | None:
        """What `fix --tune` had built, and what it kept."""
        return next((r.tune for r in reversed(self.results) if r.tune is not None), None)

    @property
    def judgement(self) -> str:
        """What the compiler said against what was predicted, in a line; "" where it was not asked."""
        predicted = (self.compile or {}).get("predicted_verdict")
        if predicted is None:
            return ""
        agrees = predicted == self.after.verdict.value
        words = [f"{predicted}, as predicted" if agrees else f"{self.after.verdict.value}, predicted {predicted}"]
        for stage in self.compiled_stages:
            words += [
                f"{count} nodes {_AGREEMENT.get(key, key)}"
                for key, count in stage.get("agreement", {}).items()
                if count
            ]
        return " · ".join(words)

    @property
    def compiled_stages(self) -> Sequence[Mapping[str, Any]]:
        """The stages as the compiler built them."""
        return tuple((self.compile or {}).get("stages", ()))

    @property
    def verify(self) -> Mapping[str, Any] | None:
        """How the compiled model compares with the reference."""
        return (self.compile or {}).get("verify")

    @property
    def islands(self) -> Mapping[str, Any] | None:
        """The tensors of a quantized build that stay fp16, the builds that were tried, and what int8 does to values."""
        return (self.compile or {}).get("islands")

    @property
    def layer_errors(self) -> Mapping[str, Any] | None:
        """How the errors of layers were measured (`compile --layer-errors`); None where nobody did."""
        return next((stage["layer_errors"] for stage in self.compiled_stages if "layer_errors" in stage), None)

    @property
    def worst_layers(self) -> tuple[Mapping[str, Any], ...]:
        """Layers with a measured error, the largest first; what overflows stands before all."""
        known = [layer for layer in self.layers if layer.get("error") is not None]
        return tuple(sorted(known, key=lambda layer: -layer["error"]))

    @property
    def sentences(self) -> Mapping[str, Any] | None:
        """How real sentences fared, where somebody measured it."""
        return (self.compile or {}).get("sentences")

    @property
    def open_findings(self) -> tuple[FindingGroup, ...]:
        """What is still to be said about the model."""
        return findings_by_rule(f for f in self.last_linted.diagnostics if f.counts)

    @property
    def resolved_findings(self) -> tuple[FindingGroup, ...]:
        """What was found in the model as it came and is gone."""
        if not self.changed:
            return ()
        left = {finding.fingerprint for finding in self.last_linted.diagnostics}
        return findings_by_rule(finding for finding in self.before.diagnostics if finding.fingerprint not in left)

    @property
    def measured_troubles(self) -> tuple[Diagnostic, ...]:
        """What was seen to go wrong in fp16 on samples (RK240 to RK242)."""
        return tuple(f for f in self.last_linted.diagnostics if f.code in _TROUBLES)

    @property
    def accepted_findings(self) -> tuple[FindingGroup, ...]:
        """What a suppression covers, with its reason, or the baseline has."""
        return findings_by_rule(f for f in self.last_linted.diagnostics if not f.counts)

    @property
    def lowest_cosine(self) -> float | None:
        """The worst likeness that was measured, of outputs or of sentences; None where nobody measured.

        NaN where an output is beyond comparison. Sentences without a cosine were not run, and say why.
        """
        outputs = [entry.get("cosine") for entry in (self.verify or {}).get("outputs", ())]
        rows = [entry.get("cosine") for entry in (self.sentences or {}).get("rows", ())]
        known = [math.nan if cosine is None else cosine for cosine in outputs]
        known += [cosine for cosine in rows if cosine is not None]
        # What is no number is worse than any number, and min() would lose it.
        return min(known, key=lambda cosine: (not math.isnan(cosine), cosine), default=None)

    @property
    def last_linted(self) -> Result:
        """The last result with findings or fixes: a build says nothing new of them."""
        return next((r for r in reversed(self.results) if r.diagnostics or r.fixes != Fixes()), self.after)

    @property
    def fix_groups(self) -> tuple[FixGroup, ...]:
        """Applied fixes by rule, title and permission, in the order of their first use."""
        return fixes_by_title(self.fixes.applied, self.proofs)

    @property
    def whole_proofs(self) -> tuple[Proof, ...]:
        """Proofs that belong to no single fix; the simulator's has a table of its own where it is known in detail."""
        claimed = {i for fix in self.fixes.applied for i in fix.proofs}
        told = "simulator" if self.verify else ""
        return tuple(proof for proof in self.proofs if proof.id not in claimed and proof.kind != told)

    @property
    def rows(self) -> tuple[PlacedRow, ...]:
        """The placement, with what the compiler really did where that is known."""
        real = {
            entry["node"]: Device(entry["real"])
            for stage in self.compiled_stages
            for entry in stage.get("placement", ())
        }
        return tuple(PlacedRow(node, real.get(node.node)) for node in self.placement)

    @property
    def settled(self) -> tuple[PlacedNode, ...]:
        """The placement as it is known last: where the compiler put a node, else where it was predicted to run."""
        return tuple(replace(row.node, device=row.real or row.node.device) for row in self.rows)

    @property
    def layers(self) -> tuple[Mapping[str, Any], ...]:
        """Layers of all stages, inputs and outputs of the model included."""
        return tuple(layer for stage in self.compiled_stages for layer in stage.get("layers", ()))


def stories(report: Report) -> tuple[Story, ...]:
    """The results of a report as stories, in order."""
    found: list[list[Result]] = []
    for result in report.results:
        if found and _continues(found[-1][-1], result):
            found[-1].append(result)
        else:
            found.append([result])
    return tuple(Story(tuple(results)) for results in found)


def _continues(last: Result, result: Result) -> bool:
    """Whether `result` goes on where `last` stopped: the same model, what fixing made of it, or what was built."""
    if last.target != result.target or last.error or result.error:
        return False
    if last.model.path == result.model.path:
        return True
    if last.model.sha256 is not None and last.model.sha256 == result.model.sha256:
        return True
    if result.fixes != Fixes():
        return last.fixes == Fixes() and last.compile is None
    return last.fixes != Fixes() and result.compile is not None and _shape_of(last) == _shape_of(result)


def _shape_of(result: Result) -> tuple[object, ...]:
    """What stays the same when a fixed model is written to another file."""
    return result.model.nodes, result.model.opset, result.model.inputs, result.model.outputs
