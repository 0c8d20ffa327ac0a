"""What is known of a code: name, severity and texts of its card, or what the log table says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rkgraph.config.notices import NOTICES
from rkgraph.diagnostics import Severity
from rkgraph.report.messages import explained
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import Card, read_card

__all__ = ["PROJECT", "RuleText", "card_sections", "plain_text", "rule_texts"]

PROJECT = "https://github.com/rkgraph/rkgraph"

_EXPLAINING = ("What it does", "Why it matters on RKNN", "Fix safety", "References")
_MESSAGE_NAME = "toolchain-message"
_NOTICES = {notice.code: notice.name for notice in NOTICES}


@dataclass(frozen=True)
class RuleText:
    """A rule for readers of other programs; `markdown` explains it without its example models."""

    code: str
    name: str
    severity: Severity | None
    summary: str
    markdown: str
    applies_to: tuple[str, ...] = ()
    uri: str | None = None


def rule_texts(codes: Iterable[str]) -> dict[str, RuleText]:
    """Texts of all `codes`, sorted by code; of one that is not known (the report of a newer rkgraph) just the code."""
    wanted = sorted(set(codes))
    stems = {path.stem[:5].upper(): path for path in data_folder("rules").glob("rk*.md")}
    return {code: _of_card(read_card(stems[code])) if code in stems else _of_message(code) for code in wanted}


def card_sections(code: str) -> dict[str, str]:
    """The sections of a code's card by heading, and its name under "name".

    What the log table says of a code that has no card is under ""; a code that is not known has nothing.
    """
    path = next(data_folder("rules").glob(f"{code.lower()}_*.md"), None) if code.isalnum() else None
    if path is not None:
        card = read_card(path)
        return {"name": card.name, **card.sections}
    text = explained(code)
    return {"name": _NOTICES.get(code, _MESSAGE_NAME), "": text} if text is not None else {}


def plain_text(markdown: str) -> str:
    """The paragraphs of Markdown as plain text, a line each: no tables, no code blocks, no marks."""
    from markdown_it import MarkdownIt

    lines: list[str] = []
    in_table = False
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        in_table = token.type == "table_open" or (in_table and token.type != "table_close")
        if token.type == "inline" and not in_table:
            words = (" " if child.type == "softbreak" else child.content for child in token.children or ())
            lines.append("".join(words))
    return "\n".join(lines)


def _of_card(card: Card) -> RuleText:
    sections = [f"### {heading}\n\n{text}" for heading, text in card.sections.items() if heading in _EXPLAINING]
    offer = [f"**Fix:** {card.fix.title} ({card.fix.safety.value})"] if card.fix else []
    whole = "\n\n".join([*offer, *sections, f"Examples: `rkgraph rule {card.code}`"])
    markdown = re.sub(r"^```.*?^```[ \t]*$\n?", "", whole, flags=re.MULTILINE | re.DOTALL)
    uri = f"{PROJECT}/blob/main/rules/{card.stem}.md"
    summary = plain_text(card.sections[_EXPLAINING[0]]).partition("\n")[0]
    return RuleText(card.code, card.name, card.severity, summary, markdown, card.applies_to, uri)


def _of_message(code: str) -> RuleText:
    text = explained(code)
    if text is None:
        return RuleText(code, code, None, f"{code}: this rkgraph does not know the rule.", f"`{code}` is not known.")
    return RuleText(
        code, _NOTICES.get(code, _MESSAGE_NAME), None, plain_text(text).replace("\n", " "), text, uri=PROJECT
    )
