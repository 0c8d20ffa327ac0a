"""`rkgraph gate REPORT.json… --policy gate.toml`: budgets for CI, and a ratchet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_outputs, given
from rkgraph.cli.common import QuietOption, VerboseOption
from rkgraph.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.gate.check import Verdicts
    from rkgraph.gate.policy import Policy
    from rkgraph.gate.subjects import Subject
    from rkgraph.results import Report

__all__ = ["command"]

POLICY = Path("gate.toml")


class Form(str, Enum):
    """How to print."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def command(
    ctx: typer.Context,
    reports: Annotated[
        list[Path],
        typer.Argument(help="Reports as JSON, or folders of them.", metavar="REPORT.json…", show_default=False),
    ],
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="What is allowed.", metavar="FILE.toml", show_default="gate.toml")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="Reports of an older run, or their folder. Repeatable.", metavar="PATH"),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option("--init", help="Write a policy that these reports pass, and end.", metavar="FILE.toml"),
    ] = None,
    format: Annotated[  # noqa: A002
        Form, typer.Option("--format", help="text, markdown or json.", metavar="FORMAT")
    ] = Form.TEXT,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", help="Append Markdown to this file, e.g. $GITHUB_STEP_SUMMARY.", metavar="FILE"),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Hold reports against budgets, and against an older run.

    The exit code is 1 where a number is beyond its bound, or missing: a budget for which a report has no number fails,
    unless the policy says that it is optional. What several reports say of one model on one target (lint, fix, compile)
    is one story. ≈ marks estimates; after a compile the compiler's own numbers count.

    Examples:
        rkgraph gate reports/*.json --init gate.toml

        rkgraph gate reports/*.json --policy gate.toml

        rkgraph gate new/ --against old/ --summary "$GITHUB_STEP_SUMMARY"
    """
    from rkgraph.cli.output import Output
    from rkgraph.gate.check import check
    from rkgraph.gate.subjects import subjects

    printer = Output(quiet, verbose)
    if init is not None and (other := given(ctx, "policy", "against", "summary", "format")):
        raise UsageError(f"--init writes a policy and ends: {other[0]} does not go with it", f"leave {other[0]} out")
    check_outputs([init, summary], [*reports, *(against or ()), policy])
    now = subjects(_reports(reports))
    if not now:
        raise UsageError("the reports hold no result", "make one: rkgraph lint MODEL.onnx --format json -o REPORT.json")
    if init is not None:
        _begin(init, now, printer)
        return
    before = subjects(_reports(against)) if against else None
    found = check(now, _policy(policy, against), before)
    _print(found, format, printer)
    if summary is not None:
        _append(summary, found)
    if not found.passed:
        raise typer.Exit(ExitCode.FINDINGS)


def _policy(given: Path | None, against: Sequence[Path] | None) -> Policy:
    """The policy that is given, or that of the working folder; the ratchet alone needs none."""
    from rkgraph.gate.policy import Policy, read_policy

    if given is None and against and not POLICY.exists():
        return Policy()
    return read_policy(given or POLICY)


def _begin(path: Path, now: Sequence[Subject], printer: Output) -> None:
    from rkgraph.files import write_text
    from rkgraph.gate.start import starting_policy

    if path.exists():
        raise UsageError(f"{path}: is there already", "remove it first, or give another name")
    write_text(path, starting_policy(now))
    printer.note(f"wrote {path}: {len(now)} model{'' if len(now) == 1 else 's'} at their numbers of today", "good")


def _reports(paths: Sequence[Path]) -> Iterator[Report]:
    """All reports; of a folder all .json files in it and below, by name."""
    from rkgraph.cli.report import read_report

    for path in paths:
        if not path.is_dir():
            yield read_report(path)
            continue
        files = sorted(path.rglob("*.json"))
        if not files:
            raise UsageError(f"{path}: has no .json file", "give the folder that the reports were written to")
        yield from map(read_report, files)


def _print(found: Verdicts, form: Form, printer: Output) -> None:
    from rkgraph.gate.render import COLUMNS, RIGHT, as_json, headline, markdown, shown, table

    if form is Form.JSON:
        printer.document(as_json(found))
        return
    if form is Form.MARKDOWN:
        printer.document(markdown(found))
        return
    rows = shown(found, everything=printer.verbose)
    if rows and not printer.quiet:
        printer.table(COLUMNS, table(rows), right=RIGHT)
    if len(rows) < len(found.rows) and not printer.quiet:
        printer.print(f"{len(found.rows) - len(rows)} more are within their bounds (--verbose shows them)", "dim")
    for note in found.notes if not printer.quiet else ():
        printer.print(f"note: {note}", "dim")
    printer.print(headline(found), "good" if found.passed else "error")


def _append(path: Path, found: Verdicts) -> None:
    """Add the summary to what is in the file: steps of a job share it."""
    from rkgraph.gate.render import markdown

    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(markdown(found) + "\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})", "give a file that may be written") from error
