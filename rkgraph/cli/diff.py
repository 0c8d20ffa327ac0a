"""`rkgraph diff A.json B.json`: what changed between two reports."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rkgraph.cli.common import VerboseOption
from rkgraph.errors import ExitCode

__all__ = ["command"]


class Form(str, Enum):
    """How to print."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def command(
    before: Annotated[Path, typer.Argument(help="A report as JSON.", metavar="BEFORE.json", show_default=False)],
    after: Annotated[Path, typer.Argument(help="A later report.", metavar="AFTER.json", show_default=False)],
    *,
    format: Annotated[  # noqa: A002
        Form, typer.Option("--format", help="text, markdown or json.", metavar="FORMAT")
    ] = Form.TEXT,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 where anything differs.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what changed between two reports.

    Models are matched by path and target, nodes by outputs, names and the order of operators, findings by fingerprint.
    What differs between two runs of the same is no difference.

    Examples:
        rkgraph diff before.json after.json

        rkgraph diff main.json branch.json --format markdown
    """
    from rkgraph.cli.output import Output
    from rkgraph.cli.report import read_report
    from rkgraph.difference.compare import compare
    from rkgraph.difference.render import as_json, lines, markdown
    from rkgraph.gate.subjects import subjects

    printer = Output(verbose=verbose)
    found = compare(*(subjects([read_report(path)]) for path in (before, after)))
    if format is Form.TEXT:
        printer.lines(lines(found, verbose=verbose))
    else:
        printer.document(as_json(found) if format is Form.JSON else markdown(found))
    if exit_code and not found.equal:
        raise typer.Exit(ExitCode.FINDINGS)
