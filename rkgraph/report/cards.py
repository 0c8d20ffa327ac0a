"""Rule cards as HTML, for the findings of a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup

from rkgraph.report.messages import explained
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import read_card

__all__ = ["ShownCard", "cards_of"]

_SHOWN = ("What it does", "Why it matters on RKNN", "Fix safety", "References")


@dataclass(frozen=True)
class ShownCard:
    """A card's name and the sections that explain a finding, as safe HTML by heading."""

    code: str
    name: str
    sections: tuple[tuple[str, Markup], ...]


def cards_of(codes: Iterable[str]) -> dict[str, ShownCard]:
    """The cards of `codes`, or what the log table says; a report may come from a newer rkgraph and have others."""
    codes = set(codes)
    wanted = {code.lower() for code in codes}
    found = (read_card(path) for path in sorted(data_folder("rules").glob("rk*.md")) if path.stem[:5] in wanted)
    cards = {card.code: ShownCard(card.code, card.name, _sections(card.sections.items())) for card in found}
    messages = {code: text for code in codes - cards.keys() if (text := explained(code)) is not None}
    return cards | {
        code: ShownCard(code, "toolchain-message", _sections([(_SHOWN[0], text)])) for code, text in messages.items()
    }


def _sections(sections: Iterable[tuple[str, str]]) -> tuple[tuple[str, Markup], ...]:
    return tuple((heading, _rendered(text)) for heading, text in sections if heading in _SHOWN)


def _rendered(text: str) -> Markup:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type == "th_open":
            token.attrSet("scope", "col")
    # HTML in the Markdown is shown as text, and markdown-it drops links that are neither http nor relative.
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704
