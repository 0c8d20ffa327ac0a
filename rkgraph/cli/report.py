"""`rkgraph report RESULT.json… -o report.html`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import QuietOption
from rkgraph.cli.output import Output
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.results import Report

__all__ = ["command"]


def command(
    results: Annotated[
        list[Path],
        typer.Argument(help="Reports as JSON, of lint, fix or compile.", metavar="RESULT.json…", show_default=False),
    ],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The page to write.", metavar="PAGE.html")],
    quiet: QuietOption = False,
) -> None:
    """Render a report as one self-contained HTML file.

    Several reports become one page; results of one model that follow each other (lint, fix, compile) are told
    as one story. The page loads nothing from anywhere, and prints well.

    Examples:
        rkgraph lint model.onnx --format json -o lint.json

        rkgraph report lint.json -o report.html

        rkgraph report fix.json compile.json -o report.html
    """
    from rkgraph.files import write_text
    from rkgraph.report.document import join_reports
    from rkgraph.report.html import render

    if output.suffix not in (".html", ".htm"):
        raise UsageError(f"{output}: a page is written, its name ends in .html", f"-o {output.with_suffix('.html')}")
    report = join_reports([_read(path) for path in results])
    write_text(output, render(report))
    count = len(report.results)
    Output(quiet=quiet).note(f"wrote {output} ({count} result{'' if count == 1 else 's'})", "good")


def _read(path: Path) -> Report:
    from rkgraph.report.document import MAX_BYTES, report_from_json

    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES >> 20} MB", "is it a report of rkgraph?")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror})", "give a report written with -o X.json"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not JSON (byte {error.start} is no UTF-8)", "give a report, not a model") from error
    try:
        return report_from_json(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from error
