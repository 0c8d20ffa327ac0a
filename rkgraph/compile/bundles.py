"""Compiling a bundle: every rknn stage is built, and the manifest says so afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.compile.compiler import Compiled, compile_model
from rkgraph.compile.folders import check_place, put_in_place, workshop
from rkgraph.compile.manifest import Bundle, BundleStage
from rkgraph.compile.model_files import copy_model
from rkgraph.compile.plan import Plan
from rkgraph.compile.stage_samples import keep_samples, samples_of_stages
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view

if TYPE_CHECKING:
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.toolchain import Toolchain

__all__ = ["CompiledBundle", "compile_bundle", "compile_to_bundle"]

Tell = Callable[[str], None]
_SAMPLES = "calibration.npz"


@dataclass(frozen=True)
class CompiledBundle:
    """The bundle as it lies on disk, and what each of its rknn stages became, in order."""

    bundle: Bundle
    stages: tuple[Compiled, ...]


def compile_bundle(
    bundle: Bundle,
    output: Path,
    plan: Plan,
    chain: Toolchain,
    *,
    cache: CompileCache | None = None,
    tell: Tell = lambda _text: None,
) -> CompiledBundle:
    """Build all rknn stages of a bundle into the folder `output`, which may be the bundle's own.

    Args:
        bundle: what to compile; every rknn stage needs its source.
        output: a folder that does not exist, or an older bundle, which is replaced as a whole once all is built.
        plan: target, options, samples and verification; its model is ignored. Samples are those of the bundle's inputs
            (or of the only stage's), and are run through the stages in front; feeds to verify with are those of a
            stage, so they can be given only where there is one to build.
        chain: the toolkit, as for `compile_model`.
        cache: where results are kept; None: nowhere.
        tell: called with a few words as each step begins.

    Raises:
        UsageError: a stage has no source, samples or feeds are ambiguous, or `output` cannot take a bundle.
        ModelError, ToolkitMissing, CompileFailed: as `compile_model`.
    """
    wanted = [index for index, stage in enumerate(bundle.stages) if stage.kind == "rknn"]
    _check(bundle, wanted, plan, output)
    own = output.resolve() == bundle.folder.resolve()
    with workshop(output) as work, tempfile.TemporaryDirectory(prefix="rkgraph-") as scratch:
        compiled, models = [], {}
        samples: dict[int, Path] = {}
        if plan.calibration is not None:
            tell("run the calibration samples through the stages in front")
            samples = samples_of_stages(bundle, wanted, plan.calibration, plan.config.given(), Path(scratch))
        for index in wanted:
            stage = bundle.stages[index]
            source = bundle.path(stage.source or "")
            models[index] = f"{source.stem}.rknn" if _alone(bundle.stages, stage) else f"{source.stem}-{index}.rknn"
            told = _prefixed(tell, stage.name) if len(wanted) > 1 else tell
            compiled.append(
                compile_model(
                    replace(plan, model=source, calibration=samples.get(index)),
                    work / models[index],
                    chain,
                    cache=cache,
                    tell=told,
                )
            )
        built = bundle.with_models(models, plan.target, _options(plan, compiled))
        stages = {index: bundle.stages[index] for index in samples}
        kept = _SAMPLES if stages and keep_samples(stages, samples, work / _SAMPLES) else None
        built = replace(built, calibration=kept)
        if own:
            for file in (*models.values(), *filter(None, [kept])):
                (work / file).replace(output / file)
            built.write()
        else:
            built = _assemble(built, work, output)
    return CompiledBundle(built, tuple(compiled))


def compile_to_bundle(
    plan: Plan,
    output: Path,
    chain: Toolchain,
    *,
    cache: CompileCache | None = None,
    tell: Tell = lambda _text: None,
) -> CompiledBundle:
    """Build one model into a new bundle that holds the .rknn and a copy of the ONNX model.

    Args:
        plan: what to build.
        output: a folder that does not exist, or an older bundle, which is replaced.
        chain: the toolkit, as for `compile_model`.
        cache: where results are kept; None: nowhere.
        tell: called with a few words as each step begins.

    Raises:
        UsageError: `output` cannot take a bundle, or as `compile_model`.
        ModelError, ToolkitMissing, CompileFailed: as `compile_model`.
    """
    _check_output(output)
    with workshop(output) as work:
        file = f"{plan.model.stem}.rknn"
        compiled = compile_model(plan, work / file, chain, cache=cache, tell=tell)
        copy_model(plan.model, work, plan.model.name)
        stage = BundleStage.of(read_view(plan.model), plan.model.name)
        bundle = Bundle(work, (stage,), stage.inputs, stage.outputs)
        built = bundle.with_models({0: file}, plan.target, _options(plan, (compiled,)))
        kept = plan.calibration and keep_samples({0: stage}, {0: plan.calibration}, work / _SAMPLES)
        replace(built, calibration=_SAMPLES if kept else None).write()
        return CompiledBundle(put_in_place(work, output), (compiled,))


def _options(plan: Plan, compiled: Iterable[Compiled]) -> dict[str, Any]:
    """The build options to keep: those given, and the islands that were found, without which nobody builds the same."""
    built = [(each.result.compile or {}).get("options", {}).get("fp16_islands", ()) for each in compiled]
    islands = list(dict.fromkeys(name for names in built for name in names))
    return {**plan.config.given(), **({"fp16_islands": islands} if islands else {})}


def _check(bundle: Bundle, wanted: Sequence[int], plan: Plan, output: Path) -> None:
    if not wanted:
        raise UsageError(f"{bundle.folder}: has no stage for the NPU", "there is nothing to compile")
    for index in wanted:
        if bundle.stages[index].source is None:
            raise UsageError(
                f"{bundle.folder}: stage {bundle.stages[index].name} was kept without its ONNX model",
                "a .rknn cannot be compiled again: make the bundle again with rkgraph fix",
            )
    given = plan.verify and (plan.verify.inputs or plan.verify.against)
    if given and len(wanted) > 1:
        raise UsageError(
            f"{given}: the bundle has {len(wanted)} stages to build, and inputs to verify with belong to one",
            "compile the stages one by one: rkgraph compile FOLDER/STAGE.onnx",
        )
    _check_output(output)


def _check_output(output: Path) -> None:
    if output.suffix == ".onnx":
        raise UsageError(f"{output}: a compiled model is no .onnx", f"give -o {output.with_suffix('.rknn').name}")
    check_place(output)


def _alone(stages: Sequence[BundleStage], stage: BundleStage) -> bool:
    """Whether no other stage would give its .rknn the same name."""
    stem = Path(stage.source or "").stem
    return sum(Path(each.source or "").stem == stem for each in stages if each.kind == "rknn") == 1


def _prefixed(tell: Tell, name: str) -> Tell:
    return lambda text: tell(f"{name}: {text}")


def _assemble(built: Bundle, work: Path, output: Path) -> Bundle:
    """Complete the new folder with the sources and put it in its place."""
    for source in dict.fromkeys(stage.source for stage in built.stages if stage.source is not None):
        path = built.path(source)
        (work / source).parent.mkdir(parents=True, exist_ok=True)
        copy_model(path, (work / source).parent, path.name)
    for weight in built.weights:
        shutil.copyfile(built.path(weight.file), work / weight.file)
    replace(built, folder=work).write()
    return put_in_place(work, output)
