"""The formats in which `lint` and `report` write, and the options that write several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_outputs

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.diagnostics import Severity
    from rkgraph.results import Report

__all__ = [
    "Delivery",
    "Format",
    "FormatOption",
    "GithubFile",
    "GitlabFile",
    "HtmlFile",
    "JsonFile",
    "JunitFile",
    "MarkdownFile",
    "ReportFiles",
    "SarifFile",
]


class Format(str, Enum):
    """How to print: text for people, the others as in `report/formats/catalog.py`."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    HTML = "html"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="What to print, or to write to -o: text, json, sarif, junit, github (annotations), gitlab (code quality), "
        "markdown or html.",
        metavar="FORMAT",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json-output", help="Write the report as JSON as well.", metavar="FILE")
]
SarifFile = Annotated[
    Path | None, typer.Option("--sarif-output", help="Write SARIF 2.1.0 for code scanning.", metavar="FILE")
]
JunitFile = Annotated[Path | None, typer.Option("--junit-output", help="Write JUnit XML.", metavar="FILE")]
GithubFile = Annotated[
    Path | None,
    typer.Option("--github-output", help="Write workflow commands; /dev/stdout annotates at once.", metavar="FILE"),
]
GitlabFile = Annotated[Path | None, typer.Option("--gitlab-output", help="Write GitLab code quality.", metavar="FILE")]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown-output", help="Write a comment for a pull request.", metavar="FILE")
]
HtmlFile = Annotated[Path | None, typer.Option("--html-output", help="Write the page.", metavar="FILE")]


@dataclass(frozen=True)
class ReportFiles:
    """Where each format is to be written, besides what is printed; None: not at all."""

    json: Path | None = None
    sarif: Path | None = None
    junit: Path | None = None
    github: Path | None = None
    gitlab: Path | None = None
    markdown: Path | None = None
    html: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.wanted)

    @property
    def wanted(self) -> Mapping[str, Path]:
        """Format → file, of those that are asked for."""
        return {field.name: path for field in fields(self) if (path := getattr(self, field.name)) is not None}


@dataclass(frozen=True)
class Delivery:
    """Where a report goes: to stdout or `output` in one format, and to the files of the others.

    `fail_on` is for formats that have failures.
    """

    form: Format
    output: Path | None
    files: ReportFiles
    fail_on: Severity
    printer: Output

    @property
    def is_data(self) -> bool:
        """Whether the report itself is wanted, and not only text for people."""
        return self.form is not Format.TEXT or bool(self.files)

    def check(self, read: Iterable[Path | None], *others: Path | None) -> None:
        """Before the work: raise UsageError where a file cannot be written, is among those `read`, or is named twice.

        `others`: what else the command writes.
        """
        check_outputs([*self.files.wanted.values(), self.output, *others], read)

    def deliver(self, report: Report, text: Callable[[], Iterable[str]]) -> None:
        """Print and write it all, each file whole or not at all; `text` gives the lines for people.

        Raises:
            UsageError: a file cannot be written.
        """
        if self.form is Format.TEXT:
            from rkgraph.cli.output import shown_line

            self._emit("".join(f"{shown_line(line)}\n" for line in text()))
        if not self.is_data:
            return
        from rkgraph.files import write_text
        from rkgraph.report.formats.catalog import render

        if self.form is not Format.TEXT:
            self._emit(render(self.form.value, report, self.fail_on))
        for name, path in self.files.wanted.items():
            write_text(path, render(name, report, self.fail_on))

    def _emit(self, text: str) -> None:
        if self.output is None:
            self.printer.document(text)
            return
        from rkgraph.files import write_text

        write_text(self.output, text)
