"""`rkgraph fix`: rewrite a model for the target, every change proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_only_with, check_outputs
from rkgraph.cli.common import (
    AllowOption,
    CalibrationOption,
    DimOption,
    FailOnOption,
    FreezeOption,
    PrecisionOption,
    QuietOption,
    ReportFileOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
    VerboseOption,
    resolve_rules_and_target,
)
from rkgraph.cli.configured import (
    ConfigOption,
    Configuration,
    IsolatedOption,
    marked,
    rules_and_target,
)
from rkgraph.diagnostics import Severity, Verdict
from rkgraph.errors import ExitCode

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.config.settings import Settings
    from rkgraph.engine.fix import FixOutcome, FixSettings
    from rkgraph.engine.plan_file import PlanFile, Request
    from rkgraph.graph.model import Model
    from rkgraph.rulebook.rule import Options
    from rkgraph.targets import Target
    from rkgraph.tune.search import Setting

__all__ = ["command"]


class Format(str, Enum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


class Depth(str, Enum):
    """How much is proved beyond structure and every edit for itself."""

    LOCAL = "local"
    MODEL = "model"
    AUTO = "auto"


def command(  # noqa: PLR0915 - one statement an option, most of them
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="The ONNX model.", metavar="MODEL", show_default=False)],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="One model (X.onnx), or a bundle: a folder, any other name.", metavar="PATH"
        ),
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Overwrite MODEL itself.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, node by node; write no model.")] = False,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    shape: ShapeOption = None,
    dim: DimOption = None,
    freeze: FreezeOption = None,
    allow: AllowOption = None,
    assume: Annotated[
        list[str] | None,
        typer.Option("--assume", help="Vouch for a value: attention_mask=0..1. Repeatable.", metavar="NAME=LOW..HIGH"),
    ] = None,
    proof: Annotated[
        Depth, typer.Option("--proof", help="local: every edit. model: the whole model, too. auto: that below 500 MB.")
    ] = Depth.AUTO,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="Real inputs (.npz) for the whole-model comparison.", metavar="PATH")
    ] = None,
    calibration: CalibrationOption = None,
    lm_head_shards: Annotated[
        int,
        typer.Option(
            "--lm-head-shards", help="Compute a large output projection in so many parts.", min=0, metavar="N"
        ),
    ] = 0,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            help="Options and fixes as a file to edit. Not there: written after the run. There: read and followed.",
            metavar="FILE.toml",
        ),
    ] = None,
    rewrite_plan: Annotated[
        bool, typer.Option("--rewrite-plan", help="Follow the plan, then write it anew: new fixes in, stale ones out.")
    ] = False,
    presimplify: Annotated[
        bool, typer.Option("--presimplify", help="Let onnxsim simplify MODEL first; proved, or taken back.")
    ] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Have the toolkit build what may or may not pay; keep what does.")
    ] = False,
    tune_budget: Annotated[
        str, typer.Option("--tune-budget", help="When no further build begins: 90s, 10m, 1h.", metavar="TIME")
    ] = "10m",
    toolkit_python: Annotated[
        Path | None,
        typer.Option("--toolkit-python", help="For --tune: an interpreter that has rknn-toolkit2.", metavar="PATH"),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,  # noqa: A002
    report: ReportFileOption = None,
    fail_on: FailOnOption = Severity.ERROR,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            help="Rules that may change MODEL: RK605, RK6, a name, ALL. Repeatable, or a,b.",
            metavar="RULES",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Rules that may not change MODEL.", metavar="RULES")
    ] = None,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Rewrite a model for the target, every change proved.

    Safe fixes are applied by default, others where an option asks for them; the report says who allowed what. What
    cannot be proved is taken back. MODEL is not changed, unless --in-place is given.

    -o X.onnx writes one model, any other name a bundle: a folder for compile and run. With --allow split, what the NPU
    and its runtime cannot take becomes a stage of the bundle on the host. --calibration runs MODEL on samples: fixes
    that need to know what values hold become possible, and what goes wrong in fp16 is named. Exit code 3: a proof was
    refuted. --quiet prints the verdict and what was written.

    --plan FILE.toml keeps what was asked for and each fix. Set apply = false for a fix to leave out, and give the same
    --plan again, for this model or a later export of it. A plan that is there is only read, unless --rewrite-plan is
    given. Options may add to it; those that contradict it are refused. With --diff it is written, too.

    --tune builds the model with and without each fix that only may pay, and with other compile options, and compares:
    fewer layers on the CPU, then fewer crossings, cycles, bytes. The same command goes on where it was stopped, and
    Ctrl-C keeps the best so far. Options are written to OUTPUT.build.toml, which compile reads.

    --select and --ignore say which rules may change MODEL. What is asked for every time stands in rkgraph.toml, or in
    [tool.rkgraph] of pyproject.toml: a plan counts more than that, and the command line more than both.

    Examples:
        rkgraph fix model.onnx --shape input_ids=1x256 -o fixed.onnx

        rkgraph fix model.onnx --dim batch=1 --dim sequence=256 --diff

        rkgraph fix detector.onnx --allow split -o detector.rk

        rkgraph fix model.onnx --precision w8a8 --calibration x.npz -o f.onnx

        rkgraph fix model.onnx --shape x=1x8 --plan plan.toml -o f.onnx

        rkgraph fix model.onnx --tune --tune-budget 30m -o tuned.onnx
    """
    import time
    from dataclasses import replace
    from functools import partial

    from rkgraph.cli.fix_destination import destination_of, print_next
    from rkgraph.cli.fix_options import check_assumed, parse_assume, parse_freeze, read_cases, read_samples
    from rkgraph.cli.fix_report import report_document
    from rkgraph.cli.fix_request import keep_plan, tell_idle, tell_strange
    from rkgraph.cli.fix_text import describe_stages
    from rkgraph.cli.fix_tune import tuned_fix, write_build_options
    from rkgraph.cli.output import Output
    from rkgraph.engine.fix import FixSettings
    from rkgraph.engine.plan_file import Request
    from rkgraph.files import write_text
    from rkgraph.graph.model import Model
    from rkgraph.tune.search import Setting

    started = time.time()
    check_only_with(ctx, "--tune", tune, "tune_budget", "toolkit_python")
    check_only_with(ctx, "--plan", plan, "rewrite_plan")
    destination = destination_of(model, output, in_place=in_place, diff=diff)
    read = (model if not in_place else None, inputs, calibration, config)
    check_outputs([report, plan, destination.path if destination and destination.is_model else None], read)
    configuration = Configuration(ctx, config, isolated=isolated)
    said = configuration.of(model)
    new = configuration.alone() if plan is not None and plan.exists() else said
    asked = Request(
        *(new.target, rules_and_target(new)[0].name, new.precision, new.allow, lm_head_shards, presimplify, inputs),
        *(new.calibration, new.shapes, new.dims, parse_freeze(freeze), parse_assume(assume)),
    )
    request, known = _with_plan(asked, ctx, plan)
    _, resolved = resolve_rules_and_target(request.rules, None, request.target, request.precision)
    options = _options(request, said)
    printer = Output(quiet, verbose)
    loaded = Model.load(model)
    check_assumed(request.assume, loaded)
    settings = FixSettings(
        assumptions=request.assume,
        inputs=read_cases(request.inputs, loaded, options),
        samples=read_samples(request.calibration, loaded, options),
        counterexamples=Path(f"{destination.path if destination else model}.counterexamples"),
        whole=destination is not None and destination.is_model,
        choices=known.choices,
        presimplify=request.presimplify,
    )
    with printer.progress(f"{'tune' if tune else 'fix'} {model}") as tell:
        fix = partial(_fix, loaded, resolved, request, settings, said=said, proof=proof.value, tell=tell)
        if tune:
            outcome, known = tuned_fix(
                fix, resolved, known, budget=tune_budget, python=toolkit_python, samples=request.calibration, tell=tell
            )
        else:
            outcome = fix(Setting())
    outcome = replace(outcome, before=marked(outcome.before, said), after=marked(outcome.after, said))
    text = report_document(outcome, destination.path if destination else model, started)
    if report is not None:
        write_text(report, text)
    if format is Format.JSON:
        printer.document(text)
    elif diff:
        _print_diff(printer, loaded, outcome.model)
        printer.lines(describe_stages(outcome))
    else:
        _print(printer, outcome)
    tell_idle(printer, outcome, request)
    end = partial(_print_end, printer, format_=format)
    if plan is not None:
        tell_strange(printer, outcome, known, plan)
        if rewrite_plan or not plan.exists():
            keep_plan(plan, outcome, known, request, model)
            end(f"wrote {plan}", "good")
    if outcome.is_wrong:
        end("no model was written: the fixed one was refuted", "error")
        raise typer.Exit(ExitCode.PROOF_REFUTED)
    if destination is not None:
        destination.write(outcome, resolved)
        end(f"wrote {destination.path}" + ("" if destination.is_model else " (a bundle)"), "good")
        for told in write_build_options(destination.path, known.build) if tune or known.build else ():
            end(told, "good")
        if outcome.after.verdict is Verdict.DEPLOYABLE and not outcome.is_refuted and format is Format.TEXT:
            print_next(printer, destination.path, request.rules, resolved, request.calibration)
    _exit(outcome, said.fail_on)


def _with_plan(asked: Request, ctx: typer.Context, plan: Path | None) -> tuple[Request, PlanFile]:
    """What is asked for by command line and plan together, and the plan, empty where there is none yet."""
    from rkgraph.cli.fix_request import agreed
    from rkgraph.engine.plan_file import PlanFile, read_plan

    if plan is None or not plan.exists():
        return asked, PlanFile()
    known = read_plan(plan)
    given = {name for name in ctx.params if (s := ctx.get_parameter_source(name)) is not None and s.name != "DEFAULT"}
    given |= {"rules"} if "toolkit" in given else set()
    return agreed(asked, given, known, plan), known


def _options(request: Request, said: Settings) -> Options:
    from rkgraph.rulebook.rule import Options

    return Options(
        request.shapes,
        request.dims,
        {name: value for name, value in request.freeze.items() if value is not None},
        lm_head_shards=request.lm_head_shards,
        with_graph=True,
        rules=said.rule_options,
        absent=frozenset(name for name, value in request.freeze.items() if value is None),
    )


def _fix(
    model: Model,
    target: Target,
    request: Request,
    settings: FixSettings,
    setting: Setting,
    *,
    said: Settings,
    proof: str,
    tell: Callable[[str], None],
) -> FixOutcome:
    """Fix a copy of the model as `request` asks, and as `setting` chooses among what may pay."""
    from dataclasses import replace

    from rkgraph.engine.fix import fix_model
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.rulebook.ruleset import load_ruleset

    shapes = suggested_shapes(model.view(), model.path)
    shards = setting.shards or request.lm_head_shards
    options = replace(_options(request, said), suggested_shapes=shapes, lm_head_shards=shards)
    without = settings.choices.without | setting.without
    choices = replace(settings.choices, candidates=setting.candidates, without=without)
    settings = replace(settings, choices=choices)
    copy, rules = model.copy(), said.ruleset(load_ruleset(request.rules))
    return fix_model(copy, target, rules, options, request.allow, proof=proof, settings=settings, on_progress=tell)


def _print(printer: Output, outcome: FixOutcome) -> None:
    from rkgraph.cli.fix_text import describe_fix, verdict_change
    from rkgraph.cli.fix_tune import describe_tuning

    printer.lines([verdict_change(outcome)] if printer.quiet else describe_fix(outcome, verbose=printer.verbose))
    if outcome.after.tune is not None and not printer.quiet:
        printer.lines(describe_tuning(outcome.after.tune))


def _print_end(printer: Output, text: str, style: str, *, format_: Format) -> None:
    """What became of the file: a note, but part of the result where --quiet leaves no other."""
    if printer.quiet and format_ is Format.TEXT:
        printer.print(text, style)
    else:
        printer.note(text, style)


def _print_diff(printer: Output, before: Model, after: Model) -> None:
    from rkgraph.engine.diff import diff_lines

    styles = {"-": "error", "+": "good", "@": "note"}
    found = diff_lines(before.view(), after.view())
    printer.lines((f"{sign} {text}".rstrip(), styles.get(sign, "")) for sign, text in found)


def _exit(outcome: FixOutcome, fail_on: Severity) -> None:
    if outcome.is_refuted:
        raise typer.Exit(ExitCode.PROOF_REFUTED)
    if _reaches(fail_on, (d.severity for d in outcome.after.diagnostics if d.counts)):
        raise typer.Exit(ExitCode.FINDINGS)


def _reaches(threshold: Severity, severities: Iterable[Severity]) -> bool:
    return any(severity.rank >= threshold.rank for severity in severities)
