"""`rkgraph rules`: all rules in a table. Only cards are read, no rule is imported."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rkgraph.rulebook.card import Card

__all__ = ["command"]


class Format(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,  # noqa: A002
) -> None:
    """List all rules.

    Examples:
        rkgraph rules

        rkgraph rules --format json
    """
    from rkgraph.cli.output import Output
    from rkgraph.rulebook.card import read_card
    from rkgraph.rulebook.registry import MODULES, card_path

    cards = [read_card(card_path(stem)) for stem in MODULES]
    output = Output()
    if format is Format.JSON:
        import json

        output.document(json.dumps([_facts(card) for card in cards], indent=2, ensure_ascii=False) + "\n")
        return
    rows = [
        (c.code, c.name, c.severity.value, *((c.fix.title, c.fix.safety.value) if c.fix else ("", ""))) for c in cards
    ]
    output.table(("code", "name", "severity", "fix", "safety"), rows, whole=(0, 1, 2, 4))


def _facts(card: Card) -> dict[str, Any]:
    return {
        "code": card.code,
        "name": card.name,
        "severity": card.severity.value,
        "applies_to": list(card.applies_to),
        "fix": {"title": card.fix.title, "safety": card.fix.safety.value} if card.fix else None,
        "equivalence": card.equivalence,
        "evidence": list(card.evidence),
        "after": list(card.after),
    }
