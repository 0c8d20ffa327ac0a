"""Text in GitHub-flavoured Markdown: what comes from a model stays text, whatever it says.

Backslashes make every mark of Markdown itself, but forges look for mentions, issues and addresses in what comes out of
it as well; an empty comment within keeps those from being found.
"""

from __future__ import annotations

import re

from rkgraph.report.visible import one_line

__all__ = ["code", "plain"]

_MARKS = re.compile(r"([\\`*_\[\]<>~|#$])")
_REFERENCE = re.compile(r"@|\\#|:(?=//)|(?i:www)(?=\.)|(?i:gh)(?=-)")
"""Within text that is escaped: @name, #12 and GH-12, http://, www."""


def plain(text: str) -> str:
    """`text` as it is, within a line that something else begins; `words` in backticks are set as code."""
    pieces = re.split("`([^`]+)`", one_line(text))
    return "".join(code(piece) if odd % 2 else _escaped(piece) for odd, piece in enumerate(pieces))


def code(text: str) -> str:
    """`text` as a code span, right in a table's cell as well; nothing in it is looked at."""
    shown = one_line(text)
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    # A cell ends at a bar even within code; a backslash before the bar is taken away by the table, no other is.
    return f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|")


def _escaped(text: str) -> str:
    escaped = _MARKS.sub(r"\\\1", text.replace("&", "&amp;"))
    return _REFERENCE.sub(lambda found: f"{found[0]}<!-- -->", escaped)
