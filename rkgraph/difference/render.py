"""A difference as lines of text, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rkgraph.diagnostics import Diagnostic
from rkgraph.difference.compare import Change, Changed, Difference
from rkgraph.gate.measures import COUNTED, ESTIMATED
from rkgraph.gate.render import written
from rkgraph.report.codec import encode
from rkgraph.report.formats.markdown_text import code, plain
from rkgraph.report.visible import one_line
from rkgraph.results import AppliedFix, PlacedNode

__all__ = ["as_json", "lines", "markdown"]

SCHEMA = "rkgraph.diff/1"
_SHOWN = 12
"""So many findings, and so many nodes, are listed; --verbose lists all."""

_LONGEST = 160


def lines(found: Difference, *, verbose: bool = False) -> Iterator[tuple[str, str]]:
    """Lines of text, each with the name of its style."""
    for changed in found.models:
        if not changed.equal:
            yield from _model(changed, verbose=verbose)
    for subject, word in (*((s, "only before") for s in found.gone), *((s, "only after") for s in found.new)):
        yield f"{subject.name}: {word}", "title"
    same = sum(each.equal for each in found.models)
    if found.equal:
        yield f"nothing differs ({same} model{'' if same == 1 else 's'})", "good"
    elif same:
        yield f"{same} more model{'' if same == 1 else 's'} without a difference", "dim"


def _model(changed: Changed, *, verbose: bool) -> Iterator[tuple[str, str]]:
    yield changed.after.name, "title"
    for name, (before, after) in changed.facts.items():
        short = 12 if name in ("graph", "table") else _LONGEST
        yield f"  {name}: {_short(before, short)} → {_short(after, short)}", ""
    labels = [_label(change, changed.numbers) for change in changed.numbers]
    width = max(map(len, labels), default=0)
    for label, change in zip(labels, changed.numbers, strict=True):
        yield f"  {label:{width}}  {_step(change)}", ""
    yield from _findings(changed, verbose)
    yield from _nodes(changed, verbose)
    for word, fixes in (("no longer applied", changed.fixes_gone), ("newly applied", changed.fixes_new)):
        if fixes:
            yield f"  fixes {word}: {_counted(fix.code for fix in fixes)}", ""
    if changed.layers:
        shown = (f"{name} {before} → {after}" for name, (before, after) in changed.layers.items())
        yield f"  layers: {' · '.join(shown)}", ""


def _label(change: Change, numbers: Sequence[Change]) -> str:
    """Its name, and its source where that is not plain: an estimate, or lint's count beside the compiler's."""
    if change.source == ESTIMATED:
        return f"{change.name} (estimated)"
    twice = sum(each.name == change.name for each in numbers) > 1
    return f"{change.name} (predicted)" if twice and change.source == COUNTED else change.name


def _step(change: Change) -> str:
    before, after = (
        "none" if value is None else written(change.kind, value) for value in (change.before, change.after)
    )
    if change.before is None or change.after is None or change.before == 0:
        return f"{before} → {after}"
    part = (change.after - change.before) / change.before
    return f"{before} → {after} ({part:+.1%})" if abs(part) >= 0.0005 else f"{before} → {after}"


def _findings(changed: Changed, verbose: bool) -> Iterator[tuple[str, str]]:
    for word, sign, found in (("gone", "-", changed.gone), ("new", "+", changed.new)):
        if not found:
            continue
        yield f"  {len(found)} finding{'' if len(found) == 1 else 's'} {word}: {_counted(f.code for f in found)}", ""
        shown = found if verbose else found[:_SHOWN]
        yield from ((f"    {sign} {_said(each)}", each.severity.value if sign == "+" else "dim") for each in shown)
        if len(shown) < len(found):
            yield f"    and {len(found) - len(shown)} more (--verbose shows them)", "dim"
    for before, after in changed.severities:
        yield f"  {before.severity.value} → {after.severity.value}: {_said(after)}", ""


def _said(finding: Diagnostic) -> str:
    return f"{finding.code} {finding.severity.value} at {_short(str(finding.at))}: {_short(finding.message)}"


def _nodes(changed: Changed, verbose: bool) -> Iterator[tuple[str, str]]:
    moved = changed.nodes.moved
    if moved:
        kinds = " · ".join(f"{count} {a.value} → {b.value}" for (a, b), count in changed.nodes.moves().items())
        yield f"  {len(moved)} node{'' if len(moved) == 1 else 's'} moved: {kinds}", ""
        shown = moved if verbose else moved[:_SHOWN]
        for old, new in shown:
            yield f"    {old.device.value} → {new.device.value}: {_node(new)}", "dim"
        if len(shown) < len(moved):
            yield f"    and {len(moved) - len(shown)} more (--verbose shows them)", "dim"
    for word, nodes in (("gone", changed.nodes.gone), ("new", changed.nodes.new)):
        if nodes:
            yield f"  {len(nodes)} node{'' if len(nodes) == 1 else 's'} {word}: {_counted(n.op for n in nodes)}", ""


def _node(node: PlacedNode) -> str:
    where = "" if node.graph == "main" else f"{node.graph}: "
    return _short(f"{where}{node.node} ({node.op})")


def _counted(words: Iterable[str]) -> str:
    counts = Counter(words)
    shown = [f"{one_line(word)} ×{n}" if n > 1 else one_line(word) for word, n in counts.most_common(_SHOWN)]
    return ", ".join(shown) + (" …" if len(counts) > _SHOWN else "")


def _short(text: str, most: int = _LONGEST) -> str:
    shown = one_line(text)
    return shown if len(shown) <= most else f"{shown[:most]}…"


def markdown(found: Difference) -> str:
    """The same for a pull request: numbers in a table, the rest as lists."""
    if found.equal:
        return "Nothing differs.\n"
    text: list[str] = []
    for changed in found.models:
        if changed.equal:
            continue
        text += [f"### {code(changed.after.path)} on {plain(changed.after.place)}", ""]
        if changed.numbers:
            text += ["| number | change |", "|---|---|"]
            text += [f"| {plain(_label(change, changed.numbers))} | {_step(change)} |" for change in changed.numbers]
            text.append("")
        bare = Changed(**{**vars(changed), "numbers": ()})
        text += [
            f"{'  ' if line.startswith('    ') else ''}- {plain(_item(line))}"
            for line, _ in list(_model(bare, verbose=False))[1:]
        ]
        text.append("")
    text += [f"- {code(subject.path)} on {plain(subject.place)}: only before" for subject in found.gone]
    text += [f"- {code(subject.path)} on {plain(subject.place)}: only after" for subject in found.new]
    return "\n".join(text).rstrip() + "\n"


def _item(line: str) -> str:
    return line.strip().removeprefix("- ").removeprefix("+ ")


def as_json(found: Difference) -> str:
    """All of it as data."""
    document = {
        "schema": SCHEMA,
        "equal": found.equal,
        "models": [_record(changed) for changed in found.models],
        "gone": [{"model": s.path, "target": s.place} for s in found.gone],
        "new": [{"model": s.path, "target": s.place} for s in found.new],
    }
    return json.dumps(encode(document, {}), indent=1) + "\n"


def _record(changed: Changed) -> dict[str, Any]:
    return {
        "model": changed.after.path,
        "target": changed.after.place,
        "equal": changed.equal,
        "facts": {name: {"before": b, "after": a} for name, (b, a) in changed.facts.items()},
        "numbers": [
            {"number": c.name, "source": c.source, "before": c.before, "after": c.after} for c in changed.numbers
        ],
        "findings": {
            "gone": _diagnostics(changed.gone),
            "new": _diagnostics(changed.new),
            "severity": [
                {"fingerprint": a.fingerprint, "before": b.severity.value, "after": a.severity.value}
                for b, a in changed.severities
            ],
        },
        "nodes": {
            "moved": [{**_placed(new), "before": old.device.value} for old, new in changed.nodes.moved],
            "gone": [_placed(node) for node in changed.nodes.gone],
            "new": [_placed(node) for node in changed.nodes.new],
        },
        "fixes": {"gone": _applied(changed.fixes_gone), "new": _applied(changed.fixes_new)},
        "layers": {name: {"before": b, "after": a} for name, (b, a) in changed.layers.items()},
    }


def _diagnostics(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    return [
        {
            "code": d.code,
            "severity": d.severity.value,
            "fingerprint": d.fingerprint,
            "at": str(d.at),
            "message": d.message,
        }
        for d in found
    ]


def _placed(node: PlacedNode) -> dict[str, Any]:
    return {"graph": node.graph, "index": node.index, "node": node.node, "op": node.op, "device": node.device.value}


def _applied(fixes: Sequence[AppliedFix]) -> list[dict[str, Any]]:
    return [{"code": fix.code, "title": fix.title, "at": str(fix.at), "fingerprint": fix.fingerprint} for fix in fixes]
