"""`rkgraph ops`: what the compiler makes of operators, from the op tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import DEFAULT_TOOLKIT
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.report.operators import Change
    from rkgraph.tables.entry import Entry
    from rkgraph.tables.table import OpTable
    from rkgraph.targets import Target

__all__ = ["command"]

_STYLES = {"npu": "good", "cpu": "warning", "unknown": "dim", "no-kernel": "error", "build-fails": "error"}

OperatorsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Operators; none: all. Or: diff OLD NEW, two toolkits.", metavar="[OP…]", show_default=False),
]
TargetsOption = Annotated[
    list[str] | None, typer.Option("--target", "-t", help="Platform. Repeatable. [default: rk3588]", metavar="NAME")
]
ToolkitsOption = Annotated[
    list[str] | None, typer.Option("--toolkit", help="Version. Repeatable. [default: 2.3.2]", metavar="VERSION")
]


class Format(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    operators: OperatorsArgument = None,
    *,
    target: TargetsOption = None,
    toolkit: ToolkitsOption = None,
    format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,  # noqa: A002
) -> None:
    """Say what the compiler makes of operators, and within which limits.

    All of it was measured with the real toolkit; evidence ids name the models that were built. `diff` compares two
    toolkits: what an upgrade gains and loses.

    Examples:
        rkgraph ops

        rkgraph ops Gather Resize --target rk3566 --target rk3588

        rkgraph ops diff 2.3.2 2.5.0
    """
    from rkgraph.cli.output import Output

    output = Output()
    words = list(operators or ())
    if words[:1] == ["diff"]:
        _diff(words[1:], target or ["rk3588"], toolkit, format, output)
        return
    targets = _targets(target or ["rk3588"], toolkit or [DEFAULT_TOOLKIT])
    if format is Format.JSON:
        _document([record for name in _known(words, targets) for record in _records(name, targets)], output)
    elif words:
        for number, name in enumerate(_known(words, targets)):
            output.lines([("", "")] if number else [])
            for resolved in targets:
                output.lines(_described(name, resolved))
    else:
        _overview(targets, output)


def _targets(platforms: Sequence[str], toolkits: Sequence[str]) -> list[Target]:
    """Every platform with every toolkit. Raises TargetError for those that do not exist or have no table."""
    from rkgraph.tables.table import load_table
    from rkgraph.targets import precisions, resolve_target

    found = []
    for version in toolkits:
        load_table(version)
        for platform in platforms:
            name = platform.strip().lower()
            found.append(resolve_target(name, version, precisions(name, version)[0]))
    return found


def _known(words: Sequence[str], targets: Sequence[Target]) -> list[str]:
    """The operators that are meant (any case); all without words. Raises UsageError for one that no table has."""
    import difflib

    from rkgraph.report.operators import name_of
    from rkgraph.tables.table import load_table

    names = sorted({name_of(e) for t in targets for e in load_table(t.toolkit).entries()})
    if not words:
        return names
    by_lower = {name.lower(): name for name in names}
    for word in words:
        if word.lower() not in by_lower:
            near = difflib.get_close_matches(word.lower(), by_lower, n=1)
            guess = f"did you mean {by_lower[near[0]]}? " if near else ""
            raise UsageError(
                f"no table has an operator {word!r}", f"{guess}rkgraph probe --model MODEL measures what yours needs"
            )
    return [by_lower[word.lower()] for word in words]


def _entry(name: str, target: Target) -> tuple[OpTable, Entry | None]:
    from rkgraph.tables.table import load_table

    domain, _, op = name.rpartition("::")
    table = load_table(target.toolkit)
    return table, table.entry(op, target.platform, domain)


def _records(name: str, targets: Sequence[Target]) -> Iterator[dict[str, object]]:
    from rkgraph.report.operators import entry_record

    for target in targets:
        table, entry = _entry(name, target)
        if entry is not None:
            yield entry_record(entry, table, target.platform)


def _described(name: str, target: Target) -> Iterator[tuple[str, str]]:
    """One operator on one target."""
    from rkgraph.report.operators import DEVICE, grouped, wrong_forms

    table, entry = _entry(name, target)
    where = f"{target.platform} · {target.toolkit} · {target.precision}"
    if entry is None:
        yield f"{name} on {where}: not measured", "dim"
        return
    yield f"{name} on {where}: {DEVICE[entry.outcome]}", "title"
    measured = table.measured.get((target.platform, target.precision))
    yield f"  {entry.cases} models built" if measured else "  not measured on this platform; carried over", "dim"
    for outcome, limits in grouped(entry):
        yield f"  {DEVICE[outcome]}, unless:", _STYLES[outcome]
        for limit in limits:
            yield f"    {limit.describe()}", ""
    for number, law in enumerate(wrong_forms(name, target.toolkit, target.platform)):
        if number == 0:
            yield "  builds and computes wrong numbers:", "error"
        yield f"    {law.describe()} ({law.told_by}; {', '.join(law.evidence)})", ""
    for source in entry.disputed:
        yield f"  disputed: {source} says otherwise", "warning"
    yield f"  evidence: {', '.join(entry.evidence)}", "dim"


def _overview(targets: Sequence[Target], output: Output) -> None:
    from rkgraph.report.operators import DEVICE, wrong_forms

    rows = []
    for name in _known((), targets):
        entries = [_entry(name, target)[1] for target in targets]
        cells = ["-" if e is None else DEVICE[e.outcome] + (" *" if any(e.limits) else "") for e in entries]
        forms = [wrong_forms(name, target.toolkit, target.platform) for target in targets]
        cells = [cell + (" !" if of else "") for cell, of in zip(cells, forms, strict=True)]
        rows.append((name, *cells, str(max((e.cases for e in entries if e), default=0))))
    heads = [f"{t.platform} {t.toolkit}" for t in targets]
    output.table(("operator", *heads, "models"), rows, right=(len(heads) + 1,), whole=(0,))
    output.note("* within limits, ! but for forms that compute wrong numbers: rkgraph ops OPERATOR says which", "dim")


def _diff(
    words: Sequence[str], platforms: Sequence[str], toolkits: Sequence[str] | None, form: Format, output: Output
) -> None:
    from dataclasses import asdict

    from rkgraph.report.operators import changes
    from rkgraph.tables.table import load_table

    if len(words) != 2 or toolkits:
        raise UsageError("ops diff takes two toolkit versions", "rkgraph ops diff 2.3.2 2.5.0")
    targets = _targets(platforms, words)
    old, new = load_table(words[0]), load_table(words[1])
    found = {t.platform: changes(old, new, t.platform) for t in targets[: len(platforms)]}
    if form is Format.JSON:
        _document([{"platform": p, **asdict(change)} for p, of in found.items() for change in of], output)
        return
    for platform, of_platform in found.items():
        output.lines(_told(platform, words, of_platform))


def _told(platform: str, versions: Sequence[str], found: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """The differences on one platform: outcomes first, then limits."""
    from rkgraph.report.operators import DEVICE

    yield f"{platform}: {versions[0]} → {versions[1]}, {len(found)} operators differ", "title"
    for better, title, style in ((True, "gained", "good"), (False, "lost", "error")):
        for change in (c for c in found if c.is_better is better):
            states = (DEVICE[o] if o else "not measured" for o in (change.before, change.after))
            yield f"  {title}: {change.op}, {' → '.join(states)}", style
    for change in (c for c in found if c.is_better is None):
        yield f"  {change.op}", ""
        yield from ((f"    no longer: {words}", "good") for words in change.lifted)
        yield from ((f"    new: {words}", "error") for words in change.added)


def _document(records: Sequence[object], output: Output) -> None:
    import json

    output.document(json.dumps(records, indent=2, ensure_ascii=False) + "\n")
