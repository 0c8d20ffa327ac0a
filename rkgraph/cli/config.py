"""`rkgraph config`: the settings that hold, and who says so."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from rkgraph.cli.configured import ConfigOption, Configuration, IsolatedOption

__all__ = ["command"]


class Format(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    ctx: typer.Context,
    models: Annotated[
        list[Path] | None,
        typer.Argument(help="Models, whose sections count, too.", metavar="[MODEL…]", show_default=False),
    ] = None,
    *,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    keys: Annotated[bool, typer.Option("--keys", help="List what a configuration may say.")] = False,
    form: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
) -> None:
    """Show the settings that hold, and who says so.

    They stand in rkgraph.toml, or in [tool.rkgraph] of pyproject.toml; the nearest file from the working folder upwards
    counts alone. Sections for some models are tables: [model."detectors/*.onnx"]. The command line counts more than any
    of it. `rkgraph lint … --show-settings` shows what becomes of both together.

    Examples:
        rkgraph config

        rkgraph config models/detector.onnx --format json

        rkgraph config --keys
    """
    from rkgraph.cli.output import Output
    from rkgraph.cli.settings_text import settings_document, settings_lines

    printer = Output()
    if keys:
        from rkgraph.config.keys import KEYS

        if form is Format.JSON:
            known = [{"key": k.name, "meaning": k.meaning, "sections": k.sections} for k in KEYS.values()]
            printer.document(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
            return
        rows = [(key.name, key.meaning, "" if key.sections else "all models") for key in KEYS.values()]
        printer.table(("key", "meaning", "only for"), rows, whole=(0,))
        return
    configuration = Configuration(ctx, config, isolated=isolated)
    settings = {str(model): configuration.of(model) for model in models or ()} or {"": configuration.of(None)}
    if form is Format.JSON:
        printer.document(settings_document(settings, configuration.path))
    else:
        printer.lines(settings_lines(settings, configuration.path))
