"""What `rkgraph lint` prints for people: verdict, findings, placement, and the command to paste."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from rkgraph.cli.cost_text import cost_lines, opportunity_lines
from rkgraph.diagnostics import Device, Diagnostic, Severity, Verdict
from rkgraph.results import Result, TensorInfo
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet

__all__ = ["Lines", "describe", "suggest", "verdict_line"]

Lines = Iterator[tuple[str, str]]
"""Lines of text, each with the name of its style ("" for none)."""

_DEVICES = {
    Device.NPU: "on the NPU",
    Device.CPU: "on the CPU",
    Device.HOST: "on the host",
    Device.FOLDED: "folded away",
    Device.NO_KERNEL: "without a board kernel",
    Device.UNKNOWN: "unknown",
}

_PLACEHOLDER = re.compile(r"<[^<>]+>")
PLACES_SHOWN = 3
MESSAGES_SHOWN = 3
CUT_SHORT = ("timed-out", "out-of-memory")
"""Outcomes of a build that say nothing of the model."""

_VERDICT_STYLE = {
    Verdict.DEPLOYABLE: "good",
    Verdict.NO_BOARD_KERNEL: "error",
    Verdict.BUILD_FAILS: "error",
    Verdict.UNKNOWN: "warning",
}


def describe(result: Result, *, verbose: bool = False) -> Lines:
    """The result in lines. Findings of one rule that say the same are folded into one, unless `verbose`.

    Then each place has its fingerprint behind it, which suppressions and `rkgraph explain` name it by.
    """
    yield verdict_line(result)
    if result.error is not None:
        lines = result.error.removeprefix(f"{result.model.path}: ").splitlines()
        yield from ((f"  {line.strip()}", "") for line in lines)
        return
    yield f"  opset {result.model.opset} · {result.model.nodes} nodes · inputs {_inputs(result.model.inputs)}", "dim"
    for severity in sorted(Severity, key=lambda s: -s.rank):
        yield from _findings(result, severity, verbose)
    yield from _left_out(result, verbose)
    yield from _placement(result)
    yield from cost_lines(result)
    yield from opportunity_lines(result, verbose=verbose)


def verdict_line(result: Result) -> tuple[str, str]:
    """The one line that says what will become of the model."""
    if result.error is not None:
        return f"{result.model.path}: cannot be read", "error"
    numbers = ", with wrong numbers," if result.computes_wrong and result.verdict is Verdict.DEPLOYABLE else ""
    verdict = f"{result.verdict.value}{numbers} on {result.target}"
    style = _VERDICT_STYLE[result.verdict]
    predicted = (result.compile or {}).get("predicted_verdict")
    if predicted is None:
        return f"{result.model.path}: {verdict} (evidence: {result.confidence.value})", style
    if (result.compile or {}).get("outcome") in CUT_SHORT:
        return f"{result.model.path}: {verdict} is predicted; the compiler gave no answer", style
    if predicted == result.verdict.value:
        return f"{result.model.path}: {verdict} (predicted, and the compiler says so)", style
    return f"{result.model.path}: predicted {predicted}, the compiler says {verdict}", style


def suggest(result: Result, ruleset: RuleSet, options: Options, bundle: PurePath | None = None) -> Lines:
    """The complete command that comes next: fix what can be fixed, or compile what is ready; else nothing.

    A model that lies in a bundle is compiled there.
    """
    from rkgraph.report.next_step import next_words

    words = next_words(result, ruleset.name, options, bundle)
    if not words:
        return
    sizes = [word for option, word in pairwise(words) if option in ("--shape", "--dim")]
    unknown = dict.fromkeys(size for word in sizes for size in _PLACEHOLDER.findall(word.rpartition("=")[2]))
    yield "", ""
    yield f"next, with your sizes for {', '.join(unknown)}:" if unknown else "next:", "title"
    yield f"  {shlex.join(words)}", "command"


def _inputs(inputs: Sequence[TensorInfo]) -> str:
    return ", ".join(f"{t.name} {t.dtype or '?'}[{_sizes(t)}]" for t in inputs) or "none"


def _sizes(tensor: TensorInfo) -> str:
    return "…" if tensor.shape is None else ",".join("?" if size is None else str(size) for size in tensor.shape)


def _findings(result: Result, severity: Severity, verbose: bool) -> Lines:
    found = [d for d in result.diagnostics if d.severity is severity and d.counts]
    shown = [d for d in found if verbose or d.cause]
    if not found:
        return
    yield "", ""
    yield f"{len(found)} {severity.value}{'' if len(found) == 1 else 's'}", severity.value
    for code in sorted({d.code for d in shown}):
        yield from _findings_of_rule([d for d in shown if d.code == code], verbose)
    hidden = [] if verbose else [d for d in found if not d.cause]
    if hidden:
        roots = {d.fingerprint: d.code for d in result.diagnostics}
        codes = ", ".join(sorted({roots[d.induced_by] for d in hidden if d.induced_by in roots})) or "others"
        yield f"  {len(hidden)} more follow from {codes} (--verbose shows them)", "dim"


def _left_out(result: Result, verbose: bool) -> Lines:
    """The findings that do not count: how many, and why; each of them if `verbose`."""
    groups = {
        "suppressed": [d for d in result.diagnostics if d.suppressed is not None],
        "in the baseline": [d for d in result.diagnostics if d.suppressed is None and not d.counts],
    }
    if not any(groups.values()):
        return
    yield "", ""
    told = " · ".join(f"{len(found)} {word}" for word, found in groups.items() if found)
    yield told + ("" if verbose else " (--verbose shows them)"), "dim"
    for finding in (d for found in groups.values() for d in found if verbose):
        yield f"  {finding.code}  {finding.message}", "dim"
        why = "" if finding.suppressed is None else f": {finding.suppressed.reason} ({finding.suppressed.source})"
        yield f"      at {finding.at} [{finding.fingerprint}]{why}", "dim"


def _findings_of_rule(found: Sequence[Diagnostic], verbose: bool) -> Lines:
    groups: dict[str, list[Diagnostic]] = {}
    for diagnostic in found:
        groups.setdefault(diagnostic.message, []).append(diagnostic)
    shown = list(groups.items())[: None if verbose else MESSAGES_SHOWN]
    for message, group in shown:
        times = f" ×{len(group)}" if len(group) > 1 else ""
        yield f"  {group[0].code}{times}  {message}", ""
        yield f"      {_places(group, verbose)}", "dim"
    if len(shown) < len(groups):
        rest = sum(len(group) for _, group in list(groups.items())[MESSAGES_SHOWN:])
        yield f"  {found[0].code}  and {rest} more (--verbose shows them)", "dim"
    offer = found[0].fix
    if offer is not None:
        yield f"      fix: {offer.title} ({offer.safety.value})", "dim"


def _places(group: Sequence[Diagnostic], verbose: bool) -> str:
    """Where it is; if `verbose`, at all places, each with the fingerprint that `rkgraph explain` takes."""
    shown = group if verbose else group[:PLACES_SHOWN]
    places = ", ".join(f"{d.at} [{d.fingerprint}]" if verbose else str(d.at) for d in shown)
    return f"at {places}" + (f" and {len(group) - len(shown)} more" if len(shown) < len(group) else "")


def _placement(result: Result) -> Lines:
    counts = Counter(node.device for node in result.placement)
    verified = result.compile is not None
    shown = " · ".join(f"{count} {_DEVICES[device]}" for device, count in counts.most_common())
    yield "", ""
    yield f"placement{', predicted' if verified else ''}: {shown}", "title"
    stages = (result.compile or {}).get("stages", ())
    for stage in (stage for stage in stages if "agreement" in stage):
        yield f"the compiler: {_agreement(stage)}", "title"


def _agreement(stage: Mapping[str, Any]) -> str:
    """How the real placement compares with the predicted one; what is zero is left out."""
    words = {
        "agree": "nodes as predicted",
        "differ": "not (RK981)",
        "folded": "folded away as predicted",
        "unpredicted": "without prediction",
        "unmapped": "not found in its layer table",
    }
    counts = stage["agreement"]
    return " · ".join(f"{counts.get(key, 0)} {words[key]}" for key in words if counts.get(key) or key == "agree")
