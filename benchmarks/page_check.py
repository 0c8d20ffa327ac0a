"""Whether a page of `rkgraph report` is sound HTML that needs nothing else: by the parser of the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["page_problems"]

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_ADDRESSES = frozenset({"src", "href", "action", "data", "poster", "srcset", "formaction"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.roots = 0
        self.ids: set[str] = set()
        self.data = ""
        self.reads_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.roots += not self.open
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            # A link that somebody follows is no request of the page.
            link = (tag, name) == ("a", "href") and (value or "").startswith("https://")
            if name in _ADDRESSES and not link and not (value or "").startswith("#"):
                self.problems.append(f"<{tag}> asks for {value}")
            if name.startswith("on"):
                self.problems.append(f"<{tag}> acts by {name}")
            if name == "id":
                if value in self.ids:
                    self.problems.append(f"two elements have the id {value}")
                self.ids.add(value or "")
        self.reads_data = tag == "script" and ("id", "rkgraph-data") in attrs

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.problems.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        self.reads_data = False

    def handle_data(self, data: str) -> None:
        if self.reads_data:
            self.data += data


def page_problems(text: str) -> Iterator[str]:
    """What is wrong with a page, in a line each."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    yield from reader.problems[:10]
    if reader.open:
        yield f"<{reader.open[-1]}> is not closed"
    if reader.roots != 1:
        yield f"{reader.roots} roots"
    try:
        json.loads(reader.data)
    except ValueError as error:
        yield f"its data is no JSON: {error}"
