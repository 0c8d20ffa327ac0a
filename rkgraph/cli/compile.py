"""`rkgraph compile`: build with the real toolkit, map the layers back, verify the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rkgraph.cli.checks import check_only_with, check_outputs
from rkgraph.cli.common import (
    BuildMemoryOption,
    BuildTimeOption,
    CalibrationOption,
    NoCacheOption,
    PrecisionOption,
    QuietOption,
    ReportFileOption,
    RulesOption,
    TargetOption,
    ToolkitOption,
    ToolkitPythonOption,
    VerboseOption,
    home_folder,
)
from rkgraph.cli.configured import Configuration, IsolatedOption, rules_and_target
from rkgraph.compile.islands import Goal
from rkgraph.diagnostics import Verdict
from rkgraph.errors import ExitCode, ModelError, UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.compiler import Compiled
    from rkgraph.compile.manifest import Bundle
    from rkgraph.compile.plan import Plan
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.results import Result

__all__ = ["command"]


def command(
    ctx: typer.Context,
    model: Annotated[
        Path, typer.Argument(help="An ONNX model, or a bundle (a folder).", metavar="MODEL", show_default=False)
    ],
    *,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    calibration: CalibrationOption = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Build options, as TOML.", metavar="FILE", show_default="MODEL.build.toml if it is there"
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the toolkit's simulator and compare with ONNX Runtime.")
    ] = False,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs",
            help="Real inputs (.npz) to verify with.",
            metavar="PATH",
            show_default="of --calibration, or generated",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="ONNX model to verify against.", metavar="PATH", show_default="MODEL"),
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Lowest cosine of an output that passes --verify.", metavar="COSINE")
    ] = 0.999,
    islands: Annotated[
        bool,
        typer.Option("--islands", help="Quantized builds: find tensors that have to stay fp16, by about seven builds."),
    ] = False,
    islands_cosine: Annotated[
        float,
        typer.Option("--islands-cosine", help="Mean cosine of an output that islands are to reach.", metavar="COSINE"),
    ] = Goal.cosine,
    islands_int8: Annotated[
        float,
        typer.Option("--islands-int8", help="Least share of NPU cycles that stay int8.", metavar="SHARE"),
    ] = Goal.share,
    layer_errors: Annotated[
        bool,
        typer.Option("--layer-errors", help="Measure what fp16 or 8 bits do to each layer's result, in ONNX Runtime."),
    ] = False,
    no_cache: NoCacheOption = False,
    timeout: BuildTimeOption = 3600.0,
    memory: BuildMemoryOption = None,
    toolkit_python: ToolkitPythonOption = None,
    report: ReportFileOption = None,
    log: Annotated[Path | None, typer.Option("--log", help="Write the toolkit's raw log.", metavar="FILE")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="One file (X.rknn), or a bundle: a folder, any other name.", metavar="PATH"
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help="Configuration to use, what --config is elsewhere.",
            metavar="FILE.toml",
            show_default="$RKGRAPH_CONFIG, or the nearest rkgraph.toml or pyproject.toml",
        ),
    ] = None,
    isolated: IsolatedOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Build a .rknn, map its layers back, verify the numbers.

    An ONNX model becomes a .rknn, or with -o FOLDER a bundle, which simulator and CPU can run too. A bundle is
    compiled in its own folder unless -o says otherwise. The same model with the same options comes from a cache.

    What is asked for every time stands in rkgraph.toml, or in [tool.rkgraph] of pyproject.toml; options count more.

    Exit code 1: the board will refuse an operator, or --verify stayed below the threshold. 4: the toolkit failed.

    Examples:
        rkgraph compile fixed.onnx --target rk3588 -o model.rknn

        rkgraph compile fixed.rk --verify --report result.json

        rkgraph compile fixed.onnx --precision w8a8 --calibration x.npz -o q.rk

        rkgraph compile f.rk --precision w8a8 --calibration x.npz --islands
    """
    import time
    from functools import partial

    from rkgraph.cli.compile_text import LAYER_COLUMNS, describe, layer_rows
    from rkgraph.cli.output import Output, plain_table
    from rkgraph.compile.build_config import BuildConfig, load_build_config, options_beside
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.diagnosis import CompileFailed
    from rkgraph.compile.plan import Plan, Verify
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.toolkit.jobs import Limits
    from rkgraph.toolkit.locate import find_toolkit

    started = time.time()
    said = Configuration(ctx, settings, isolated=isolated, option="--settings").of(model)
    _, resolved = rules_and_target(said)
    check_only_with(ctx, "--verify", verify, "inputs", "against", "threshold")
    check_only_with(ctx, "--islands", islands, "islands_cosine", "islands_int8")
    is_file = output is not None and output.suffix == ".rknn"
    check_outputs([report, log, output if is_file else None], [model, calibration, config, inputs, against, settings])
    if config is None and (found := options_beside(model)).is_file():
        config = found
    options = BuildConfig() if config is None else load_build_config(config, resolved)
    checks = Verify(threshold, inputs, against) if verify else None
    goal = Goal(islands_cosine, islands_int8) if islands else None
    # fp16 refuses samples that are asked for; those of a configuration are for other builds.
    samples = said.calibration if calibration is not None or resolved.precision != "fp16" else None
    plan = Plan(model, resolved, options, samples, checks, goal, layer_errors)
    cache = None if no_cache else CompileCache(home_folder() / "builds")
    out = Output(quiet, verbose)
    if config is not None:
        out.note(f"build options of {config}", "dim")

    find = partial(find_toolkit, resolved.toolkit, toolkit_python, home_folder())
    with Toolchain(find, Limits(timeout, memory)) as chain:
        try:
            stages = _compile(plan, output, chain, cache, out)
        except CompileFailed as failed:
            _keep(log, failed.log)
            _write_report(report, [failed.result], started)
            raise
    _keep(log, "".join(each.log for each in stages))
    _write_report(report, [each.result for each in stages], started)
    for each in stages:
        out.lines(describe(each, verbose=verbose))
        if verbose:
            out.lines((line, "dim") for line in plain_table(LAYER_COLUMNS, layer_rows(each), right=(0, 4, 5)))
    out.note(f"wrote {output or model}", "good")
    if any(_refused(each) for each in stages):
        raise typer.Exit(ExitCode.FINDINGS)


def _compile(
    plan: Plan, output: Path | None, chain: Toolchain, cache: CompileCache | None, out: Output
) -> tuple[Compiled, ...]:
    """Compile what the paths mean: a model to a file, a model to a bundle, a bundle to a bundle or to a file."""
    from dataclasses import replace

    from rkgraph.compile.bundles import compile_bundle, compile_to_bundle
    from rkgraph.compile.compiler import compile_model
    from rkgraph.compile.manifest import Bundle

    model = plan.model
    if not model.exists():
        raise ModelError(f"{model}: no such file or folder", "check the path")
    bundle = Bundle.read(model) if model.is_dir() else None
    if bundle is None and output is None:
        raise UsageError(f"{model}: where to?", f"give -o {model.stem}.rknn, or -o {model.stem}.rk for a bundle")
    target = output or model
    with out.progress(f"compile {model} for {plan.target}") as tell:
        plan = _placed(plan, bundle, chain, tell, out)
        if target.suffix == ".rknn":
            source = model if bundle is None else _only_source(bundle, target)
            return (compile_model(replace(plan, model=source), target, chain, cache=cache, tell=tell),)
        if bundle is None:
            return compile_to_bundle(plan, target, chain, cache=cache, tell=tell).stages
        return compile_bundle(bundle, target, plan, chain, cache=cache, tell=tell).stages


def _placed(plan: Plan, bundle: Bundle | None, chain: Toolchain, tell: Callable[[str], None], out: Output) -> Plan:
    """The plan with the names of `op_target` as the toolkit knows them; what has to be said of them is said."""
    from dataclasses import replace

    from rkgraph.compile.placing import learn_placement

    if not plan.config.op_target:
        return plan
    model = plan.model
    if bundle is not None:
        sources = [stage.source for stage in bundle.stages if stage.kind == "rknn" and stage.source is not None]
        if len(sources) != 1:
            raise UsageError(
                f"{model}: op_target names nodes of one model, and the bundle has {len(sources)} to build",
                "compile the stages one by one: rkgraph compile FOLDER/STAGE.onnx",
            )
        model = bundle.path(sources[0])
    placement = learn_placement(replace(plan, model=model), chain, tell)
    for warning in placement.warnings:
        out.note(f"warning: {warning}", "warning")
    return replace(placement.plan, model=plan.model)


def _only_source(bundle: Bundle, output: Path) -> Path:
    """The ONNX model of a bundle of one stage; other bundles do not fit into one .rknn."""
    if len(bundle.stages) != 1 or bundle.stages[0].kind != "rknn" or bundle.stages[0].source is None:
        names = ", ".join(f"{stage.name} ({stage.kind})" for stage in bundle.stages)
        raise UsageError(f"{output}: one .rknn cannot hold the stages {names}", "give -o FOLDER.rk")
    return bundle.path(bundle.stages[0].source)


def _refused(compiled: Compiled) -> bool:
    """Whether the board will refuse the file, or its numbers are not good enough."""
    unmet = compiled.verification is not None and not compiled.verification.passed
    return unmet or compiled.result.verdict is not Verdict.DEPLOYABLE


def _keep(path: Path | None, log: str) -> None:
    from rkgraph.files import write_text

    if path is not None:
        write_text(path, log)


def _write_report(path: Path | None, results: Sequence[Result], started: float) -> None:
    import time

    import rkgraph
    from rkgraph.files import write_text
    from rkgraph.report.document import report_to_json
    from rkgraph.results import Report

    if path is None:
        return
    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    run = {"started": begun, "seconds": round(time.time() - started, 3)}
    write_text(path, report_to_json(Report(tuple(results), run, {"name": "rkgraph", "version": rkgraph.__version__})))
