"""`rkgraph rule CODE`: one card, rendered. Nothing but that card is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.rulebook.card import Card

__all__ = ["command"]

_OTHER_MESSAGES = {
    "RK901": "An error of rknn-toolkit2 that rkgraph does not know. Its text is shown as the toolkit wrote it.",
    "RK902": "A warning of rknn-toolkit2 that rkgraph does not know. Its text is shown as the toolkit wrote it.",
    "RK991": "A rewrite was refuted by its proof and taken back; the finding names the counterexample that was saved.",
}


def command(
    rule: Annotated[str, typer.Argument(help="Code or name of a rule.", metavar="CODE", show_default=False)],
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
    """What a code of the family RK9xx stands for: a message of the toolkit, or how its process ended."""
    from rkgraph.toolkit.log_table import LOG_TABLE, OUTCOME_TABLE

    found = [entry for entry in (*LOG_TABLE, *OUTCOME_TABLE.values()) if entry.code == code]
    if not found and code not in _OTHER_MESSAGES:
        raise UsageError(f"there is no rule {code!r}", "`rkgraph rules` lists all rules")
    if not found:
        return f"# {code}\n\n{_OTHER_MESSAGES[code]}\n"
    parts = [f"# {code} toolkit message\n\n{found[0].severity.value} · said by rknn-toolkit2, or by how it ended"]
    for entry in found:
        parts.append(entry.meaning)
        parts += [f"In the log: `{entry.pattern.pattern}`"] if entry.pattern.pattern else []
        parts += [f"What to do: {entry.mend}"] if entry.mend else []
    return "\n\n".join(parts) + "\n"


def _markdown(card: Card) -> str:
    facts = [card.severity.value]
    if card.fix is not None:
        facts.append(f"fix: {card.fix.title} ({card.fix.safety.value})")
    return f"# {card.code} {card.name}\n\n{' · '.join(facts)}\n\n{card.body.lstrip()}"
