"""`rkgraph report RESULT.json…`: the report that lint, fix and compile wrote, in any of the formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import QuietOption, VerboseOption
from rkgraph.cli.lint_outputs import (
    Delivery,
    Format,
    GithubFile,
    GitlabFile,
    HtmlFile,
    JsonFile,
    JunitFile,
    MarkdownFile,
    ReportFiles,
    SarifFile,
)
from rkgraph.diagnostics import Severity
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.results import Report

__all__ = ["command", "read_report"]


def command(
    results: Annotated[
        list[Path],
        typer.Argument(help="Reports as JSON, of lint, fix or compile.", metavar="RESULT.json…", show_default=False),
    ],
    *,
    format: Annotated[  # noqa: A002
        Format | None,
        typer.Option(
            "--format",
            help="text, json, sarif, junit, github, gitlab, markdown or html.",
            metavar="FORMAT",
            show_default="what the ending of -o tells; text",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Where to write; its ending tells the format.", metavar="FILE"),
    ] = None,
    json_output: JsonFile = None,
    sarif_output: SarifFile = None,
    junit_output: JunitFile = None,
    github_output: GithubFile = None,
    gitlab_output: GitlabFile = None,
    markdown_output: MarkdownFile = None,
    html_output: HtmlFile = None,
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="Lowest severity that fails in JUnit XML.", case_sensitive=False)
    ] = Severity.ERROR,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Render a report as a page, or for other programs.

    Several reports become one page; results of one model that follow each other (lint, fix, compile) are told
    as one story. The page loads nothing from anywhere, and prints well.

    The other formats tell the last result on each model and target. --fail-on says which findings are failures in
    JUnit; the exit code is 0 whatever was found.

    Examples:
        rkgraph lint model.onnx --format json -o lint.json

        rkgraph report lint.json -o report.html

        rkgraph report fix.json compile.json -o report.html

        rkgraph report compile.json --format sarif -o rkgraph.sarif
    """
    from rkgraph.cli.output import Output
    from rkgraph.report.document import join_reports

    printer = Output(quiet, verbose)
    files = ReportFiles(
        json_output, sarif_output, junit_output, github_output, gitlab_output, markdown_output, html_output
    )
    delivery = Delivery(_form(format, output), output, files, fail_on, printer)
    delivery.check(results)
    report = join_reports([read_report(path) for path in results])
    if delivery.form is Format.TEXT and output is None and not files:
        printer.lines(_lines(report, verbose))
    delivery.deliver(report, lambda: (text for text, _ in _lines(report, verbose)) if output is not None else ())
    count = len(report.results)
    told = f"({count} result{'' if count == 1 else 's'})"
    for path in (*([output] if output is not None else []), *files.wanted.values()):
        printer.note(f"wrote {path} {told}", "good")


def _form(given: Format | None, output: Path | None) -> Format:
    """The format that was asked for; else what the file's ending tells; text on a terminal and in a pipe."""
    if given is not None or output is None:
        return given or Format.TEXT
    from rkgraph.report.formats.catalog import FORMATS, format_of

    told = format_of(output)
    if told is None and output.suffix != ".txt":
        endings = ", ".join(item.suffixes[0] for item in FORMATS.values())
        raise UsageError(
            f"{output}: its ending tells no format (known are {endings}, .txt)",
            f"--format html, or -o {output.with_suffix('.html')}",
        )
    return Format(told) if told is not None else Format.TEXT


def _lines(report: Report, verbose: bool) -> Iterator[tuple[str, str]]:
    from rkgraph.cli.lint_text import describe

    for number, result in enumerate(report.results):
        if number:
            yield "", ""
        yield from describe(result, verbose=verbose)


def read_report(path: Path) -> Report:
    """The report in a file.

    Raises:
        UsageError: it cannot be read, is too large, or is no report; with the path.
    """
    from rkgraph.report.document import MAX_BYTES, report_from_json

    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES >> 20} MB", "is it a report of rkgraph?")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        mend = (
            f"name the files: {path}/*.json" if path.is_dir() else "make one: rkgraph lint MODEL --json-output X.json"
        )
        raise UsageError(f"{path}: cannot be read ({error.strerror})", mend) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not JSON (byte {error.start} is no UTF-8)", "give a report, not a model") from error
    try:
        return report_from_json(text)
    except UsageError as error:
        mend = error.hint or "make it anew: rkgraph lint MODEL --json-output X.json"
        raise UsageError(f"{path}: {error.message}", mend) from error
