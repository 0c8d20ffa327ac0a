"""`rkgraph rule CODE`: one card, rendered. Nothing but that card is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rkgraph.rulebook.card import Card

__all__ = ["command"]


def command(
    rule: Annotated[str, typer.Argument(help="Code or name of a rule.", metavar="CODE", show_default=False)],
) -> None:
    """Explain one rule: what, why, examples, fix.

    Examples:
        rkgraph rule RK301

        rkgraph rule data-dependent-shape
    """
    from rkgraph.cli.output import Output
    from rkgraph.rulebook.card import read_card
    from rkgraph.rulebook.registry import card_path

    card = read_card(card_path(rule))
    output = Output()
    if output.is_terminal:
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(_markdown(card), code_theme="ansi_dark"))
    else:
        output.print(_markdown(card).rstrip("\n"))


def _markdown(card: Card) -> str:
    facts = [card.severity.value]
    if card.fix is not None:
        facts.append(f"fix: {card.fix.title} ({card.fix.safety.value})")
    return f"# {card.code} {card.name}\n\n{' · '.join(facts)}\n\n{card.body.lstrip()}"
