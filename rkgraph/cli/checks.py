"""What is wrong with options whatever the command does, told before its work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import typer

from rkgraph.errors import UsageError

__all__ = ["check_only_with", "check_outputs", "given"]


def given(context: typer.Context, *names: str) -> list[str]:
    """The options of the parameters `names` that the user gave, as they are written: "tune_budget": --tune-budget."""
    asked = [
        name for name in names if (s := context.get_parameter_source(name)) is not None and s.name == "COMMANDLINE"
    ]
    spelt = {parameter.name: max(parameter.opts, key=len) for parameter in context.command.params}
    return [spelt[name] for name in asked]


def check_only_with(context: typer.Context, option: str, wanted: object, *names: str) -> None:
    """Refuse options that mean something only besides another one.

    Args:
        context: of the command.
        option: the other one: "--tune".
        wanted: whether that was given.
        names: parameters that mean nothing without it.

    Raises:
        UsageError: one of them was given, and `wanted` is false.
    """
    alone = [] if wanted else given(context, *names)
    if alone:
        raise UsageError(f"{alone[0]} is given without {option}", f"add {option}, or leave {alone[0]} out")


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path | str | None] = ()) -> None:
    """Before the work: can each file be written, and is it neither what is read nor what another option writes?

    Args:
        outputs: files to write; None is skipped.
        inputs: files and folders that the command reads; those that are not there are skipped.

    Raises:
        UsageError: the first that fails.
    """
    from rkgraph.files import check_writable

    read = [Path(each) for each in inputs if each is not None and Path(each).exists()]
    seen: list[str] = []
    for path in filter(None, outputs):
        if str(path) == "-":
            raise UsageError("-: is no file to write to", "results go to stdout where -o is left out; else name a file")
        check_writable(path)
        if any(path.exists() and path.samefile(each) for each in read):
            raise UsageError(f"{path}: is read by this command, and would be overwritten", "give another name")
        real = os.path.realpath(path)
        if real in seen and (path.is_file() or not path.exists()):
            raise UsageError(f"{path}: two results are to be written there", "give each a file of its own")
        seen.append(real)
