"""Split: what the NPU and its runtime cannot take moves to the host, and the model becomes a few stages.

It comes last, when all other fixes are made. Every stage for the NPU is linted as the model that it is; what is found
there moves to the host, too, until nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rkgraph.diagnostics import Confidence, Device, Diagnostic, Safety, Verdict
from rkgraph.engine.fix_plan import PlannedCut
from rkgraph.engine.lint import Found, result_of
from rkgraph.engine.stages import FixedStage, Layout, crossings_of, stages_of
from rkgraph.graph.model import Model
from rkgraph.graph.view import GraphView, ModelView
from rkgraph.proof.recomposed import prove_recomposed
from rkgraph.records import Record
from rkgraph.results import AppliedFix, PlacedNode, Proof, RefusedFix, Result
from rkgraph.rulebook.hosting import HOST_ONLY
from rkgraph.rulebook.rule import LintContext

__all__ = ["Split", "Splitter"]

MOST_ROUNDS = 12
"""How often a stage that was found fault with leads to another cut."""

_BAD = (Verdict.BUILD_FAILS, Verdict.NO_BOARD_KERNEL)
_WORST_FIRST = (Verdict.BUILD_FAILS, Verdict.NO_BOARD_KERNEL, Verdict.UNKNOWN, Verdict.DEPLOYABLE)

Look = Callable[[ModelView], tuple[LintContext, tuple[Found, ...]]]
"""Lints a view."""


class Split(Record):
    """What came of the cuts: the stages (none where the model stays whole), and what is to be said of them.

    `raw_weights` are constants that the host may want without ONNX.
    """

    stages: tuple[FixedStage, ...] = ()
    results: tuple[Result, ...] = ()
    applied: tuple[AppliedFix, ...] = ()
    refused: tuple[RefusedFix, ...] = ()
    proofs: tuple[Proof, ...] = ()
    raw_weights: tuple[str, ...] = ()

    def told(self, whole: Result) -> Result:
        """The result of the whole model, told as that of its stages."""
        if not self.stages:
            return whole
        verdicts = [result.verdict for result in self.results]
        ranks = [result.confidence for result in self.results]
        found: dict[str, Diagnostic] = {d.fingerprint: d for result in self.results for d in result.diagnostics}
        return replace(
            whole,
            verdict=min(verdicts, key=_WORST_FIRST.index),
            confidence=min(ranks, key=lambda confidence: confidence.rank, default=Confidence.UNKNOWN),
            placement=tuple(self._placed(node) for node in whole.placement),
            diagnostics=tuple(found.values()),
            stages=tuple(stage.record for stage in self.stages),
        )

    def _placed(self, node: PlacedNode) -> PlacedNode:
        moved = any(node.index in stage.nodes for stage in self.stages if stage.kind == "onnx")
        if node.graph != "main" or not moved:
            return node
        return replace(node, device=Device.HOST, because=tuple(fix.code for fix in self.applied))


class Splitter:
    """Cuts one model that all other fixes were made of."""

    def __init__(self, model: Model, context: LintContext, found: Sequence[Found], look: Look) -> None:
        self.model, self.context, self.found, self.look = model, context, found, look
        self.layout = Layout.of(context)

    def split(self, cuts: Sequence[PlannedCut], new_id: Callable[[], str]) -> Split:
        """Carry out the cuts that are allowed.

        Args:
            cuts: what the rules ask for.
            new_id: gives ids of proofs.
        """
        if not cuts:
            return Split()
        graph = self.context.model.main
        asked = {name for cut in cuts for name in cut.edit.host}
        host = {node.index for node in self.layout.nodes if not asked.isdisjoint(node.outputs)}
        if any(cut.edit.needed for cut in cuts):
            host |= _offenders(self.found, graph)
        try:
            stages, results = self._settled(host)
        except ValueError as error:
            return Split(refused=tuple(_refused(cut, str(error)) for cut in cuts))
        if not any(stage.kind == "rknn" for stage in stages):
            return Split(refused=tuple(_refused(cut, HOST_ONLY) for cut in cuts))
        if len(stages) == 1:
            return Split()
        proof = prove_recomposed(self.model, [stage.model for stage in stages], new_id())
        if proof.outcome == "refuted":
            reason = f"the stages give other results than the model: {proof.detail}"
            return Split(refused=tuple(_refused(cut, reason) for cut in cuts), proofs=(proof,))
        applied = tuple(_record(graph, cut, stages, proof) for cut in cuts)
        weights = tuple(dict.fromkeys(cut.edit.weight for cut in cuts if cut.edit.weight is not None))
        return Split(stages, results, applied, (), (proof,), weights)

    def _settled(self, host: set[int]) -> tuple[tuple[FixedStage, ...], tuple[Result, ...]]:
        """The stages, cut again as long as lint finds nodes in those for the NPU that cannot stay there."""
        uncut: set[str] = set()
        for _ in range(MOST_ROUNDS):
            parts = self.layout.parts(host, uncut)
            stages = stages_of(self.layout, parts, self.model)
            looked = [(stage, *self.look(stage.model.view())) for stage in stages if stage.kind == "rknn"]
            more = set().union(*(self._worse(stage, found) for stage, _, found in looked))
            bad = {name for stage, _, found in looked for name in self._border(stage, found)}
            if more <= host and bad <= uncut:
                break
            host, uncut = host | more, uncut | bad
        return stages, tuple(result_of(context, found) for _, context, found in looked)

    def _worse(self, stage: FixedStage, found: Sequence[Found]) -> set[int]:
        """The nodes of the whole model that a stage must not have, by what was found in it."""
        graph, own = self.context.model.main, stage.model.view().main
        names = {name for index in _offenders(found, own) for name in own.nodes[index].outputs if name}
        return {p.index for name in names if (p := graph.producer(name)) is not None and p.index in stage.nodes}

    def _border(self, stage: FixedStage, found: Sequence[Found]) -> set[str]:
        """The values at which a stage must not begin or end."""
        made = {name for node in self.layout.nodes for name in node.outputs}
        values = {f.finding.value for f in found if f.finding.verdict in _BAD and f.finding.node is None}
        return {tensor.name for tensor in (*stage.inputs, *stage.outputs)} & made & {v for v in values if v}


def _offenders(found: Sequence[Found], graph: GraphView) -> set[int]:
    """The nodes of `graph` for which the model cannot be deployed, by what was found; readers of refused inputs."""
    bad = [f.finding for f in found if f.finding.verdict in _BAD]
    nodes = {_outermost(graph, f.graph, f.node.index) for f in bad if f.node is not None}
    inputs = {f.value for f in bad if f.node is None} & set(graph.inputs)
    readers = {node.index for node in graph.nodes if not inputs.isdisjoint(node.reads)}
    return {index for index in nodes if index is not None} | readers


def _outermost(graph: GraphView, path: str, index: int) -> int | None:
    """The node of the main graph that a node of some graph is, or lies in; None where it lies in a function."""
    if path == graph.path:
        return index
    holder = next((n for n in graph.nodes for inner in n.subgraphs if path.startswith(inner.path)), None)
    return None if holder is None else holder.index


def _refused(cut: PlannedCut, reason: str) -> RefusedFix:
    found = cut.found
    return RefusedFix(found.rule.code, found.diagnostic.at, reason, fingerprint=found.diagnostic.fingerprint)


def _record(graph: GraphView, cut: PlannedCut, stages: Sequence[FixedStage], proof: Proof) -> AppliedFix:
    diagnostic = cut.found.diagnostic
    assert diagnostic.fix is not None  # noqa: S101 - the plan holds only findings that have a fix
    return AppliedFix(
        code=diagnostic.code,
        title=diagnostic.fix.title,
        safety=Safety.SPLIT,
        at=diagnostic.at,
        allowed_by=cut.allowed_by,
        proofs=(proof.id,),
        detail=f"{cut.edit.detail}; {_told(graph, stages)}",
        fingerprint=diagnostic.fingerprint,
    )


def _told(graph: GraphView, stages: Sequence[FixedStage]) -> str:
    crossed = list(crossings_of(graph, stages))
    kilobytes = sum(size for *_, size in crossed) / 1024
    names = " → ".join(stage.name for stage in stages)
    return f"{names}, {len(crossed)} {'value crosses' if len(crossed) == 1 else 'values cross'}, {kilobytes:,.1f} KB"
