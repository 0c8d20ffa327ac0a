"""`rkgraph lint`: what compiler and board will make of models, without building anything; with --verify, what is so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.common import (
    CalibrationOption,
    DimOption,
    FailOnOption,
    OutputOption,
    PrecisionOption,
    QuietOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
    VerboseOption,
    parse_dims,
    parse_shapes,
    resolve_rules_and_target,
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
    Verifier,
    VerifyOption,
    VerifyOptions,
)
from rkgraph.diagnostics import Severity
from rkgraph.errors import ExitCode, ModelError, ToolkitFailed, UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.results import Report, Result
    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.tables.user_table import UserTable
    from rkgraph.targets import Target

__all__ = ["command"]

ModelsArgument = Annotated[
    list[str],
    typer.Argument(help="ONNX models, bundles, or @FILE with one path a line.", metavar="MODEL…", show_default=False),
]


def command(
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
    output: OutputOption = None,
    json_output: JsonFile = None,
    sarif_output: SarifFile = None,
    junit_output: JunitFile = None,
    github_output: GithubFile = None,
    gitlab_output: GitlabFile = None,
    markdown_output: MarkdownFile = None,
    html_output: HtmlFile = None,
    fail_on: FailOnOption = Severity.ERROR,
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

    Examples:
        rkgraph lint model.onnx

        rkgraph lint model.onnx --target rk3576 --shape input_ids=1x256

        rkgraph lint @models.txt --format json -o report.json

        rkgraph lint *.onnx --sarif-output a.sarif --markdown-output comment.md

        rkgraph lint model.onnx --matrix

        rkgraph lint model.onnx --verify --evidence-output new.jsonl
    """
    import time
    from contextlib import ExitStack

    from rkgraph.cli.output import Output
    from rkgraph.rulebook.rule import Options
    from rkgraph.rulebook.ruleset import load_ruleset

    started = time.time()
    name, resolved = resolve_rules_and_target(rules, toolkit, target, precision)
    ruleset = load_ruleset(name)
    printer = Output(quiet, verbose)
    files = ReportFiles(
        json_output, sarif_output, junit_output, github_output, gitlab_output, markdown_output, html_output
    )
    delivery = Delivery(format, output, files, fail_on, printer)
    options = Options(shapes=parse_shapes(shape), dims=parse_dims(dim), with_graph=delivery.is_data)
    wanted = VerifyOptions(verify, evidence_output, timeout, memory, toolkit_python)
    paths = _paths(models)
    delivery.check()
    _check_writable(evidence_output)
    if matrix:
        if verify:
            raise UsageError("--matrix and --verify do not go together", "verify one target: --target NAME --verify")
        delivery.deliver(*_survey(paths, options, started))
        return
    if calibration is not None and (verify or len(paths) > 1):
        raise UsageError("--calibration is for one model, without --verify", "lint it once with each of both")
    shown = format is Format.TEXT and output is None
    runs: list[_Run] = []
    with ExitStack() as stack:
        verifier = stack.enter_context(Verifier(resolved, ruleset, wanted, printer)) if verify else None
        waits = len(paths) > 1 and not shown and verifier is None
        tell = stack.enter_context(printer.progress(f"lint {len(paths)} models")) if waits else str
        for path in paths:
            tell(str(path))
            done = _lint(path, resolved, ruleset, options, verifier, calibration=calibration)
            if shown:
                printer.lines(_lines(done, ruleset, options, printer, first=not runs, alone=len(paths) == 1))
            runs += done
    report = _report([run.result for run in runs], started)
    unsaid = [] if shown else runs
    delivery.deliver(
        report,
        lambda: (text for text, _ in _lines(unsaid, ruleset, options, printer, first=True, alone=len(paths) == 1)),
    )
    if verifier is not None:
        verifier.write_evidence()
    _raise_for_errors([run.error for run in runs if run.error], len(runs))
    if any(d.severity.rank >= fail_on.rank for run in runs for d in run.result.diagnostics):
        raise typer.Exit(ExitCode.FINDINGS)


def _survey(paths: Sequence[Path], options: Options, started: float) -> tuple[Report, Callable[[], Iterator[str]]]:
    """`--matrix`: all results, and the lines of a table a model."""
    from rkgraph.cli.lint_matrix import lint_everywhere, matrix_lines

    surveyed = {path: lint_everywhere(path, options) for path in paths}
    report = _report([result for results in surveyed.values() for result in results], started)
    return report, lambda: (line for path, results in surveyed.items() for line in matrix_lines(str(path), results))


@dataclass(frozen=True)
class _Run:
    """One model.

    Attributes:
        result: what was found.
        suggested: shapes to suggest for its dynamic inputs.
        error: why it could not be read, or why the compiler gave no answer.
        bundle: the bundle that it lies in.
    """

    result: Result
    suggested: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    error: ModelError | ToolkitFailed | None = None
    bundle: Path | None = None


def _lint(
    path: Path,
    target: Target,
    ruleset: RuleSet,
    options: Options,
    verifier: Verifier | None,
    *,
    calibration: Path | None = None,
) -> list[_Run]:
    """Lint what lies at a path: a model, or all models of a bundle that go to the NPU."""
    from rkgraph.engine.lint import failed

    try:
        sources = _sources(path)
    except ModelError as error:
        return [_Run(failed(str(path), target, error), error=error)]
    bundle = path if path.is_dir() else None
    if calibration is not None and len(sources) == 1:
        return [replace(_observe(sources[0], target, ruleset, options, calibration), bundle=bundle)]
    return [replace(_lint_model(source, target, ruleset, options, verifier), bundle=bundle) for source in sources]


def _observe(path: Path, target: Target, ruleset: RuleSet, options: Options, calibration: Path) -> _Run:
    """Lint one model, and what its values hold on samples."""
    from rkgraph.analysis.observed import Observations
    from rkgraph.cli.fix_options import read_samples
    from rkgraph.engine.lint import failed, lint_view, with_troubles
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.graph.load import read_view
    from rkgraph.graph.model import Model

    try:
        view, model = read_view(path, shapes=options.shapes, dims=options.dims), Model.load(path)
    except ModelError as error:
        return _Run(failed(str(path), target, error), error=error)
    observed = with_troubles(Observations(model, read_samples(calibration, model, options)), target)
    suggested = suggested_shapes(view, path)
    told = replace(options, suggested_shapes=suggested)
    return _Run(lint_view(view, target, ruleset, told, user=_user_table(), observed=observed), suggested)


def _lint_model(path: Path, target: Target, ruleset: RuleSet, options: Options, verifier: Verifier | None) -> _Run:

    from rkgraph.engine.lint import failed, lint_view
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.graph.load import read_view

    try:
        view = read_view(path, shapes=options.shapes, dims=options.dims)
    except ModelError as error:
        return _Run(failed(str(path), target, error), error=error)
    suggested = suggested_shapes(view, path)
    told = replace(options, suggested_shapes=suggested)
    if verifier is None:
        return _Run(lint_view(view, target, ruleset, told, user=_user_table()), suggested)
    try:
        verified = verifier.verify(path, told, _user_table())
    except ToolkitFailed as error:  # the other models are still to be done
        return _Run(lint_view(view, target, ruleset, told, user=_user_table()), suggested, error)
    return _Run(verified.result, suggested, verified.cut_short)


@lru_cache(maxsize=1)
def _user_table() -> UserTable:
    """What `rkgraph probe --model … --add` has learnt. Raises UsageError where that cannot be read."""
    from rkgraph.tables.user_table import load_user_table

    return load_user_table()


def _sources(path: Path) -> tuple[Path, ...]:
    """The ONNX models at a path. Raises ModelError for a folder that is no bundle, or that keeps no ONNX model."""
    if not path.is_dir():
        return (path,)
    from rkgraph.compile.manifest import Bundle, is_bundle

    if not is_bundle(path):
        raise ModelError(
            f"{path}: is a folder, and no bundle", "give an .onnx file, or a bundle: rkgraph fix … -o X.rk"
        )
    try:
        bundle = Bundle.read(path)
        stages = [stage for stage in bundle.stages if stage.kind == "rknn" and stage.source is not None]
        sources = tuple(bundle.path(stage.source) for stage in stages if stage.source is not None)
    except UsageError as error:
        raise ModelError(error.message, error.hint) from error
    if not sources:
        raise ModelError(f"{path}: this bundle keeps no ONNX model to lint", "lint the model it was compiled from")
    return sources


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


def _report(results: Sequence[Result], started: float) -> Report:
    import time

    import rkgraph
    from rkgraph.results import Report

    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    run = {"started": begun, "seconds": round(time.time() - started, 3)}
    return Report(tuple(results), run, {"name": "rkgraph", "version": rkgraph.__version__})


def _lines(
    runs: Sequence[_Run], ruleset: RuleSet, options: Options, printer: Output, *, first: bool, alone: bool
) -> Iterator[tuple[str, str]]:
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
        yield from suggest(run.result, ruleset, replace(options, suggested_shapes=run.suggested), run.bundle)


def _check_writable(*outputs: Path | None) -> None:
    if any(outputs):
        from rkgraph.files import check_writable

        check_writable(*outputs)


def _raise_for_errors(errors: Sequence[ModelError | ToolkitFailed], models: int) -> None:
    if len(errors) == 1:
        raise errors[0]
    unread = sum(isinstance(error, ModelError) for error in errors)
    if unread:
        raise ModelError(f"{unread} of {models} models cannot be read", "the report says why for each of them")
    if errors:
        raise ToolkitFailed(f"the compiler gave no answer for {len(errors)} of {models} models", errors[0].hint)
