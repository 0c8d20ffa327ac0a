"""`rkgraph probe`: measure what the real toolkit makes of small models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import DimOption, QuietOption, ShapeOption, VerboseOption, home_folder
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.probe.campaign import Lines
    from rkgraph.probe.case import Case
    from rkgraph.probe.run import Executor
    from rkgraph.probe.store import ProbeStore
    from rkgraph.targets import Target

__all__ = ["command"]


class PlanName(str, Enum):
    """Which cases."""

    RICH = "rich"
    SELECTION = "selection"


def command(
    *,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", help="Platform, or all. Repeatable.", metavar="PLATFORM", show_default="rk3588"),
    ] = None,
    toolkit: Annotated[
        list[str] | None,
        typer.Option(
            "--toolkit", help="Version of rknn-toolkit2, or all. Repeatable.", metavar="VERSION", show_default="2.3.2"
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision", help="Of all targets.", metavar="PRECISION", show_default="fp16; w8a8 where fp16 cannot be"
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Operators: Gather,Cast. Repeatable.", metavar="OP")
    ] = None,
    match: Annotated[
        str, typer.Option("--match", help="Cases whose id has this in it.", metavar="REGEX", show_default=False)
    ] = "",
    plan: Annotated[
        PlanName | None,
        typer.Option("--plan", help="All cases, or those where differences show.", show_default="by target"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Cases a target, at most.", metavar="N", min=1, show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Toolkits at work side by side.", metavar="N", min=1)] = 1,
    executor: Annotated[str, typer.Option("--executor", help="local, or dask://HOST:PORT.", metavar="WHERE")] = "local",
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write evidence files there. Without --target, nothing is built.", metavar="DIR"),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Build the operators of this model that lint does not know.", metavar="MODEL"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="With --model: all its operators.")] = False,
    shape: ShapeOption = None,
    dim: DimOption = None,
    add: Annotated[bool, typer.Option("--add", help="With --model: teach lint what came out.")] = False,
    user_table: Annotated[
        Path | None,
        typer.Option("--user-table", help="Where --add keeps it.", metavar="PATH", show_default="in your data folder"),
    ] = None,
    evidence_output: Annotated[
        Path | None, typer.Option("--evidence-output", help="With --model: write the evidence.", metavar="FILE.jsonl")
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Measure what the real toolkit makes of small models.

    Each case is a small model around one operator; what becomes of it is evidence for the op tables. On rk3588 with
    2.3.2 all cases are built, on other targets up to 1500, chosen where differences show. What was built before is
    not built again: interrupt it, and give the same command to go on.

    With --model it is the distinct operators of your own model that are built, each by itself, as it stands there;
    names and weights do not leave it. With --add, lint knows from then on.

    Examples:
        rkgraph probe --only Gather,Cast

        rkgraph probe --target rk3576 --target rk3566 --jobs 2

        rkgraph probe --target all --toolkit all --export evidence

        rkgraph probe --model model.onnx --target rk3576 --add
    """
    from rkgraph.cli.output import Output
    from rkgraph.cli.probe_model import ModelRequest, probe_model
    from rkgraph.probe.store import ProbeStore

    output = Output(quiet, verbose)
    check_outputs([evidence_output, user_table], [model])
    store = ProbeStore(home_folder() / "probe")
    targets = _targets(target, toolkit, precision) if target or toolkit or export is None else ()
    if model is not None:
        if only or match or plan or limit or export:
            raise UsageError("--model measures a model's own operators", "leave out --only, --match, --plan, --export")
        shapes, dims = tuple(shape or ()), tuple(dim or ())
        request = ModelRequest(model, every, shapes, dims, evidence_output, add or user_table is not None, user_table)
        with _executor(executor, jobs) as chosen:
            probe_model(request, targets, store, chosen, output)
        return
    if every or shape or dim or add or user_table or evidence_output:
        raise UsageError(
            "--all, --shape, --dim, --add, --user-table and --evidence-output need a model", "give --model"
        )
    cases = _cases(only, match)
    if export is not None:
        _check_folder(export)
    if targets:
        with _executor(executor, jobs) as chosen:
            _measure(cases, store, chosen, targets, plan=plan, limit=limit, output=output)
    if export is not None:
        _export(cases, store, targets, export, output, whole=not (only or match))


def _measure(
    cases: Mapping[str, Case],
    store: ProbeStore,
    executor: Executor,
    targets: tuple[Target, ...],
    *,
    plan: PlanName | None,
    limit: int | None,
    output: Output,
) -> None:
    """Measure target after target, then say what came out."""
    from rkgraph.cli.probe_text import Progress, summary
    from rkgraph.probe.campaign import BASE, Campaign, base_lines

    measured: dict[Target, Lines] = {}
    for number, each in enumerate(sorted(targets, key=lambda t: t != BASE), 1):
        with Progress(output, each, number, len(targets)) as progress:
            campaign = Campaign(cases, store, executor, progress.step)
            measured[each] = campaign.measure(each, plan.value if plan else None, limit)
    base = {name: line for name, line in base_lines(cases, store).items() if name in cases}
    summary(measured, base, cases, output)


def _export(
    cases: Mapping[str, Case],
    store: ProbeStore,
    targets: tuple[Target, ...],
    folder: Path,
    output: Output,
    *,
    whole: bool,
) -> None:
    """Write evidence files of all that is measured on these targets, or on any."""
    from rkgraph.probe.campaign import every_target, measured_lines
    from rkgraph.probe.evidence import write_evidence

    found = {}
    with output.progress("read what was measured") as tell:
        for each in targets or every_target():
            tell(str(each))
            if lines := measured_lines(cases.values(), each, store):
                found[each] = tuple(lines.values())
    if not found:
        raise UsageError("nothing is measured that could be written", "run rkgraph probe without --export first")
    size = write_evidence(cases, found, folder, whole=whole)
    count = sum(map(len, found.values()))
    output.print(f"{folder}: {count} lines of evidence of {len(found)} targets, {size / 1e6:.1f} MB")


def _cases(only: list[str] | None, match: str) -> dict[str, Case]:
    """The cases that are asked for. Raises UsageError where there are none."""
    import difflib

    from rkgraph.probe.plan import all_cases

    try:
        pattern = re.compile(match)
    except re.error as error:
        raise UsageError(
            f"--match {match}: is not a regular expression ({error})", "write e.g. --match 'Gather.*int64'"
        ) from error
    known = all_cases()
    ops = {case.op for case in known.values()}
    wanted = {word.strip() for option in only or () for word in option.split(",") if word.strip()}
    for word in sorted(wanted - ops):
        near = difflib.get_close_matches(word, ops, n=1)
        raise UsageError(f"--only {word}: no case is about this operator", f"did you mean {near[0]}?" if near else "")
    cases = {k: c for k, c in known.items() if (not wanted or c.op in wanted) and pattern.search(c.id)}
    if not cases:
        raise UsageError("no case is left to measure", f"there are {len(known)}; check --only and --match")
    return cases


def _targets(platforms: list[str] | None, versions: list[str] | None, precision: str | None) -> tuple[Target, ...]:
    """Every platform with every version; "all" stands for those that there are. Raises TargetError."""
    from rkgraph import targets as known
    from rkgraph.probe.campaign import ordinary_precision

    found: dict[Target, None] = {}
    for version in _expanded(versions or ["2.3.2"], known.toolkits()):
        for platform in _expanded(platforms or ["rk3588"], known.platforms(version)):
            chosen = precision or ordinary_precision(platform, version)
            found[known.resolve_target(platform, version, chosen)] = None
    return tuple(found)


def _expanded(words: list[str], every: tuple[str, ...]) -> list[str]:
    return [name for word in words for name in (every if word == "all" else (word,))]


def _executor(where: str, jobs: int) -> AbstractContextManager[Executor]:
    """Who builds. Raises UsageError for anything but "local" and "dask://HOST:PORT", or where Dask is missing."""
    if where == "local":
        from rkgraph.probe.local import LocalExecutor
        from rkgraph.toolkit.locate import find_toolkit

        return LocalExecutor(lambda version: find_toolkit(version, home=home_folder()), jobs)
    if not where.startswith("dask://"):
        raise UsageError(f"--executor {where}: is no place to build at", "give local, or dask://HOST:PORT")
    try:
        from rkgraph.probe.cluster import DaskExecutor, address_of
    except ModuleNotFoundError as error:
        raise UsageError("--executor dask://…: Dask is not installed", "pip install 'rkgraph[dask]'") from error
    return DaskExecutor(address_of(where))


def _check_folder(folder: Path) -> None:
    """Raise UsageError now where evidence cannot be written later."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file, evidence goes into a folder", "give another --export")
    if not folder.parent.is_dir():
        raise UsageError(f"{folder}: cannot be written (there is no folder {folder.parent})", "create it first")
