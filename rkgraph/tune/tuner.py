"""Tuning one model: which knobs it has, and what each setting costs by the compiler's word.

Builds are kept by content in the compile cache, failures too, so that a search that was interrupted goes on where it
stopped: fixes are made again, builds are not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.cache import CompileCache, key_of
from rkgraph.compile.calibration import require_calibration
from rkgraph.compile.compiler import Compiled, compile_model
from rkgraph.compile.diagnosis import CompileFailed
from rkgraph.compile.plan import Plan
from rkgraph.engine.fix import FixOutcome
from rkgraph.engine.fix_choices import ASK_THE_COMPILER
from rkgraph.engine.stages import FixedStage, crossings_of
from rkgraph.errors import ModelError, ToolkitMissing, UsageError
from rkgraph.graph.load import read_view
from rkgraph.toolkit.logs import read_log
from rkgraph.tune.score import Part, score_of
from rkgraph.tune.search import Knob, Setting, Trial, Tuned, search

if TYPE_CHECKING:
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.targets import Target

__all__ = ["knobs_of", "tune"]

HEAD = "RK602"
"""The rule of output projections: on the host, or in so many parts on the NPU."""

SHARDS = (2, 4, 8)
LEVELS = (0, 1, 2)
"""Of the toolkit's optimization_level; it builds with 3 where nothing is said."""

STEADY = ("load-failed", "build-failed", "export-failed", "died")
"""Failures that come again; time and memory may do on the next day."""

Fix = Callable[[Setting], FixOutcome]


def tune(
    fix: Fix,
    target: Target,
    chain: Toolchain,
    *,
    cache: CompileCache,
    seconds: float,
    calibration: Path | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[Tuned, FixOutcome]:
    """Find what pays for one model.

    Args:
        fix: fixes the model with a setting, afresh each time.
        target: what it is built for.
        chain: the toolkit.
        cache: where builds are kept.
        seconds: no trial begins later than this after the first.
        calibration: samples, for quantized precisions.
        tell: called with a few words as each trial begins.

    Returns:
        The search, and the outcome of its best setting.

    Raises:
        ToolkitMissing: the toolkit is needed and not installed.
        UsageError: samples are missing.
    """
    require_calibration(calibration, target)
    end = time.monotonic() + seconds
    trials = _Trials(fix, Plan(Path(), target, calibration=calibration), chain, cache, tell)
    start = Setting()
    found = search(start, knobs_of(trials.outcome(start)), trials.measure, lambda: time.monotonic() >= end)
    return found, trials.outcome(found.best.setting)


def knobs_of(outcome: FixOutcome) -> tuple[Knob, ...]:
    """What there is to turn, by a fix that made no candidates: what changes the model first, the compiler's last."""
    waiting = {fix.code for fix in outcome.fixes.refused if fix.reason == ASK_THE_COMPILER}
    knobs = [Knob.candidate(code) for code in sorted(waiting)]
    knobs += [Knob.cut(code) for code in sorted(outcome.optional)]
    left = {fix.code for fix in outcome.fixes.refused} | {found.code for found in outcome.after.diagnostics}
    has_head = HEAD in outcome.optional | left
    knobs += [Knob.of("shards", SHARDS)] if has_head else []
    return (*knobs, Knob.of("level", LEVELS))


class _Trials:
    """Makes and measures trials; outcomes of fixes are kept, for several builds are of the same model."""

    def __init__(
        self, fix: Fix, plan: Plan, chain: Toolchain, cache: CompileCache, tell: Callable[[str], None]
    ) -> None:
        self.fix, self.plan, self.chain, self.cache, self.tell = fix, plan, chain, cache, tell
        self.outcomes: dict[Setting, FixOutcome] = {}

    def outcome(self, setting: Setting) -> FixOutcome:
        """The model fixed as `setting` says."""
        key = replace(setting, level=None)
        if key not in self.outcomes:
            self.tell(f"fix {key.words}" if key != Setting() else "fix")
            self.outcomes[key] = self.fix(key)
        return self.outcomes[key]

    def measure(self, setting: Setting) -> Trial:
        outcome = self.outcome(setting)
        if outcome.is_refuted:
            return Trial(setting, None, "a proof was refuted")
        self.tell(f"trial {setting.words}")
        values = {} if setting.level is None else {"optimization_level": setting.level}
        try:
            plan = replace(self.plan, config=BuildConfig.of(values, self.plan.target))
            with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
                parts, rules = self._build(outcome, plan, Path(folder))
        except ToolkitMissing:
            raise  # of no model, and of no trial more than of the next
        except (CompileFailed, UsageError, ModelError) as error:
            return Trial(setting, None, str(error))
        return Trial(setting, score_of(parts), rules=tuple(dict.fromkeys(rules)))

    def _build(self, outcome: FixOutcome, plan: Plan, folder: Path) -> tuple[list[Part], list[str]]:
        """The stages as they were built, and the rules of the toolkit that had to be switched off."""
        if not outcome.stages:
            outcome.model.save(folder / "model.onnx", "inline")
            built = self._compiled(replace(plan, model=folder / "model.onnx"), folder)
            return [_part(built, plan)], _disabled(built)
        parts, rules = list[Part](), list[str]()
        crossed = list(crossings_of(outcome.model.view().main, outcome.stages))
        for stage in outcome.stages:
            kilobytes = sum(size for _, to, _, size in crossed if to is stage) / 1024
            if stage.kind == "onnx":
                parts.append(Part(host_nodes=len(stage.nodes), crossing_kb=kilobytes))
                continue
            built = self._compiled(replace(plan, model=_saved(stage, folder)), folder)
            parts.append(replace(_part(built, plan), crossing_kb=kilobytes))
            rules += _disabled(built)
        return parts, rules

    def _compiled(self, plan: Plan, folder: Path) -> Compiled:
        key = key_of({"what": "failed", "build": plan.prepare(read_view(plan.model)).build_key})
        known = self.cache.find(key)
        if known is not None:
            raise UsageError(str(known.facts["error"]), "rkgraph compile MODEL tells more")
        try:
            return compile_model(plan, folder / "model.rknn", self.chain, cache=self.cache)
        except CompileFailed as error:
            if (error.result.compile or {}).get("outcome") in STEADY:
                self.cache.store(key, {}, {"error": str(error)})
            raise


def _part(built: Compiled, plan: Plan) -> Part:
    facts = read_log(built.log, plan.target.toolkit)
    return Part(facts.layers, len(facts.no_lowering))


def _disabled(built: Compiled) -> list[str]:
    """Rules of the toolkit that failed on the model, as the build found out."""
    options = (built.result.compile or {}).get("options", {})
    return list(options.get("disable_rules", ()))


def _saved(stage: FixedStage, folder: Path) -> Path:
    stage.model.save(folder / stage.file, "inline")
    return folder / stage.file
