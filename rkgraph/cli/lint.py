"""`rkgraph lint`: what compiler and board will make of models, without building anything; with --verify, what is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import (
    CalibrationOption,
    DimOption,
    FailOnOption,
    PrecisionOption,
    QuietOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
    VerboseOption,
)
from rkgraph.cli.configured import (
    BaselineOption,
    ConfigOption,
    Configuration,
    ExtendSelectOption,
    IgnoreOption,
    IsolatedOption,
    SelectOption,
    SeverityOption,
)
from rkgraph.cli.lint_outputs import (
    Delivery,
    Format,
    FormatOption,
    GithubFile,
    GitlabFile,
    HtmlFile,
    JsonFile,
    JunitFile,
    MarkdownFile,
    ReportFiles,
    SarifFile,
)
from rkgraph.cli.lint_verify import (
    EvidenceOption,
    MemoryOption,
    TimeoutOption,
    ToolkitPythonOption,
    Verifiers,
    VerifyOption,
    VerifyOptions,
)
from rkgraph.diagnostics import Severity
from rkgraph.errors import ExitCode, ModelError, ToolkitFailed, UsageError

if TYPE_CHECKING:
    from rkgraph.cli.lint_run import Job, Run
    from rkgraph.cli.output import Output
    from rkgraph.config.baseline import Baseline
    from rkgraph.results import Report, Result

__all__ = ["command"]

ModelsArgument = Annotated[
    list[str],
    typer.Argument(help="ONNX models, bundles, or @FILE with one path a line.", metavar="MODEL…", show_default=False),
]


def command(
    ctx: typer.Context,
    models: ModelsArgument,
    *,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    shape: ShapeOption = None,
    dim: DimOption = None,
    calibration: CalibrationOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write what --format says to a file, not to stdout.", metavar="FILE"),
    ] = None,
    json_output: JsonFile = None,
    sarif_output: SarifFile = None,
    junit_output: JunitFile = None,
    github_output: GithubFile = None,
    gitlab_output: GitlabFile = None,
    markdown_output: MarkdownFile = None,
    html_output: HtmlFile = None,
    fail_on: FailOnOption = Severity.ERROR,
    select: SelectOption = None,
    extend_select: ExtendSelectOption = None,
    ignore: IgnoreOption = None,
    severity: SeverityOption = None,
    baseline: BaselineOption = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Print what holds for each model, and who says so; lint nothing.")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Every platform with every toolkit, in one table. A survey: exit 0.")
    ] = False,
    verify: VerifyOption = False,
    evidence_output: EvidenceOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    toolkit_python: ToolkitPythonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Predict what compiler and board will make of a model.

    Says whether it will deploy, where each node will run and why, what can be mended, and by which command. Weights
    are not read, nothing is changed. --quiet prints one line a model.

    --calibration runs the model on samples, and names the first nodes that overflow, underflow or lose their digits in
    fp16 (RK240 to RK242); its weights are read, then.

    --verify asks the compiler: the model is built as it is, and each node that runs elsewhere than predicted is a
    finding (RK980, RK981). What the compiler refutes becomes a note. The same model is built once.

    What is asked for every time stands in rkgraph.toml, or in [tool.rkgraph] of pyproject.toml (`rkgraph config` shows
    it); the command line counts more. What is suppressed there, or known to the --baseline, does not fail.

    Examples:
        rkgraph lint model.onnx

        rkgraph lint model.onnx --target rk3576 --shape input_ids=1x256

        rkgraph lint @models.txt --format json -o report.json

        rkgraph lint *.onnx --sarif-output a.sarif --markdown-output comment.md

        rkgraph lint model.onnx --matrix

        rkgraph lint model.onnx --verify --evidence-output new.jsonl
    """
    import time

    from rkgraph.cli.lint_run import job_of, lint_job, paths_of, settled, with_unused
    from rkgraph.cli.output import Output

    started = time.time()
    configuration = Configuration(ctx, config, isolated=isolated)
    general = configuration.of(None)
    printer = Output(quiet, verbose)
    files = ReportFiles(
        json_output, sarif_output, junit_output, github_output, gitlab_output, markdown_output, html_output
    )
    delivery = Delivery(Format(general.format), output, files, general.fail_on, printer)
    wanted = VerifyOptions(verify, evidence_output, timeout, memory, toolkit_python)
    jobs = [job_of(path, configuration, with_graph=delivery.is_data) for path in paths_of(models)]
    if show_settings:
        _show(jobs, configuration, delivery)
        return
    delivery.check([*(job.path for job in jobs), calibration, config, general.baseline], evidence_output)
    if matrix:
        if verify or calibration is not None:
            other = "--verify" if verify else "--calibration"
            raise UsageError(f"--matrix and {other} do not go together", f"ask for one target: --target NAME {other}")
        delivery.deliver(*_survey(jobs, started))
        return
    if calibration is not None and verify:
        raise UsageError("--calibration and --verify do not go together", "lint it once with each of both")
    if calibration is not None and len(jobs) > 1:
        raise UsageError("--calibration has the samples of one model", "lint the models one by one")
    known = _baseline(general.baseline)
    shown = delivery.form is Format.TEXT and output is None
    runs: list[Run] = []
    with ExitStack() as stack:
        verifiers = Verifiers(stack, wanted, printer) if verify else None
        waits = len(jobs) > 1 and not shown and verifiers is None
        tell = stack.enter_context(printer.progress(f"lint {len(jobs)} models")) if waits else str
        for number, job in enumerate(jobs, 1):
            tell(str(job.path))
            first = len(runs)
            runs += [settled(run, known, general.baseline) for run in lint_job(job, verifiers)]
            _tell_unknown(runs[first:], known, general.baseline, printer)
            before = runs
            runs = with_unused(runs) if number == len(jobs) else runs
            if shown:
                printer.lines(_lines(runs[first:], printer, first=first == 0, alone=len(jobs) == 1))
                printer.lines(_added(before[:first], runs[:first]))
    unsaid = [] if shown else runs
    delivery.deliver(
        _report([run.result for run in runs], started),
        lambda: (text for text, _ in _lines(unsaid, printer, first=True, alone=len(jobs) == 1)),
    )
    if verifiers is not None:
        verifiers.write_evidence()
    _raise_for_errors([run.error for run in runs if run.error], len(runs))
    if any(run.fails for run in runs):
        raise typer.Exit(ExitCode.FINDINGS)


def _show(jobs: Sequence[Job], configuration: Configuration, delivery: Delivery) -> None:
    """`--show-settings`: what holds for each model."""
    from rkgraph.cli.settings_text import settings_document, settings_lines

    settings = {str(job.path): job.settings for job in jobs}
    if delivery.form is Format.JSON:
        delivery.printer.document(settings_document(settings, configuration.path))
    else:
        delivery.printer.lines(settings_lines(settings, configuration.path))


def _baseline(path: Path | None) -> Baseline | None:
    if path is None:
        return None
    from rkgraph.config.baseline import read_baseline

    return read_baseline(path)


def _tell_unknown(runs: Sequence[Run], known: Baseline | None, place: Path | None, printer: Output) -> None:
    """Models of which the baseline has nothing: all that is found in them is new."""
    if known is None or place is None:
        return
    from rkgraph.config.baseline import key_of

    for run in runs:
        path, target = run.result.model.path, run.result.target
        if run.error is None and known.entries(key_of(path, place), str(target)) is None:
            printer.note(f"{path} on {target} is not in {place}: `rkgraph baseline update` takes it in", "warning")


def _survey(jobs: Sequence[Job], started: float) -> tuple[Report, Callable[[], Iterator[str]]]:
    """`--matrix`: all results, and the lines of a table a model."""
    from rkgraph.cli.lint_matrix import lint_everywhere, matrix_lines

    surveyed = {job.path: lint_everywhere(job.path, job.options) for job in jobs}
    report = _report([result for results in surveyed.values() for result in results], started)
    return report, lambda: (line for path, results in surveyed.items() for line in matrix_lines(str(path), results))


def _report(results: Sequence[Result], started: float) -> Report:
    import time

    import rkgraph
    from rkgraph.results import Report

    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    run = {"started": begun, "seconds": round(time.time() - started, 3)}
    return Report(tuple(results), run, {"name": "rkgraph", "version": rkgraph.__version__})


def _lines(runs: Sequence[Run], printer: Output, *, first: bool, alone: bool) -> Iterator[tuple[str, str]]:
    from rkgraph.cli.lint_text import describe, suggest, verdict_line

    for number, run in enumerate(runs):
        if run.result.error is not None and alone:
            continue  # its error is all there is to say, and is said last
        if printer.quiet:
            yield verdict_line(run.result)
            continue
        if number or not first:
            yield "", ""
        yield from describe(run.result, verbose=printer.verbose)
        options = replace(run.job.options, suggested_shapes=run.suggested)
        yield from suggest(run.result, run.job.ruleset, options, run.bundle)


def _added(before: Sequence[Run], after: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """What is found of models that have been shown already: suppressions that nothing needed."""
    for was, now in zip(before, after, strict=True):
        for finding in now.result.diagnostics[len(was.result.diagnostics) :]:
            yield f"{now.result.model.path}: {finding.code}  {finding.message}", finding.severity.value


def _raise_for_errors(errors: Sequence[ModelError | ToolkitFailed], models: int) -> None:
    if len(errors) == 1:
        raise errors[0]
    unread = sum(isinstance(error, ModelError) for error in errors)
    if unread:
        raise ModelError(f"{unread} of {models} models cannot be read", "the report says why for each of them")
    if errors:
        raise ToolkitFailed(f"the compiler gave no answer for {len(errors)} of {models} models", errors[0].hint)
