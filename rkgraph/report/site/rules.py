"""A page for each rule out of its card, an index by family, and the messages of the toolkit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rkgraph.report.explain.evidence import described
from rkgraph.report.messages import explained, message_codes
from rkgraph.report.page.categories import FAMILIES
from rkgraph.report.site.operators import names
from rkgraph.report.site.text import cell, linked, page, slug, table
from rkgraph.resources import data_folder
from rkgraph.rulebook.card import Card, read_card
from rkgraph.rulebook.registry import MODULES

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """rules/index.md, rules/rk101.md …, rules/messages.md."""
    cards = _cards()
    known = {card.code for card in cards}
    made = {"rules/index.md": page("Rules", _index(cards)), "rules/messages.md": page("Messages", _messages())}
    for card in cards:
        made[f"rules/{card.code.lower()}.md"] = page(f"{card.code} {card.name}", _rule(card, known))
    return made


def _cards() -> list[Card]:
    folder = data_folder("rules")
    return [read_card(folder / f"{stem}.md") for stem in MODULES]


def _index(cards: Sequence[Card]) -> Iterator[str]:
    fixed = sum(card.fix is not None for card in cards)
    yield f"{len(cards)} rules, {fixed} of them with a fix. In a terminal: `rkgraph rules`, `rkgraph rule CODE`."
    for family, (title, meaning) in FAMILIES.items():
        found = [card for card in cards if card.code.startswith(family)]
        if not found and family != "RK9":
            continue
        yield f"\n## {family}xx {title}\n\n{meaning}\n"
        if family == "RK9":
            yield "These have no cards: [what each message means](messages.md).\n"
        if found:
            yield from table(("rule", "name", "severity", "fix", "safety"), (_row(card) for card in found))


def _row(card: Card) -> tuple[str, ...]:
    fix = (cell(card.fix.title), card.fix.safety.value) if card.fix else ("", "")
    return (f"[{card.code}]({card.code.lower()}.md)", card.name, card.severity.value, *fix)


def _rule(card: Card, known: set[str]) -> Iterator[str]:
    applies = {"*": "every node", "model": "the model as a whole"}.get(card.applies_to[0])
    pages_of = {op: f"[{op}](../operators/{slug(op)}.md)" for op in names()}
    operators = ", ".join(pages_of.get(op, f"`{op}`") for op in card.applies_to)
    facts = [("severity", card.severity.value), ("applies to", applies or operators)]
    if card.fix is not None:
        told = f"{cell(card.fix.title)} ({card.fix.safety.value}; {_EQUIVALENCE[card.equivalence or 'exact']})"
        facts.append(("fix", told))
    if card.candidate:
        facts.append(("candidate", "it may pay or not: `rkgraph fix --tune` asks the compiler"))
    if card.after:
        facts.append(("after", ", ".join(f"[{code}]({code.lower()}.md)" for code in card.after)))
    yield from table(("", ""), ((f"**{name}**", value) for name, value in facts))
    if card.options:
        yield "## Options\n"
        rows = ((f"`{o.name}`", o.type, f"`{o.default}`", cell(o.meaning)) for o in card.options)
        yield from table(("option", "type", "default", "meaning"), rows)
    body = re.sub(r"^```onnx.*$", "```text", card.body.strip(), flags=re.MULTILINE)
    yield linked(body, lambda code: f"{code.lower()}.md" if code in known and code != card.code else None)
    if card.evidence:
        yield "\n## Evidence\n"
        yield from (f"- {line}" for line in described(card.evidence))


_EQUIVALENCE = {
    "exact": "equal bit for bit",
    "tolerance": "equal within a stated tolerance",
    "restricted": "equal on the inputs that are left",
}


def _messages() -> Iterator[str]:
    yield "What the words of rknn-toolkit2 mean, verifications and proofs. In a terminal: `rkgraph rule RK912`."
    for code in message_codes():
        yield f"\n## {code}\n\n{explained(code) or ''}\n"
