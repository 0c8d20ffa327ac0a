"""The command line: `rkgraph COMMAND …`.

Only the module of the command that was asked for is imported; the others are listed by the summaries of
`COMMANDS`. That keeps `rkgraph --help` at half the time of `import onnx`, and a test holds summaries and
docstrings together.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import io
import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

import rkgraph
from rkgraph.cli.usage import ClickError, usage_error
from rkgraph.errors import ExitCode, RkgraphError, UsageError

__all__ = ["COMMANDS", "GROUPS", "build_app", "help_text", "main", "module_of"]

COMMANDS: dict[str, str] = {
    "lint": "Predict what compiler and board will make of a model.",
    "fix": "Rewrite a model for the target, every change proved.",
    "compile": "Build a .rknn, map its layers back, verify the numbers.",
    "run": "Run a bundle on the board, the simulator or the CPU.",
    "inspect": "Say what a compiled model is.",
    "report": "Render a report as a page, or for other programs.",
    "explain": "Explain one finding at its place: cause, evidence, cure.",
    "gate": "Hold reports against budgets, and against an older run.",
    "diff": "Say what changed between two reports.",
    "reduce": "Cut a model that fails down to a small bug report.",
    "ops": "Say what the compiler makes of operators.",
    "rule": "Explain one rule: what, why, examples, fix.",
    "rules": "List all rules.",
    "config": "Show the settings that hold, and who says so.",
    "doctor": "Check the installation; say what mends it.",
    "probe": "Measure what the real toolkit makes of small models.",
    "board-check": "Write a folder that asks a board what compilers cannot say.",
    "demo": "A real embedder, from PyTorch to a verified .rknn.",
}
GROUPS: dict[str, str] = {
    "baseline": "Keep the findings that are known; only new ones fail.",
    "toolkit": "Install, list and remove managed rknn-toolkit2.",
    "evidence": "Take in what a board said.",
    "export": "Export models to ONNX as rkgraph likes them best.",
}
EPILOG = """\b
A day's work:
  rkgraph lint model.onnx
  rkgraph fix model.onnx --shape input_ids=1x256 -o model.rk
  rkgraph compile model.rk --verify
  rkgraph run model.rk --inputs x.npz -o y.npz

\b
Exit codes: 0 clean, 1 findings, 2 usage or an unreadable model, 3 a proof was
refuted, 4 the toolkit failed, 70 a bug of ours, 130 interrupted."""


def main() -> NoReturn:
    """Entry point of the `rkgraph` script. Exits with one of `ExitCode`; no traceback reaches a user for bad input."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign gets "?", not a failure
    try:
        try:
            command = typer.main.get_command(_app(sys.argv[1:]))
            code = command.main(prog_name="rkgraph", standalone_mode=False)
        finally:
            sys.stdout.flush()  # here, where a full disk can still be told
    except SystemExit as end:
        # Typer ends with 1 where the reader of a pipe went away, and leaves this wrapper behind; 1 is for findings.
        sys.exit(ExitCode.OK if type(sys.stdout).__name__ == "PacifyFlushWrapper" else end.code)
    except ClickError as error:
        sys.exit(_tell_wrong_usage(error))
    except RkgraphError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except OSError as error:
        sys.exit(_tell_system_error(error))
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours is told, not thrown at the user
        sys.exit(_report_bug(error))
    sys.exit(code or ExitCode.OK)


def build_app(wanted: frozenset[str], *, whole: bool = True) -> typer.Typer:
    """The application; only the modules of the commands in `wanted` are imported.

    The others are listed by their summaries: where it is not the `whole`, they are not even listed, for typer looks at
    each of them by introspection.
    """
    app = typer.Typer(
        name="rkgraph",
        help="Take an ONNX model to a Rockchip NPU without surprises.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for name, summary in COMMANDS.items():
        if name in wanted:
            command = importlib.import_module(module_of(name)).command
            app.command(name, help=help_text(command.__doc__))(command)
        elif whole:
            app.command(name, help=summary)(_not_loaded)
    for name, summary in GROUPS.items():
        if whole or name in wanted:
            loaded = _group(name) if name in wanted else _placeholder_group()
            app.add_typer(loaded, name=name, help=summary, no_args_is_help=True)
    return app


def _app(arguments: list[str]) -> typer.Typer:
    """As much of the application as a command line needs: a command that it begins with needs no other."""
    return build_app(_wanted(arguments), whole=arguments[:1] == [] or arguments[0] not in {*COMMANDS, *GROUPS})


def module_of(name: str) -> str:
    """The module of a command or a group: "board-check" is in board_check.py."""
    return f"rkgraph.cli.{name.replace('-', '_')}"


def help_text(docstring: str | None) -> str:
    """A docstring for the help page: prose that is wrapped to any width, examples that are not, to be pasted."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    first = next((i for i, text in enumerate(paragraphs) if text.startswith("Examples:")), len(paragraphs))
    examples = "\n".join(paragraphs[first:])
    prose = [" ".join(text.split()) for text in paragraphs[:first]]
    return "\n\n".join([*prose, *([f"\b\n{examples}"] if examples else [])])


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


def _group(name: str) -> typer.Typer:
    group: typer.Typer = importlib.import_module(module_of(name)).app
    for command in group.registered_commands:
        command.help = help_text(command.callback.__doc__ if command.callback else None)
    return group


def _placeholder_group() -> typer.Typer:
    group = typer.Typer()
    group.command("…")(_not_loaded)
    group.callback()(lambda: None)
    return group


def _tell_wrong_usage(error: Any) -> ExitCode:
    """What click says of the command line; a command without any argument has its help instead."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # in a terminal rich has printed it already
    else:
        _tell(usage_error(error))
    return ExitCode.USAGE


def _tell(error: RkgraphError) -> None:
    from rkgraph.cli.output import print_error

    print_error(error.message, error.hint)


def _tell_system_error(error: OSError) -> ExitCode:
    """A reader that went away is no failure of ours, a full disk none that a bug report mends."""
    from rkgraph.files import no_room

    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return ExitCode.OK
    if not no_room(error):
        if not _is_of_a_path_that_was_given(error):
            return _report_bug(error)
        _tell(UsageError(f"{error.filename}: cannot be used ({error.strerror})", "give another path"))
        return ExitCode.USAGE
    if error.filename is None:
        _let_go_of_stdout()
    _tell(UsageError(f"{error.filename or 'the output'}: cannot be written ({error.strerror})", "make room"))
    return ExitCode.USAGE


def _is_of_a_path_that_was_given(error: OSError) -> bool:
    """Whether a path on the command line is at fault: one that no file can have, or that is in the way."""
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return True
    in_the_way = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS)
    words = {part for word in sys.argv[1:] for part in (word, word.partition("=")[2])}
    return error.errno in in_the_way and str(error.filename) in words


def _let_go_of_stdout() -> None:
    """What is still in its buffer goes nowhere, or the interpreter complains as it leaves."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_bug(error: Exception) -> ExitCode:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="rkgraph-bug-", suffix=".txt", delete=False) as file:
        file.write(f"rkgraph {rkgraph.__version__}, Python {sys.version}\n{sys.argv}\n\n")
        traceback.print_exception(type(error), error, error.__traceback__, file=file)
    first = next(iter(str(error).splitlines()), "")
    _tell(RkgraphError(f"rkgraph has a bug ({type(error).__name__}: {first})", f"please report it with {file.name}"))
    return ExitCode.BUG


def _exit_on_sigterm(_signal: int, _frame: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
