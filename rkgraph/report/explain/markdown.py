"""An explanation as Markdown: to be pasted into an issue or a review."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.report.explain.sections import Explanation, Kind, Line
from rkgraph.report.formats.markdown_text import plain
from rkgraph.report.visible import visible

__all__ = ["markdown"]

_LANGUAGE = {Kind.COMMAND: "sh", Kind.TOML: "toml"}


def markdown(explanation: Explanation) -> str:
    """The text, a newline at its end; names in it stay text."""
    lines = [f"## {plain(explanation.title)}", ""]
    for section in explanation.sections:
        lines += [f"### {section.title}", ""]
        before: Kind | None = None
        for line in section.lines:
            if before is Kind.ITEM and line.kind is not Kind.ITEM:
                lines.append("")
            lines += _lines(line)
            before = line.kind
        if before is Kind.ITEM:
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _lines(line: Line) -> Iterator[str]:
    if line.kind is Kind.ITEM:
        yield f"- {plain(line.text)}"
    elif line.kind is Kind.CARD:
        yield line.text
        yield ""
    elif line.kind in _LANGUAGE:
        shown = visible(line.text)
        fence = "`" * max(3, *(len(run) + 1 for run in _runs(shown)))
        yield f"{fence}{_LANGUAGE[line.kind]}"
        yield shown
        yield fence
        yield ""
    else:
        yield f"{plain(line.text)}"
        yield ""


def _runs(text: str) -> list[str]:
    import re

    return ["", *re.findall("`+", text)]
