"""All commands as data: `python -m rkgraph.cli.reference` prints what `--help` says of each, for the documentation.

The site is built below the command line (`rkgraph.report.site`), so it asks a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click
import typer

from rkgraph.cli.app import COMMANDS, GROUPS, build_app

__all__ = ["reference"]


def reference() -> list[dict[str, Any]]:
    """A record for each command, those of groups as "toolkit install": name, summary, help, examples, parameters."""
    root = typer.main.get_command(build_app(frozenset({*COMMANDS, *GROUPS})))
    return list(_commands(root, ()))


def _commands(command: Any, above: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if inner.hidden:
            continue
        path = (*above, name)
        if getattr(inner, "commands", None):
            yield from _commands(inner, path)
        else:
            yield _record(inner, path)


def _record(command: Any, path: tuple[str, ...]) -> dict[str, Any]:
    context = click.Context(command, info_name=" ".join(("rkgraph", *path)))
    prose, _, examples = (command.help or "").partition("\b\n")
    paragraphs = [text for text in prose.strip().split("\n\n") if text]
    usage = " ".join(command.collect_usage_pieces(context))
    return {
        "name": " ".join(path),
        "usage": f"rkgraph {' '.join(path)} {usage}".strip(),
        "summary": paragraphs[0] if paragraphs else "",
        "help": paragraphs[1:],
        "examples": [line.strip() for line in examples.splitlines()[1:] if line.strip()],
        "parameters": [_parameter(p, context) for p in command.get_params(context) if not getattr(p, "hidden", False)],
    }


def _parameter(parameter: Any, context: click.Context) -> dict[str, Any]:
    """One argument or option, in the words of its help page."""
    told = parameter.get_help_record(context)
    is_option = parameter.param_type_name == "option"
    name, text = told if told is not None else (parameter.human_readable_name, "")
    return {"kind": "option" if is_option else "argument", "name": name, "help": " ".join(text.split())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(reference(), indent=1, ensure_ascii=False) + "\n")
