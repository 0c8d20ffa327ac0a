"""Gathers what is known of one finding: cause, place, evidence, why, cure, and how not to hear of it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rkgraph.diagnostics import Confidence, Diagnostic, Safety
from rkgraph.report.explain.evidence import described
from rkgraph.report.explain.neighbours import neighbourhood
from rkgraph.report.explain.sections import Explanation, Kind, Line, Section, command, item, text
from rkgraph.report.formats.findings import grouped, label_of, place_of
from rkgraph.report.formats.rule_texts import card_sections
from rkgraph.report.gains import gains
from rkgraph.report.next_step import allowing, next_words
from rkgraph.report.visible import one_line, plain_data
from rkgraph.results import Report, Result
from rkgraph.rulebook.rule import Options

__all__ = ["explain"]

_LONGEST_CHAIN = 20
_FOLLOWERS_SHOWN = 6

_SAFETY = {
    Safety.SAFE: "exact, and the interface stays: `rkgraph fix` applies it by itself",
    Safety.SHAPE: "it holds for the shape that is pinned only: --shape or --dim allows it",
    Safety.INTERFACE: "names, dtypes or the number of inputs and outputs change: --allow interface",
    Safety.SPLIT: "the model becomes several: --allow split",
    Safety.APPROXIMATE: "it is not exact, and the error is stated: --allow approximate",
    Safety.FP16_RANGE: "equal within what fp16 holds: rule sets of fp16 targets allow it",
    Safety.MANUAL: "nobody but you can do it",
}
_ALLOWED = (Safety.INTERFACE, Safety.SPLIT, Safety.APPROXIMATE)

_CONFIDENCE = {
    Confidence.DEVICE: "a board said so",
    Confidence.PROBED: "the real compiler said so, in builds of our own",
    Confidence.DOCUMENTED: "the vendor's documents say so; nobody tried",
    Confidence.FIELD_REPORT: "users saw it; we did not",
    Confidence.DISPUTED: "sources disagree",
    Confidence.UNKNOWN: "nothing is known",
}


def explain(report: Report, result: Result, finding: Diagnostic, source: str) -> Explanation:
    """The explanation of a finding of a result in a report; `source` is the report's file, for commands."""
    card = card_sections(finding.code)
    sections = [
        Section("What", tuple(_what(result, finding))),
        Section("Cause" if finding.cause else "Follows from", tuple(_causes(result, finding, source))),
        Section("Place", tuple(_place(report, result, finding))),
        Section("Evidence", tuple(_evidence(finding))),
        Section("Why it matters", _card(card, "Why it matters on RKNN") or _card(card, "")),
        Section("Cure", tuple(_cure(result, finding, card))),
        Section("If it is meant to be so", tuple(_suppression(finding))),
    ]
    name = card.get("name", "")
    title = f"{finding.code} {name} · {finding.severity.value} · {finding.fingerprint}"
    return Explanation(one_line(title), finding.severity.value, tuple(s for s in sections if s.lines))


def _card(card: Mapping[str, str], heading: str) -> tuple[Line, ...]:
    return (Line(Kind.CARD, card[heading]),) if card.get(heading) else ()


def _what(result: Result, finding: Diagnostic) -> Iterator[Line]:
    yield text(one_line(finding.message))
    yield text(f"at {place_of(finding)}")
    yield text(one_line(f"of {label_of(result)}, for {result.target}; the model is {result.verdict.value}"))
    if finding.suppressed is not None:
        yield text(one_line(f"suppressed by {finding.suppressed.source}: {finding.suppressed.reason}"))
    if finding.baseline is not None:
        yield text("it was there when the baseline was written" if finding.baseline == "unchanged" else "it is new")


def _causes(result: Result, finding: Diagnostic, source: str) -> Iterator[Line]:
    by_name = {other.fingerprint: other for other in result.diagnostics}
    if not finding.cause:
        chain, step = [finding.fingerprint], by_name.get(finding.induced_by or "")
        while step is not None and step.fingerprint not in chain and len(chain) < _LONGEST_CHAIN:
            chain.append(step.fingerprint)
            yield item(f"{step.code} at {place_of(step)}: {one_line(step.message)}")
            step = by_name.get(step.induced_by or "")
        if len(chain) > 1:
            yield text("Mend that, and this one goes with it:")
            yield command(shlex.join(["rkgraph", "explain", source, chain[-1]]))
        else:
            yield text(f"the finding {one_line(finding.induced_by or '?')}, which this report does not have")
        return
    following = [other for other in result.diagnostics if other.induced_by == finding.fingerprint]
    yield text(_worth(result, finding) or "It follows from no other finding.")
    if following:
        yield text(f"{len(following)} {'finding follows' if len(following) == 1 else 'findings follow'} from it:")
        groups = grouped(following)
        for group in groups[:_FOLLOWERS_SHOWN]:
            times = f" ×{len(group.found)}" if len(group.found) > 1 else ""
            yield item(f"{group.first.code}{times} at {group.places(2)}")
        rest = sum(len(group.found) for group in groups[_FOLLOWERS_SHOWN:])
        if rest:
            yield item(f"and {rest} more")


def _worth(result: Result, finding: Diagnostic) -> str | None:
    """What removing the cause would buy, where the report ranks causes."""
    listed = result.causes or ()
    for place, cause in enumerate(listed, 1):
        if cause.fingerprint == finding.fingerprint:
            told, said = gains(cause), f"Cause {place} of {len(listed)} by what removing it buys"
            return f"{said}: {', '.join(told)}." if told else f"{said}."
    return None


def _place(report: Report, result: Result, finding: Diagnostic) -> Iterator[Line]:
    at = finding.at
    placed = [node for node in result.placement if node.node == at.node and node.graph == at.graph]
    for node in placed[:1]:
        because = f", because of {', '.join(node.because)}" if node.because else ""
        yield text(one_line(f"node {node.index} of {len(result.placement)}: {node.device.value}{because}"))
    yield from neighbourhood(report, result, at)


def _evidence(finding: Diagnostic) -> Iterator[Line]:
    yield text(f"{finding.confidence.value}: {_CONFIDENCE[finding.confidence]}")
    for name, data in (("here", finding.observed), ("the limit", finding.limit)):
        if data:
            told = ", ".join(f"{key} {_value(value)}" for key, value in plain_data(data).items())
            yield text(one_line(f"{name}: {told}"))
    yield from (item(line) for line in described(finding.evidence))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cure(result: Result, finding: Diagnostic, card: Mapping[str, str]) -> Iterator[Line]:
    done = [fix for fix in result.fixes.applied if finding.fingerprint == fix.fingerprint]
    refused = [fix for fix in result.fixes.refused if finding.fingerprint == fix.fingerprint]
    if finding.fix is not None:
        yield text(one_line(f"{finding.fix.title} ({finding.fix.safety.value}: {_SAFETY[finding.fix.safety]})"))
    for fix in done[:1]:
        yield text(one_line(f"applied in this run, allowed by {fix.allowed_by}; proofs: {', '.join(fix.proofs)}"))
    for refusal in refused[:1]:
        needs = f"; {refusal.needs} would allow it" if refusal.needs else ""
        yield text(one_line(f"refused in this run: {refusal.reason}{needs}"))
    yield from _card(card, "Fix safety")
    words = next_words(result, f"rknn-{result.target.toolkit}", Options())
    if finding.fix is not None and words[:2] == ["rkgraph", "fix"]:
        safety = finding.fix.safety
        yield command(shlex.join(allowing(words, [safety.value] if safety in _ALLOWED else [])))
    yield command(f"rkgraph rule {finding.code}")


def _suppression(finding: Diagnostic) -> Iterator[Line]:
    if finding.suppressed is not None:
        return
    yield text("Say so in pyproject.toml (in rkgraph.toml without `tool.rkgraph.`); it is kept when nodes are renamed:")
    lines = ["[[tool.rkgraph.suppress]]", f'code = "{finding.code}"', f'fingerprint = "{finding.fingerprint}"']
    yield Line(Kind.TOML, "\n".join([*lines, 'reason = "…"']))
