"""Markdown of the site: tables, links between pages, code blocks that the highlighter knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

__all__ = ["cell", "linked", "page", "slug", "table"]

_CODE = re.compile(r"\bRK[1-9][0-9]{2}\b")
_KEPT = re.compile(
    r"(^(`{3,}|~{3,}).*?^\2[ \t]*$|`+[^`\n]*`+|\[[^\]\n]*\]\([^)\n]*\)|^(?:#| {4})[^\n]*$)", re.MULTILINE | re.DOTALL
)
"""Parts of a page in which nothing is made a link: code, links, headings."""


def page(title: str, lines: Iterable[str]) -> str:
    """A page: its title, and lines below it."""
    return "\n".join([f"# {title}", "", *lines]).rstrip("\n") + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, with an empty line before and after it."""
    made = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    made += [f"| {' | '.join(row)} |" for row in rows]
    return ["", *made, ""]


def cell(text: str) -> str:
    """Text of our own for a cell: a bar in it does not end it."""
    return text.replace("|", "\\|").replace("\n", " ")


def slug(name: str) -> str:
    """The name of a page's file: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def linked(markdown: str, link_of: Callable[[str], str | None]) -> str:
    """Markdown in which each code of a rule is a link to where `link_of` says, but in code, links and headings."""

    def link(found: re.Match[str]) -> str:
        address = link_of(found[0])
        return f"[{found[0]}]({address})" if address is not None else found[0]

    # Two groups a match: the part that is kept, and its fence.
    pieces = list(enumerate(_KEPT.split(markdown)))
    shown = [_CODE.sub(link, piece) if number % 3 == 0 else piece for number, piece in pieces if number % 3 < 2]
    return "".join(piece or "" for piece in shown)
