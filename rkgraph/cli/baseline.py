"""`rkgraph baseline`: a file of the findings that are known, so that only new ones fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import (
    DimOption,
    PrecisionOption,
    QuietOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
)
from rkgraph.cli.configured import ConfigOption, Configuration, IsolatedOption
from rkgraph.config.baseline import FILE
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.lint_run import Run
    from rkgraph.cli.output import Output
    from rkgraph.config.baseline import Baseline

__all__ = ["app"]

app = typer.Typer()

SomeModels = Annotated[
    list[str], typer.Argument(help="ONNX models, bundles, or @FILE.", metavar="MODEL…", show_default=False)
]
TheseModels = Annotated[
    list[str] | None,
    typer.Argument(help="Models; those of the baseline if none is given.", metavar="[MODEL…]", show_default=False),
]
FileOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="The baseline.", metavar="FILE.json", show_default=f"as configured, or {FILE}"),
]


def _linting_options(
    *,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    shape: ShapeOption = None,
    dim: DimOption = None,
) -> None:
    """What settles what is found: options of every command here. `Configuration` reads their values."""


def with_linting_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose `**keywords` are the options of `_linting_options`, in the signature that typer reads."""
    own, shared = (inspect.signature(each, eval_str=True) for each in (command, _linting_options))
    kept = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = own.replace(parameters=[*kept, *shared.parameters.values()])  # type: ignore[attr-defined]
    return command


@app.command()
@with_linting_options
def write(
    ctx: typer.Context,
    models: SomeModels,
    *,
    output: FileOption = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    quiet: QuietOption = False,
    **_linting: object,
) -> None:
    """Write down what is found today, so that lint --baseline fails for what is new.

    A finding is known by what is around its place in the graph, not by names: it stays known when the model is exported
    again. Suppressed findings are left out. A file that is there is replaced.

    Examples:
        rkgraph baseline write models/*.onnx

        rkgraph lint models/*.onnx --baseline rkgraph-baseline.json
    """
    from rkgraph.cli.output import Output
    from rkgraph.config.baseline import Baseline

    place, runs = _linted(ctx, models, output, config, isolated=isolated)
    _keep(place, _grown(Baseline(), runs, place), Output(quiet), runs)


@app.command()
@with_linting_options
def update(
    ctx: typer.Context,
    models: TheseModels = None,
    *,
    output: FileOption = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    quiet: QuietOption = False,
    **_linting: object,
) -> None:
    """Take in what is new and drop what is gone, for some models or all; the rest of the file stays.

    Examples:
        rkgraph baseline update models/detector.onnx
    """
    from rkgraph.cli.output import Output
    from rkgraph.config.baseline import read_baseline

    place, runs = _linted(ctx, models, output, config, isolated=isolated)
    _keep(place, _grown(read_baseline(place), runs, place), Output(quiet), runs)


@app.command()
@with_linting_options
def prune(
    ctx: typer.Context,
    models: TheseModels = None,
    *,
    output: FileOption = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    quiet: QuietOption = False,
    **_linting: object,
) -> None:
    """Drop what is found no more; nothing new is taken in.

    Models of the baseline whose files are gone are dropped, too, where no models are given.

    Examples:
        rkgraph baseline prune
    """
    from rkgraph.cli.output import Output
    from rkgraph.config.baseline import Baseline, key_of, read_baseline

    place, runs = _linted(ctx, models, output, config, isolated=isolated)
    known = read_baseline(place)
    if not models:
        there = {key_of(run.result.model.path, place) for run in runs}
        known = Baseline({name: targets for name, targets in known.models.items() if name in there})
    _keep(place, _grown(known, runs, place, new=False), Output(quiet), runs)


def _linted(
    ctx: typer.Context, models: Sequence[str] | None, output: Path | None, config: Path | None, *, isolated: bool
) -> tuple[Path, list[Run]]:
    """Where the baseline lies, and what is found in the models.

    Raises:
        ModelError: a model cannot be read: half a baseline helps nobody.
        UsageError: no model is there, or an option cannot be used.
    """
    from rkgraph.cli.lint_run import job_of, lint_job, paths_of, settled

    configuration = Configuration(ctx, config, isolated=isolated)
    place = output or configuration.of(None).baseline or Path(FILE)
    paths = paths_of(models) if models else _known_models(place)
    check_outputs([place], [*paths, config])
    runs = [settled(run, None, None) for path in paths for run in lint_job(job_of(path, configuration))]
    error = next((run.error for run in runs if run.error is not None), None)
    if error is not None:
        raise error
    return place, runs


def _known_models(place: Path) -> list[Path]:
    """The models that a baseline names and that are still there."""
    from rkgraph.config.baseline import read_baseline

    paths = [place.parent / name for name in read_baseline(place).models]
    found = [path for path in paths if path.exists()]
    if not found:
        raise UsageError(f"{place}: none of its models is there", "name the models")
    return found


def _grown(known: Baseline, runs: Sequence[Run], place: Path, *, new: bool = True) -> Baseline:
    from rkgraph.config.baseline import key_of

    for run in runs:
        known = known.with_result(key_of(run.result.model.path, place), run.result, grow=new)
    return known


def _keep(place: Path, baseline: Baseline, printer: Output, runs: Sequence[Run]) -> None:
    """Write the file, and say what became of it."""
    from rkgraph.config.baseline import Baseline, read_baseline, write_baseline

    before = read_baseline(place).fingerprints if place.exists() else Baseline().fingerprints
    write_baseline(place, baseline)
    after = baseline.fingerprints
    added, gone = len(after - before), len(before - after)
    models = f"{len(runs)} model{'' if len(runs) == 1 else 's'}"
    printer.note(f"wrote {place}: {baseline.count} findings, {added} new, {gone} gone ({models} linted)", "good")
