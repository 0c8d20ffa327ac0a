"""`rkgraph explain REPORT.json FINGERPRINT`: one finding at its place."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.report.explain.sections import Explanation

__all__ = ["command"]


class Form(str, Enum):
    """How to print."""

    TEXT = "text"
    MARKDOWN = "markdown"


def command(
    report: Annotated[
        Path,
        typer.Argument(help="A report as JSON, of lint, fix or compile.", metavar="REPORT.json", show_default=False),
    ],
    fingerprint: Annotated[
        str,
        typer.Argument(help="Of the finding; its first digits are enough.", metavar="FINGERPRINT", show_default=False),
    ],
    *,
    format: Annotated[  # noqa: A002
        Form, typer.Option("--format", help="text or markdown.", metavar="FORMAT")
    ] = Form.TEXT,
) -> None:
    """Explain one finding at its place: cause, evidence, cure.

    Says what it follows from or what follows from it, what is around the node, what the statement rests on, why it
    matters, what mends it and by which command, and what to write down where it is meant to be so.

    Examples:
        rkgraph lint model.onnx --json-output report.json

        rkgraph explain report.json 49263bf4

        rkgraph explain report.json 49263bf4 --format markdown
    """
    from rkgraph.cli.output import Output
    from rkgraph.cli.report import read_report
    from rkgraph.report.explain.build import explain
    from rkgraph.report.explain.find import find
    from rkgraph.report.explain.markdown import markdown

    document = read_report(report)
    result, finding = find(document, fingerprint)
    explanation = explain(document, result, finding, str(report))
    output = Output()
    if format is Form.MARKDOWN:
        output.document(markdown(explanation))
    else:
        _print(explanation, output)


def _print(explanation: Explanation, output: Output) -> None:
    output.print(explanation.title, explanation.severity)
    for section in explanation.sections:
        output.print()
        output.print(section.title, "title")
        for line in section.lines:
            if line.kind.value == "card" and output.is_terminal:
                output.markdown(line.text)
            else:
                output.lines(_lines(line.kind.value, line.text))


def _lines(kind: str, text: str) -> Iterator[tuple[str, str]]:
    lead, style = {"item": ("  - ", ""), "command": ("  ", "command"), "toml": ("  ", "command")}.get(kind, ("  ", ""))
    for line in text.splitlines():
        yield f"{lead}{line}".rstrip(), style
