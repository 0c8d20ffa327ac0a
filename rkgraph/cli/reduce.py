"""`rkgraph reduce`: the smallest model that still fails in the same way, as a bug report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rkgraph.cli.checks import check_outputs
from rkgraph.cli.common import (
    BuildMemoryOption,
    BuildTimeOption,
    DimOption,
    NoCacheOption,
    PrecisionOption,
    QuietOption,
    RulesOption,
    ShapeOption,
    TargetOption,
    ToolkitOption,
    ToolkitPythonOption,
    VerboseOption,
    home_folder,
    parse_dims,
    parse_shapes,
    resolve_rules_and_target,
)
from rkgraph.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.reduce.detect import Wanted
    from rkgraph.reduce.driver import Reduced

__all__ = ["command", "told"]

_KINDS = ("build", "no-kernel", "device", "numbers")
_CACHE_BYTES = 1 << 30


def command(
    model: Annotated[Path, typer.Argument(help="An ONNX model.", metavar="MODEL", show_default=False)],
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--for", help="build, no-kernel, device or numbers.", metavar="SYMPTOM", show_default="whatever it shows"
        ),
    ] = None,
    node: Annotated[
        str | None, typer.Option("--node", help="The node that is meant, by name.", metavar="NAME", show_default=False)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="With --for device: cpu or npu.", metavar="DEVICE", show_default=False),
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Lowest cosine of an output that is right.", metavar="COSINE")
    ] = 0.99,
    inputs: Annotated[
        Path | None,
        typer.Option("--inputs", help="Real inputs (.npz) to compare with.", metavar="PATH", show_default="generated"),
    ] = None,
    target: TargetOption = "rk3588",
    rules: RulesOption = None,
    toolkit: ToolkitOption = None,
    precision: PrecisionOption = "fp16",
    config: Annotated[
        Path | None, typer.Option("--config", help="Further build options, as TOML.", metavar="FILE")
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    keep_names: Annotated[bool, typer.Option("--keep-names", help="Leave the names of the model as they are.")] = False,
    keep_weights: Annotated[
        bool, typer.Option("--keep-weights", help="Leave weights as they are; they may tell what was learnt.")
    ] = False,
    max_builds: Annotated[
        int, typer.Option("--max-builds", help="Candidates to try at most.", min=1, metavar="COUNT")
    ] = 1000,
    time: Annotated[
        float,
        typer.Option("--time", help="Seconds after which the best so far is written.", min=1.0, metavar="SECONDS"),
    ] = 1800.0,
    timeout: BuildTimeOption = 3600.0,
    memory: BuildMemoryOption = None,
    no_cache: NoCacheOption = False,
    toolkit_python: ToolkitPythonOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The zip to write.", metavar="FILE.zip", show_default="repro.zip"),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Cut a model that fails down to a small bug report.

    Builds the model, finds what it shows (a build that fails or dies, a node without a kernel, wrong numbers in the
    simulator), and takes away all that does not matter, until nothing more can go. The zip holds the reduced model,
    the log, the versions and a script that needs rknn-toolkit2 only. Names and weights are replaced. Ctrl-C writes the
    best so far; the next run goes on from the cache.

    Exit code 2: the model does not show it. 4: the toolkit failed on the way, 130: interrupted; the best so far is
    written.

    Examples:
        rkgraph reduce model.onnx -o repro.zip

        rkgraph reduce model.onnx --for device --node /layer/Gather --device cpu

        rkgraph reduce model.onnx --for numbers --threshold 0.999 --inputs x.npz
    """
    from functools import partial

    from rkgraph.cli.output import Output
    from rkgraph.compile.build_config import BuildConfig, load_build_config
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.reduce.driver import Request, reduce_to_report
    from rkgraph.reduce.reducer import Budget
    from rkgraph.reduce.symptoms import Symptom
    from rkgraph.toolkit.jobs import Limits
    from rkgraph.toolkit.locate import find_toolkit

    _, resolved = resolve_rules_and_target(rules, toolkit, target, precision)
    where = output or Path("repro.zip")
    check_outputs([where], [model, inputs, config])
    out = Output(quiet, verbose)
    request = Request(
        model=model,
        output=where,
        target=resolved,
        config=BuildConfig() if config is None else load_build_config(config, resolved),
        wanted=_wanted(kind, node, device, threshold, inputs, model),
        shapes=parse_shapes(shape),
        dims=parse_dims(dim),
        budget=Budget(max_builds, time),
        keep_names=keep_names,
        keep_weights=keep_weights,
        limits=Limits(timeout, memory),
    )

    def found(symptom: Symptom) -> None:
        out.note(f"{model} shows {symptom.what} ({resolved})")

    def tell_all(text: str) -> None:
        tell(text)
        if verbose:
            out.note(text, "dim")

    cache = None if no_cache else CompileCache(home_folder() / "reduce", _CACHE_BYTES)
    find = partial(find_toolkit, resolved.toolkit, toolkit_python, home_folder())
    with Toolchain(find, request.limits, takes=1) as chain, out.progress(f"reduce {model.name}") as tell:
        secret = [home_folder(), *([toolkit_python.resolve().parent.parent] if toolkit_python else [])]
        reduced = reduce_to_report(request, chain, cache=cache, tell=tell_all, found=found, folders=secret)
    out.lines(told(reduced))
    out.note(f"wrote {where}", "good")
    if reduced.reduction.stopped not in ("", "tries", "time"):
        interrupted = reduced.reduction.stopped == "interrupted"
        raise typer.Exit(ExitCode.INTERRUPTED if interrupted else ExitCode.TOOLKIT_FAILED)


def _wanted(  # noqa: PLR0917  # the options, in their order
    kind: str | None, node: str | None, device: str | None, threshold: float, inputs: Path | None, model: Path
) -> Wanted:
    """The options that say what to look for, checked before the toolkit is started."""
    from rkgraph.compile.tensors import did_you_mean
    from rkgraph.diagnostics import Device
    from rkgraph.reduce.detect import Wanted

    if kind is not None and kind not in _KINDS:
        raise UsageError(f"--for {kind}: no such symptom", did_you_mean(kind, _KINDS))
    if (device is not None) != (kind == "device"):
        raise UsageError("--for device and --device belong together", "e.g. --for device --node NAME --device cpu")
    if kind == "device" and node is None:
        raise UsageError("--for device: which node?", "give --node NAME, the node's name or that of its first output")
    if device is not None and device not in ("cpu", "npu"):
        raise UsageError(f"--device {device}: no such device", "cpu or npu")
    if not 0.0 < threshold <= 1.0:
        raise UsageError(f"--threshold {threshold:g}: is no cosine to ask for", "give one above 0, up to 1")
    cases = [] if inputs is None else [_feeds(inputs, model)]
    return Wanted(kind, node, None if device is None else Device(device), threshold, cases)  # type: ignore[arg-type]


def _feeds(inputs: Path, model: Path) -> Mapping[str, npt.NDArray[Any]]:
    from rkgraph.compile.tensors import check_feeds, read_npz, tensors_of
    from rkgraph.graph.load import read_view

    feeds = read_npz(inputs)
    check_feeds(feeds, tensors_of(read_view(model).main)[0], str(inputs))
    return feeds


def told(reduced: Reduced) -> Iterator[tuple[str, str]]:
    """What came of it: a table of before and after, how it ended, what is still the original's."""
    from rkgraph.cli.output import plain_table
    from rkgraph.reduce.readme import kept_lines, unsteady, why_stopped

    reduction = reduced.reduction
    before, after = reduction.before, reduction.after
    rows = [
        ("nodes", f"{before.nodes:,}", f"{after.nodes:,}"),
        ("inputs and outputs", f"{before.ends:,}", f"{after.ends:,}"),
        ("numbers in weights", f"{before.weights:,}", f"{after.weights:,}"),
        ("bytes", f"{before.bytes:,}", f"{after.bytes:,}"),
    ]
    for line in plain_table(("", "before", "after"), rows, right=(1, 2)):
        yield line, ""
    cost = f"{reduction.tries} tries, {reduced.builds} builds, {reduction.seconds:.0f} s"
    if reduction.stopped:
        yield f"not the smallest: {why_stopped(reduction)} ({cost}); run it again to go on", "warning"
    else:
        yield f"nothing more can be taken away ({cost})", "good"
    if not reduced.share.steady:
        yield unsteady(reduced.share), "warning"
    for text, gives_away in kept_lines(reduction):
        yield text, "warning" if gives_away else ""
