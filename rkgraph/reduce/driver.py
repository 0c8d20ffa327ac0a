"""From a model that something is wrong with to a bug report: find out what, reduce, write the zip."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.build_config import BuildConfig
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import PinShapes
from rkgraph.reduce.archive import write_archive
from rkgraph.reduce.builds import Builds
from rkgraph.reduce.detect import Wanted, find_symptom
from rkgraph.reduce.feeds import FeedSource
from rkgraph.reduce.outcome import Predicate, Slipped
from rkgraph.reduce.reducer import Budget, Reduction, reduce_model
from rkgraph.reduce.steadiness import Share, careful, share_of
from rkgraph.reduce.symptoms import Symptom
from rkgraph.targets import Target, precision_config
from rkgraph.toolkit.jobs import Limits

if TYPE_CHECKING:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.toolchain import Toolchain

__all__ = ["Reduced", "Request", "reduce_to_report"]

_PER_INPUT = ("mean_values", "std_values", "quant_img_RGB2BGR")
"""Options with an entry for each input of the original: a part of the model has other inputs."""

_SLOW_SECONDS = 3.0
_LEAST_SECONDS = 30.0
_TIMES_AS_LONG = 5.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What to reduce, and how.

    Attributes:
        model: the .onnx file.
        output: the zip to write.
        target: what to build for.
        config: further build options; those with an entry for each input are left out.
        wanted: what to look for.
        shapes, dims: what to pin dynamic inputs to.
        budget: what the search may cost.
        keep_names, keep_weights: whether these stay as they are.
        limits: of one build of the original; candidates get as much memory, and little more time than it took.
    """

    model: Path
    output: Path
    target: Target
    config: BuildConfig
    wanted: Wanted
    shapes: Mapping[str, tuple[int, ...]]
    dims: Mapping[str, int]
    budget: Budget
    keep_names: bool = False
    keep_weights: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Reduced:
    """What came of it.

    Attributes:
        reduction: sizes and how it ended.
        symptom: what was held on to.
        builds: how often the toolkit ran; the cache knew the other tries.
        share: how often the result shows it.
    """

    reduction: Reduction
    symptom: Symptom
    builds: int
    share: Share


def reduce_to_report(
    request: Request,
    chain: Toolchain,
    *,
    cache: CompileCache | None = None,
    tell: Tell = lambda _text: None,
    found: Callable[[Symptom], None] = lambda _symptom: None,
    folders: Sequence[Path] = (),
) -> Reduced:
    """Find out what the model shows, reduce it, and write the zip.

    Args:
        request: what to do.
        chain: the toolkit.
        cache: of builds; an interrupted reduction goes on from it.
        tell: called with a few words of progress.
        found: called with what the model shows, before it is reduced.
        folders: further folders whose names are taken out of the log.

    Raises:
        ModelError, UsageError: the model, its shapes or the output do not fit.
        NotShown: there is nothing to reduce, or not what is wanted.
        ToolkitMissing, ToolkitFailed: as of the worker.
    """
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as name:
        folder = Path(name)
        model = _pinned(request, folder)
        builds = _builds(request, model, chain, folder, cache)
        symptom = find_symptom(model, builds, request.wanted, name=str(request.model), tell=tell)
        found(symptom)
        slow = builds.seconds > _SLOW_SECONDS
        if builds.seconds:  # what takes much longer than the original is not smaller
            least = max(_LEAST_SECONDS, _TIMES_AS_LONG * builds.seconds)
            chain.start().limits = Limits(min(request.limits.seconds, least), request.limits.memory_mb)
        result = folder / "model.onnx"
        reduction = _once(request, model, symptom, result, tell, slow=slow)
        if reduction is None or not share_of(symptom, result).steady:
            tell("it is not shown in every process: how often by the model as it is?")
            symptom = careful(symptom, share_of(symptom, model))
            reduction = _reduced(request, model, symptom, result, tell)
        share = share_of(symptom, result)
        secret = [*folders, request.model.parent]
        write_archive(request.output, result, reduction, symptom, share=share, folders=secret)
    return Reduced(reduction, symptom, builds.count, share)


def _once(request: Request, model: Path, symptom: Symptom, result: Path, tell: Tell, *, slow: bool) -> Reduction | None:
    """The reduction; None where a second look, which pays where builds are slow, shows that it is about chance."""
    try:
        return _reduced(request, model, symptom, result, tell, symptom.second_look if slow else None)
    except Slipped:
        return None


def _reduced(  # noqa: PLR0917  # what, for what, and where to
    request: Request,
    model: Path,
    symptom: Symptom,
    result: Path,
    tell: Tell,
    second_look: Predicate | None = None,
) -> Reduction:
    return reduce_model(
        model,
        symptom,
        result,
        what=symptom.what,
        keep_names=request.keep_names,
        keep_weights=request.keep_weights,
        budget=request.budget,
        renamed=symptom.renamed,
        second_look=second_look,
        tell=tell,
    )


def _pinned(request: Request, folder: Path) -> Path:
    if not request.shapes and not request.dims:
        return request.model
    model = Model.load(request.model)
    model.apply(PinShapes(dict(request.shapes), dict(request.dims)))
    path = folder / "pinned.onnx"
    model.save(path, "inline")
    return path


def _builds(request: Request, model: Path, chain: Toolchain, folder: Path, cache: CompileCache | None) -> Builds:
    target = request.target
    quantized = bool(precision_config(target)["do_quantization"])
    return Builds(
        chain=chain,
        target=target,
        folder=folder,
        config=_for_any_input(request.config.config_arguments(target)),
        build=request.config.build_arguments(target),
        source=FeedSource(model, request.wanted.cases) if quantized else None,
        cache=cache,
    )


def _for_any_input(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in _PER_INPUT}
