"""What `rkgraph fix` says: verdict before and after, what was fixed and how it is proved, what was refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Device, Severity, Verdict

if TYPE_CHECKING:
    from rkgraph.engine.fix import FixOutcome
    from rkgraph.results import AppliedFix, Proof, RefusedFix, Result, TensorInfo

__all__ = ["describe_fix", "describe_stages", "verdict_change"]

Lines = Iterator[tuple[str, str]]

_PLACES = {
    Device.NPU: "on the NPU",
    Device.CPU: "on the CPU",
    Device.HOST: "on the host",
    Device.NO_KERNEL: "without a kernel",
    Device.UNKNOWN: "nowhere",
    Device.FOLDED: "folded away",
}

SHOWN = 4  # tensors of a stage in one line

_STYLES = {
    Verdict.DEPLOYABLE: "good",
    Verdict.NO_BOARD_KERNEL: "error",
    Verdict.BUILD_FAILS: "error",
    Verdict.UNKNOWN: "warning",
}


def verdict_change(outcome: FixOutcome) -> tuple[str, str]:
    """The one line that says what the fix made of the verdict."""
    before, after = outcome.before, outcome.after
    verdict = f"{before.verdict.value} → {after.verdict.value} on {after.target} (evidence: {after.confidence.value})"
    return f"{after.model.path}: {verdict}", "error" if outcome.is_wrong else _STYLES[after.verdict]


def describe_fix(outcome: FixOutcome, *, verbose: bool = False) -> Lines:
    """Lines of text and their styles (keys of `cli.output.STYLES`, "" for none)."""
    before, after = outcome.before, outcome.after
    yield f"{after.model.path} for {after.target}", "title"
    yield f"verdict: {before.verdict.value} → {after.verdict.value}", _STYLES[after.verdict]
    yield f"nodes: {before.model.nodes} → {after.model.nodes}, opset {before.model.opset} → {after.model.opset}", ""
    yield f"findings: {_findings(before)} → {_findings(after)}", ""
    yield f"placement: {_devices(before)} → {_devices(after)}", ""
    yield from _applied(outcome, verbose)
    yield from _refused(outcome.fixes.refused, verbose)
    yield from describe_stages(outcome)
    yield from _proofs(outcome.proofs)


def describe_stages(outcome: FixOutcome) -> Lines:
    """The stages that the model was cut into, and what crosses between them."""
    yield from ((d.message, "warning") for d in outcome.after.diagnostics if d.code == "RK601" and d.fix is None)
    if not outcome.stages:
        return
    from rkgraph.engine.stages import crossings_of

    yield "", ""
    yield f"{len(outcome.stages)} stages", "title"
    for stage in outcome.stages:
        count = f"{len(stage.nodes)} {'node' if len(stage.nodes) == 1 else 'nodes'}"
        yield f"  {stage.name}  {count}: {_tensors(stage.inputs)} → {_tensors(stage.outputs)}", ""
    crossed = list(crossings_of(outcome.model.view().main, outcome.stages))
    for source, to, name, size in crossed:
        yield f"      {name} crosses from {source.name} to {to.name}: {size / 1024:,.1f} KB", "dim"
    total = sum(size for *_, size in crossed) / 1024
    yield f"  {len(crossed)} {'value crosses' if len(crossed) == 1 else 'values cross'}, {total:,.1f} KB a run", ""


def _tensors(tensors: Sequence[TensorInfo]) -> str:
    from rkgraph.compile.tensors import describe_shape

    told = [f"{t.name} {t.dtype or 'no tensor'} {describe_shape(t.shape)}" for t in tensors[:SHOWN]]
    return ", ".join(told) + (f" and {len(tensors) - SHOWN} more" if len(tensors) > SHOWN else "")


def _findings(result: Result) -> str:
    counts = [
        (sum(d.severity is severity for d in result.diagnostics), severity.value)
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    ]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count) or "none"


def _devices(result: Result) -> str:
    return _counted(Counter(node.device for node in result.placement)) or "no nodes"


def _gain(outcome: FixOutcome, fixes: Sequence[AppliedFix]) -> str:
    """Where lint saw the nodes that went, and where it sees those that came: what the compiler is asked instead."""
    was = {node.node: node.device for node in outcome.before.placement}
    now = {name: node.device for node in outcome.after.placement for name in node.outputs}
    gone = Counter(was[name] for fix in fixes for name in fix.removed if name in was)
    come = Counter(now[name] for fix in fixes for name in fix.added if name in now)
    if not gone and not come:
        return ""
    left = "nodes that were fixed further" if any(fix.added for fix in fixes) else "nothing"
    return f"{_counted(gone) or 'nodes of earlier fixes'} → {_counted(come) or left}"


def _counted(devices: Counter[Device]) -> str:
    return ", ".join(f"{devices[device]} {word}" for device, word in _PLACES.items() if devices[device])


def _applied(outcome: FixOutcome, verbose: bool) -> Lines:
    applied = outcome.fixes.applied
    yield "", ""
    if not applied:
        yield "nothing was fixed", "dim"
        return
    yield f"{len(applied)} fixed", "title"
    by_id = {proof.id: proof for proof in outcome.proofs}
    groups: dict[tuple[str, str, str, str], list[AppliedFix]] = {}
    for fix in applied:
        groups.setdefault((fix.code, fix.title, fix.safety.value, fix.allowed_by), []).append(fix)
    for (code, title, safety, allowed_by), fixes in sorted(groups.items()):
        who = "" if allowed_by == "default" else f", allowed by {allowed_by}"
        times = f" ×{len(fixes)}" if len(fixes) > 1 else ""
        yield f"  {code}{times}  {title} ({safety}{who})", "good"
        yield from ((f"      {line}", "dim") for line in (_gain(outcome, fixes), _proved(fixes, by_id)) if line)
        for fix in fixes if verbose else ():
            yield f"      {fix.at}: {fix.detail}", ""


def _proved(fixes: Sequence[AppliedFix], by_id: dict[str, Proof]) -> str:
    used = [by_id[i] for i in dict.fromkeys(i for fix in fixes for i in fix.proofs) if i in by_id]
    words = [
        f"{sum(p.kind == kind for p in used)} {kind}" for kind in ("structure", "range", "split") if _has(used, kind)
    ]
    local = [proof for proof in used if proof.kind == "local"]
    if local:
        largest = max((p.largest_error or 0.0) for p in local)
        cases = sum(p.cases for p in local)
        words.append(f"{len(local)} local ({cases} inputs, largest difference {largest:.3g})")
    return "proofs: " + ", ".join(words)


def _has(proofs: Sequence[Proof], kind: str) -> bool:
    return any(proof.kind == kind for proof in proofs)


def _refused(refused: Sequence[RefusedFix], verbose: bool) -> Lines:
    if not refused:
        return
    yield "", ""
    yield f"{len(refused)} not fixed", "title"
    groups: dict[tuple[str, str, str | None], list[RefusedFix]] = {}
    for fix in refused:
        groups.setdefault((fix.code, fix.reason, fix.needs), []).append(fix)
    for (code, reason, needs), fixes in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1])):
        times = f" ×{len(fixes)}" if len(fixes) > 1 else ""
        yield f"  {code}{times}  {reason}", "warning"
        if needs:
            yield f"      would be allowed by {needs}", "title"
        for fix in fixes if verbose else ():
            yield f"      {fix.at}", ""


def _proofs(proofs: Sequence[Proof]) -> Lines:
    yield "", ""
    for proof in proofs:
        if proof.kind == "model":
            error = "" if proof.largest_error is None else f", largest difference {proof.largest_error:.3g}"
            detail = f": {proof.detail}" if proof.detail else ""
            yield (
                f"whole model {proof.outcome} on {proof.cases} input{'' if proof.cases == 1 else 's'}{error}{detail}",
                _style_of(proof),
            )
    counts = {word: sum(proof.outcome == word for proof in proofs) for word in ("proved", "refuted", "skipped")}
    yield "proofs: " + ", ".join(f"{count} {word}" for word, count in counts.items() if count or word == "proved"), ""


def _style_of(proof: Proof) -> str:
    return {"proved": "good", "refuted": "error"}.get(proof.outcome, "warning")
