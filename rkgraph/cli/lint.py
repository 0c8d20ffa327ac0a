"""`rkgraph lint`: what compiler and board will make of models, without building anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import (
    DimOption,
    FailOnOption,
    OutputOption,
    PrecisionOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
    VerboseOption,
    parse_dims,
    parse_shapes,
    resolve_rules_and_target,
)
from rkgraph.diagnostics import Severity
from rkgraph.errors import ExitCode, ModelError, UsageError

if TYPE_CHECKING:
    from rkgraph.cli.lint_text import Lines
    from rkgraph.results import Result
    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.targets import Target

__all__ = ["command"]

ModelsArgument = Annotated[
    list[str],
    typer.Argument(help="ONNX models, or @FILE with one path a line.", metavar="MODEL…", show_default=False),
]


class Format(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


def command(
    models: ModelsArgument,
    *,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    shape: ShapeOption = None,
    dim: DimOption = None,
    format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,  # noqa: A002
    output: OutputOption = None,
    fail_on: FailOnOption = Severity.ERROR,
    verbose: VerboseOption = False,
) -> None:
    """Predict what compiler and board will make of a model.

    Says whether it will deploy, where each node will run and why, what can be mended, and by which command. Weights
    are not read, nothing is changed.

    Examples:
        rkgraph lint model.onnx

        rkgraph lint model.onnx --target rk3576 --shape input_ids=1x256

        rkgraph lint @models.txt --format json -o report.json --fail-on warning
    """
    import time

    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import load_ruleset

    started = time.time()
    name, resolved = resolve_rules_and_target(rules, toolkit, target, precision)
    ruleset = load_ruleset(name)
    options = Options(shapes=parse_shapes(shape), dims=parse_dims(dim))
    runs = [_lint(path, resolved, ruleset, options) for path in _paths(models)]
    results = [result for result, _, _ in runs]
    if format is Format.JSON:
        _emit_text(_document(results, started), output)
    else:
        _emit_lines(_lines(runs, ruleset, options, verbose), output)
    _raise_for_errors([error for _, _, error in runs if error], len(runs))
    if any(d.severity.rank >= fail_on.rank for result in results for d in result.diagnostics):
        raise typer.Exit(ExitCode.FINDINGS)


_Run = tuple["Result", Mapping[str, tuple[int, ...]], ModelError | None]
"""The result of a model, the shapes to suggest for its dynamic inputs, and why it could not be read."""


def _lint(path: Path, target: Target, ruleset: RuleSet, options: Options) -> _Run:
    from dataclasses import replace

    from rkgraph.engine.lint import failed, lint_view
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.graph.load import read_view

    try:
        view = read_view(path, shapes=options.shapes, dims=options.dims)
    except ModelError as error:
        return failed(str(path), target, error), {}, error
    suggested = suggested_shapes(view, path)
    return lint_view(view, target, ruleset, replace(options, suggested_shapes=suggested)), suggested, None


def _paths(models: Sequence[str]) -> list[Path]:
    """The models; of "@list.txt" each line is a path, relative to the list's own folder ("#" begins a comment)."""
    paths: list[Path] = []
    for word in models:
        if not word.startswith("@"):
            paths.append(Path(word))
            continue
        listed = Path(word[1:])
        try:
            lines = listed.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{listed}: cannot be read as a list of models ({error})", "one path a line") from error
        names = (line.partition("#")[0].strip() for line in lines)
        paths.extend(listed.parent / name for name in names if name)
    if not paths:
        raise UsageError("the lists name no model", "write one path a line")
    return paths


def _document(results: Sequence[Result], started: float) -> str:
    import time

    import rkgraph
    from rkgraph.report.document import report_to_json
    from rkgraph.results import Report

    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    run = {"started": begun, "seconds": round(time.time() - started, 3)}
    return report_to_json(Report(tuple(results), run, {"name": "rkgraph", "version": rkgraph.__version__}))


def _lines(runs: Sequence[_Run], ruleset: RuleSet, options: Options, verbose: bool) -> Lines:
    from dataclasses import replace

    from rkgraph.cli.lint_text import describe, suggest

    for number, (result, suggested, error) in enumerate(runs):
        if error is not None and len(runs) == 1:
            continue  # its error is all there is to say, and is said last
        if number:
            yield "", ""
        yield from describe(result, verbose=verbose)
        yield from suggest(result, ruleset, replace(options, suggested_shapes=suggested))


def _emit_text(text: str, output: Path | None) -> None:
    from rkgraph.files import write_text

    if output is not None:
        write_text(output, text)
    else:
        typer.echo(text, nl=False)


def _emit_lines(lines: Lines, output: Path | None) -> None:
    from rkgraph.cli.output import Output

    if output is not None:
        _emit_text("".join(f"{text}\n" for text, _ in lines), output)
        return
    printer = Output()
    for text, style in lines:
        if style == "command":
            typer.secho(text, fg=typer.colors.CYAN)  # never wrapped: it is there to be pasted
        elif printer.is_terminal:
            printer.print(_wrapped(text), style or None)
        else:
            printer.print(text)


def _wrapped(text: str) -> str:
    """A line folded to the terminal's width, what follows indented below it."""
    import shutil
    import textwrap

    indent = " " * (len(text) - len(text.lstrip()) + 4)
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _raise_for_errors(errors: Sequence[ModelError], models: int) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ModelError(f"{len(errors)} of {models} models cannot be read", "the report says why for each of them")
