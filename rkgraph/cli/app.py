"""The command line: `rkgraph COMMAND …`.

Only the module of the command that was asked for is imported; the others are listed by the summaries of
`COMMANDS`. That keeps `rkgraph --help` at half the time of `import onnx`, and a test holds summaries and
docstrings together.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

import rkgraph
from rkgraph.errors import ExitCode, RkgraphError

__all__ = ["COMMANDS", "GROUPS", "build_app", "main"]

COMMANDS: dict[str, str] = {
    "lint": "Predict what compiler and board will make of a model.",
    "fix": "Rewrite a model for the target, every change proved.",
    "compile": "Build a .rknn, map its layers back, verify the numbers.",
    "run": "Run a bundle on the board, the simulator or the CPU.",
    "report": "Render a report as one self-contained HTML file.",
    "rule": "Explain one rule: what, why, examples, fix.",
    "rules": "List all rules.",
    "doctor": "Check the installation; say what mends it.",
    "demo": "A real embedder, from PyTorch to a verified .rknn.",
}
GROUPS: dict[str, str] = {
    "toolkit": "Install, list and remove managed rknn-toolkit2.",
    "export": "Export models to ONNX as rkgraph likes them best.",
}


def main() -> NoReturn:
    """Entry point of the `rkgraph` script. Exits with one of `ExitCode`; no traceback reaches a user for bad input."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    try:
        build_app(_wanted(sys.argv[1:]))(prog_name="rkgraph")
    except RkgraphError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours is told, not thrown at the user
        _report_bug(error)
        sys.exit(ExitCode.BUG)
    sys.exit(ExitCode.OK)


def build_app(wanted: frozenset[str]) -> typer.Typer:
    """The whole application; only the modules of the commands in `wanted` are imported."""
    app = typer.Typer(
        name="rkgraph",
        help="Take an ONNX model to a Rockchip NPU without surprises.",
        epilog="A day's work: lint model.onnx → fix model.onnx -o fixed.onnx → compile fixed.onnx -o model.rknn → run",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for name, summary in COMMANDS.items():
        if name in wanted:
            app.command(name)(importlib.import_module(f"rkgraph.cli.{name}").command)
        else:
            app.command(name, help=summary)(_not_loaded)
    for name, summary in GROUPS.items():
        loaded = importlib.import_module(f"rkgraph.cli.{name}").app if name in wanted else _placeholder_group()
        app.add_typer(loaded, name=name, help=summary, no_args_is_help=True)
    return app


def _wanted(arguments: list[str]) -> frozenset[str]:
    """The command that is asked for; all of them while a shell completes a line."""
    if any(name.endswith("_COMPLETE") for name in os.environ):
        return frozenset({*COMMANDS, *GROUPS})
    first = next((word for word in arguments if not word.startswith("-")), None)
    return frozenset({first}) if first else frozenset()


def _version(on: bool) -> None:
    if on:
        typer.echo(f"rkgraph {rkgraph.__version__}")
        raise typer.Exit


def _global_options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    pass


def _not_loaded() -> NoReturn:
    raise AssertionError("a command that was not asked for cannot be run")


def _placeholder_group() -> typer.Typer:
    group = typer.Typer()
    group.command("…")(_not_loaded)
    group.callback()(lambda: None)
    return group


def _tell(error: RkgraphError) -> None:
    typer.echo(f"error: {error.message}", err=True)
    if error.hint:
        typer.echo(f"  hint: {error.hint}", err=True)


def _report_bug(error: Exception) -> None:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="rkgraph-bug-", suffix=".txt", delete=False) as file:
        file.write(f"rkgraph {rkgraph.__version__}, Python {sys.version}\n{sys.argv}\n\n")
        traceback.print_exception(type(error), error, error.__traceback__, file=file)
    typer.echo(
        f"error: rkgraph has a bug ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})",
        err=True,
    )
    typer.echo(f"  hint: please report it with {file.name}", err=True)


def _exit_on_sigterm(_signal: int, _frame: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
