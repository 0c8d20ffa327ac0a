"""`rkgraph doctor`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from rkgraph.cli.common import DEFAULT_TOOLKIT, home_folder
from rkgraph.cli.output import Output
from rkgraph.errors import ExitCode

_MARKS = {"ok": ("✓", "good"), "optional": ("·", "dim"), "missing": ("✗", "error"), "broken": ("✗", "error")}


def command(
    model: Annotated[
        Path | None,
        typer.Argument(help="A compiled model that this board is to run.", metavar="[MODEL.rknn]", show_default=False),
    ] = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Import each installed toolkit for real (seconds).")] = False,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="text or json.")] = "text",
    root: Annotated[Path, typer.Option("--root", help="The board's file system.", hidden=True)] = Path("/"),
) -> None:
    """Check the installation; say what mends it.

    The exit code is 1 if something that rkgraph needs is missing or broken. What is only optional is
    listed with a dot. On a Rockchip board it also looks at the NPU's devices, driver and runtime, and whether they
    take MODEL.rknn.

    Examples:
        rkgraph doctor

        rkgraph doctor model.rknn

        rkgraph doctor --deep --format json
    """
    from rkgraph.board.doctor import check_model, examine_board
    from rkgraph.runtime.rknn_header import read_header
    from rkgraph.toolkit.doctor import examine, healthy, to_json

    output = Output()
    header = None if model is None else read_header(model)
    checks = [*examine(home_folder(), DEFAULT_TOOLKIT, deep=deep), *examine_board(root)]
    if model is not None and header is not None:
        checks += check_model(model, header, root)
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
