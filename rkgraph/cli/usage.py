"""A command line that cannot be read, told as every other error: what is wrong, and the command that mends it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer

from rkgraph.errors import UsageError

__all__ = ["ClickError", "usage_error"]

ClickError: type[Exception] = typer.BadParameter.__mro__[1]
"""What click raises for a wrong command line; typer exports only this heir of it, from click or from a copy inside."""

_QUOTED = re.compile(r"'([^']*)'")


def usage_error(error: Any) -> UsageError:
    """Our error for one of click's, a `ClickError`."""
    context = error.ctx
    if context is None:
        message = error.format_message().rstrip(".")
        return UsageError(f"{message[:1].lower()}{message[1:]}", "rkgraph COMMAND --help has examples")
    path, kind = context.command_path, type(error).__name__
    commands = getattr(context.command, "commands", {})
    if kind == "NoSuchOption":
        known = [name for each in context.command.get_params(context) for name in each.opts if name.startswith("--")]
        return UsageError(f"{path} has no option {error.option_name}", _hint(error.option_name, known, path))
    if commands and error.message.startswith("No such command"):
        word = next(iter(_QUOTED.findall(error.message)), "")
        return UsageError(f"{path} has no command {word!r}", _hint(word, commands, path))
    if kind == "MissingParameter":
        missing = error.format_message().removeprefix("Missing ").replace("'", "").rstrip(".")
        return UsageError(f"{path}: {missing} is missing", _example(context.command.help, path))
    if isinstance(error, typer.BadParameter) and error.param is not None:
        choices = [str(getattr(each, "value", each)) for each in getattr(error.param.type, "choices", ())]
        word = next(iter(_QUOTED.findall(error.message)), "")
        return UsageError(f"{_name(error.param)}: {error.message.rstrip('.')}", _hint(word, choices, path))
    message = error.format_message().rstrip(".")
    return UsageError(f"{path}: {message[:1].lower()}{message[1:]}", f"{path} --help")


def _name(parameter: Any) -> str:
    """`--format`, or what help calls an argument."""
    return str(max(parameter.opts, key=len)) if parameter.param_type_name == "option" else parameter.make_metavar()


def _hint(word: str, known: Iterable[str], path: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}? all there is: {path} --help" if near else f"{path} --help"


def _example(text: str | None, path: str) -> str:
    """The first example of a help text."""
    lines = [line.strip() for line in (text or "").partition("Examples:")[2].splitlines()]
    return next((f"e.g. {line}" for line in lines if line), f"{path} --help")
