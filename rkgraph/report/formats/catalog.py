"""The formats by name. Only the module of the one that is asked for is imported: lint is to stay quick."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath

from rkgraph.diagnostics import Severity
from rkgraph.records import Record
from rkgraph.results import Report

__all__ = ["FORMATS", "Format", "format_of", "render"]


class Format(Record):
    """A format: how it is called, the name a file of it ends with, and whom it is for."""

    name: str
    suffixes: tuple[str, ...]
    summary: str


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format("json", (".json",), "the report itself"),
        Format("sarif", (".sarif", ".sarif.json"), "SARIF 2.1.0: code scanning, editors"),
        Format("junit", (".xml",), "JUnit XML: test reports"),
        Format("github", (".github.txt",), "workflow commands of GitHub Actions"),
        Format("gitlab", (".gitlab.json",), "GitLab code quality"),
        Format("markdown", (".md",), "Markdown for a pull request, within 65,536 bytes"),
        Format("html", (".html", ".htm"), "a page that needs nothing else"),
    )
}


def render(name: str, report: Report, fail_on: Severity = Severity.ERROR) -> str:
    """The report in a format of FORMATS; `fail_on` is the lowest severity that a format with failures fails on."""
    if name == "json":
        from rkgraph.report.document import report_to_json

        return report_to_json(report)
    if name == "html":
        from rkgraph.report.html import render as render_page

        return render_page(report)
    module = import_module(f"rkgraph.report.formats.{FORMATS[name].name}")
    written: Callable[[Report, Severity], str] = module.render
    return written(report, fail_on)


def format_of(path: PurePath) -> str | None:
    """The format that a file's name tells, by its longest suffix; None where it tells none."""
    name = path.name.lower()
    told = [(suffix, item.name) for item in FORMATS.values() for suffix in item.suffixes if name.endswith(suffix)]
    return max(told, key=lambda found: len(found[0]))[1] if told else None
