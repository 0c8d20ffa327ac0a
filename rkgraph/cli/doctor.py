"""`rkgraph doctor`."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from rkgraph.cli.common import DEFAULT_TOOLKIT, home_folder
from rkgraph.cli.output import Output
from rkgraph.errors import ExitCode

_MARKS = {"ok": ("✓", "good"), "optional": ("·", "dim"), "missing": ("✗", "error"), "broken": ("✗", "error")}


def command(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Import each installed toolkit for real (seconds).")] = False,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Check the installation; say what mends it.

    The exit code is 1 if something that rkgraph needs is missing or broken. What is only optional is
    listed with a dot.

    Examples:
        rkgraph doctor

        rkgraph doctor --deep --format json
    """
    from rkgraph.toolkit.doctor import examine, healthy, to_json

    output = Output()
    checks = list(examine(home_folder(), DEFAULT_TOOLKIT, deep=deep))
    if format_ == "json":
        output.document(json.dumps(to_json(checks), indent=1) + "\n")
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            mark, style = _MARKS[check.state]
            hint = f" ({check.mend})" if check.mend and check.state == "optional" else ""
            output.print(f"{mark} {check.name:{width}}  {check.detail}{hint}", style)
            if check.mend and not hint:
                output.print(f"  {'':{width}}  → {check.mend}", "command")
    if not healthy(checks):
        raise typer.Exit(ExitCode.FINDINGS)
