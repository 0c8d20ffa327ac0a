"""`rkgraph rule CODE`: one card, rendered. Nothing but that card is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli import completion
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.rulebook.card import Card

__all__ = ["command"]


def command(
    rule: Annotated[
        str,
        typer.Argument(
            help="Code or name of a rule.", metavar="CODE", show_default=False, autocompletion=completion.rules
        ),
    ],
) -> None:
    """Explain one rule: what, why, examples, fix.

    Codes of the family RK9xx are messages of the toolkit, which `rkgraph compile` shows.

    Examples:
        rkgraph rule RK301

        rkgraph rule data-dependent-shape

        rkgraph rule RK912
    """
    import re

    from rkgraph.cli.output import Output

    code = rule.upper()
    _show(_message(code) if re.fullmatch(r"RK9\d\d", code) else _card(rule), Output())


def _show(text: str, output: Output) -> None:
    if output.is_terminal:
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text, code_theme="ansi_light"))
    else:
        output.print(text.rstrip("\n"))


def _card(rule: str) -> str:
    from rkgraph.rulebook.card import read_card
    from rkgraph.rulebook.registry import card_path

    return _markdown(read_card(card_path(rule)))


def _message(code: str) -> str:
    """What a code of the family RK9xx stands for: a message of the toolkit, or the result of a proof."""
    from rkgraph.report.messages import explained

    text = explained(code)
    if text is None:
        raise UsageError(f"there is no rule {code!r}", "`rkgraph rules` lists all rules")
    return f"# {code}\n\n{text}\n"


def _markdown(card: Card) -> str:
    facts = [card.severity.value]
    if card.fix is not None:
        facts.append(f"fix: {card.fix.title} ({card.fix.safety.value})")
    return f"# {card.code} {card.name}\n\n{' · '.join(facts)}\n\n{_options(card)}{card.body.lstrip()}"


def _options(card: Card) -> str:
    """What a configuration may set of the rule; nothing where it has no options."""
    if not card.options:
        return ""
    lines = [f"- `{o.name}` ({o.type}, default {o.default!r}): {o.meaning}" for o in card.options]
    return "\n".join(["Options, in the table `[rule]` of a configuration:", "", *lines, "", ""])
