"""Linting what lies at a path, with the settings that hold for it: what `lint` and `baseline` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.cli.configured import Configuration, rules_and_target
from rkgraph.errors import ModelError, ToolkitFailed, UsageError
from rkgraph.rulebook.rule import Options

if TYPE_CHECKING:
    from rkgraph.cli.lint_verify import Verifier
    from rkgraph.config.baseline import Baseline
    from rkgraph.config.settings import Settings
    from rkgraph.config.suppressions import Suppression
    from rkgraph.results import Result
    from rkgraph.rulebook.ruleset import RuleSet
    from rkgraph.tables.user_table import UserTable
    from rkgraph.targets import Target

__all__ = ["Job", "Run", "job_of", "lint_job", "paths_of", "settled", "with_unused"]


@dataclass(frozen=True)
class Job:
    """What is to be linted, and how."""

    path: Path
    settings: Settings
    ruleset: RuleSet
    target: Target
    options: Options


@dataclass(frozen=True)
class Run:
    """One model.

    Attributes:
        job: what was asked.
        result: what was found.
        suggested: shapes to suggest for its dynamic inputs.
        error: why it could not be read, or why the compiler gave no answer.
        bundle: the bundle that it lies in.
        used: the suppressions that covered something.
    """

    job: Job
    result: Result
    suggested: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    error: ModelError | ToolkitFailed | None = None
    bundle: Path | None = None
    used: frozenset[Suppression] = frozenset()

    @property
    def fails(self) -> bool:
        """Whether something that counts is as bad as the settings allow no more."""
        worst = self.job.settings.fail_on.rank
        return any(d.severity.rank >= worst for d in self.result.diagnostics if d.counts)


def job_of(path: Path, configuration: Configuration, *, with_graph: bool = False) -> Job:
    """How a model is linted. Raises UsageError, TargetError where what is asked for cannot be."""
    settings = configuration.of(path)
    ruleset, target = rules_and_target(settings)
    options = Options(settings.shapes, settings.dims, with_graph=with_graph, rules=settings.rule_options)
    return Job(path, settings, ruleset, target, options)


def lint_job(job: Job, verifier: Callable[[Job], Verifier] | None = None) -> list[Run]:
    """Lint what lies at a path: a model, or all models of a bundle that go to the NPU."""
    from rkgraph.engine.lint import failed

    try:
        sources = _sources(job.path)
    except ModelError as error:
        return [Run(job, failed(str(job.path), job.target, error), error=error)]
    bundle = job.path if job.path.is_dir() else None
    calibration = job.settings.calibration
    if calibration is not None and len(sources) == 1 and verifier is None:
        return [replace(_observe(job, sources[0], calibration), bundle=bundle)]
    return [replace(_lint_model(job, source, verifier), bundle=bundle) for source in sources]


def _observe(job: Job, path: Path, calibration: Path) -> Run:
    """Lint one model, and what its values hold on samples."""
    from rkgraph.analysis.observed import Observations
    from rkgraph.cli.fix_options import read_samples
    from rkgraph.engine.lint import failed, lint_view, with_troubles
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.graph.load import read_view
    from rkgraph.graph.model import Model

    options, target = job.options, job.target
    try:
        view, model = read_view(path, shapes=options.shapes, dims=options.dims), Model.load(path)
    except ModelError as error:
        return Run(job, failed(str(path), target, error), error=error)
    observed = with_troubles(Observations(model, read_samples(calibration, model, options)), target)
    suggested = suggested_shapes(view, path)
    told = replace(options, suggested_shapes=suggested)
    return Run(job, lint_view(view, target, job.ruleset, told, user=_user_table(), observed=observed), suggested)


def _lint_model(job: Job, path: Path, verifier: Callable[[Job], Verifier] | None) -> Run:
    from rkgraph.engine.lint import failed, lint_view
    from rkgraph.engine.suggest import suggested_shapes
    from rkgraph.graph.load import read_view

    try:
        view = read_view(path, shapes=job.options.shapes, dims=job.options.dims)
    except ModelError as error:
        return Run(job, failed(str(path), job.target, error), error=error)
    suggested = suggested_shapes(view, path)
    told = replace(job.options, suggested_shapes=suggested)
    if verifier is None:
        return Run(job, lint_view(view, job.target, job.ruleset, told, user=_user_table()), suggested)
    try:
        verified = verifier(job).verify(path, told, _user_table(), job.ruleset)
    except ToolkitFailed as error:  # the other models are still to be done
        return Run(job, lint_view(view, job.target, job.ruleset, told, user=_user_table()), suggested, error)
    return Run(job, verified.result, suggested, verified.cut_short)


def settled(run: Run, baseline: Baseline | None, place: Path | None) -> Run:
    """The run, its findings held against suppressions and baseline; `place`: the file of the baseline."""
    entries = run.job.settings.suppressions
    if run.result.error is not None:
        return run
    if entries:
        from rkgraph.config.suppressions import suppressed, today

        result, used = suppressed(run.result, entries, today())
        run = replace(run, result=_listed(result, run.job.ruleset), used=frozenset(used))
    if baseline is not None and place is not None:
        from rkgraph.config.baseline import compared, key_of

        known = baseline.entries(key_of(run.result.model.path, place), str(run.result.target)) or ()
        result = compared(run.result, [entry for entry in known if run.job.ruleset.lists(entry.code)])
        run = replace(run, result=_listed(result, run.job.ruleset))
    return run


def with_unused(runs: Sequence[Run]) -> list[Run]:
    """The runs of all models; each suppression that covers nothing is told of the last model that it is for."""
    if not any(run.job.settings.suppressions for run in runs):
        return list(runs)
    from rkgraph.config.suppressions import unused

    used: frozenset[Suppression] = frozenset().union(*(run.used for run in runs))
    done = list(runs)
    told: set[Suppression] = set()
    for index in reversed(range(len(runs))):
        run = runs[index]
        entries = [e for e in run.job.settings.suppressions if e not in told and run.job.ruleset.lists(e.code)]
        told.update(entries)
        findings = unused(entries, used) if run.result.error is None else []
        if findings:
            result = replace(run.result, diagnostics=(*run.result.diagnostics, *findings))
            done[index] = replace(run, result=_listed(result, run.job.ruleset))
    return done


def _listed(result: Result, ruleset: RuleSet) -> Result:
    """Without the notices that were not selected, the others as bad as the user finds them."""
    from rkgraph.config.notices import NOTICES

    codes = {notice.code for notice in NOTICES}
    findings = [
        replace(d, severity=ruleset.severities.get(d.code, d.severity)) if d.code in codes else d
        for d in result.diagnostics
        if d.code not in codes or ruleset.lists(d.code)
    ]
    return replace(result, diagnostics=tuple(findings))


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


def paths_of(models: Iterable[str]) -> list[Path]:
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
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            mend = f"a model of that name is ./{word}" if Path(word).exists() else "one path a line"
            raise UsageError(f"{listed}: cannot be read as a list of models ({why})", mend) from error
        names = (line.partition("#")[0].strip() for line in lines)
        paths.extend(listed.parent / name for name in names if name)
    if not paths:
        raise UsageError("the lists name no model", "write one path a line")
    return paths
