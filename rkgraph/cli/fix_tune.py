"""`rkgraph fix --tune`: the search, its table, and the build options that were found, for `rkgraph compile` to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.cli.common import home_folder
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.engine.fix import FixOutcome
    from rkgraph.engine.plan_file import PlanFile
    from rkgraph.targets import Target
    from rkgraph.tune.search import Setting

__all__ = ["describe_tuning", "parse_budget", "tuned_fix", "write_build_options"]

SHORTEST = 60.0
"""Seconds that a build may take, whatever the budget."""

_BUDGET = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>s|m|h|)")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_COLUMNS = ("", "trial", "on CPU or host", "crossings", "cycles", "KB read+write", "")
_STOPPED = {
    "time": "the time is over: give the same command again to go on, or a larger --tune-budget",
    "interrupted": "interrupted, the best so far is kept: give the same command again to go on",
}


def parse_budget(text: str) -> float:
    """Parse `--tune-budget 10m` (s, m, h; a bare number is seconds). Raises UsageError for anything else."""
    match = _BUDGET.fullmatch(text)
    if match is None or not float(match["number"]):
        raise UsageError(f"--tune-budget {text}: is no time", "e.g. 90s, 10m or 1h")
    return float(match["number"]) * _SECONDS[match["unit"]]


def tuned_fix(
    fix: Callable[[Setting], FixOutcome],
    target: Target,
    plan: PlanFile,
    *,
    budget: str,
    python: Path | None,
    samples: Path | None,
    tell: Callable[[str], None],
) -> tuple[FixOutcome, PlanFile]:
    """The outcome of the best setting, with the trials in its report; and the plan with what was found.

    Raises:
        UsageError: `budget` is no time, or samples are missing.
        ToolkitMissing: there is no toolkit.
    """
    from rkgraph.compile.cache import CompileCache
    from rkgraph.compile.toolchain import Toolchain
    from rkgraph.toolkit.jobs import Limits
    from rkgraph.toolkit.locate import find_toolkit
    from rkgraph.tune.tuner import tune

    seconds = parse_budget(budget)
    find = partial(find_toolkit, target.toolkit, python, home_folder())
    cache = CompileCache(home_folder() / "builds")
    with Toolchain(find, Limits(max(seconds, SHORTEST))) as chain:
        found, outcome = tune(fix, target, chain, cache=cache, seconds=seconds, calibration=samples, tell=tell)
    setting = found.best.setting
    left_out = tuple(dict.fromkeys((*plan.left_out, *sorted(setting.without))))
    plan = replace(plan, build=found.build, left_out=left_out, shards=setting.shards)
    return replace(outcome, after=replace(outcome.after, tune=found.record)), plan


def describe_tuning(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was tried, with numbers, and what was kept: lines of text and their styles."""
    from rkgraph.cli.output import plain_table

    trials = record["trials"]
    built = sum(trial["score"] is not None for trial in trials)
    kept = next(trial["what"] for trial in trials if trial["kept"])
    yield "", ""
    yield f"{len(trials)} tried, {built} built; kept: {kept}", "title"
    for line in plain_table(_COLUMNS, [_row(trial) for trial in trials], right=(2, 3, 4, 5)):
        yield f"  {line}", "good" if line.startswith("*") else ""
    if record["stopped"]:
        yield f"  {_STOPPED[record['stopped']]}", "warning"


def write_build_options(result: Path, build: Mapping[str, Any]) -> Iterator[str]:
    """Write the options where `rkgraph compile` looks for them beside `result`, and say so.

    What an earlier run left there is replaced, or removed where there are none now: it was found for another model.
    """
    from rkgraph.compile.build_config import options_beside
    from rkgraph.engine.plan_text import toml_table
    from rkgraph.files import write_text

    path = options_beside(result)
    if not build:
        path.unlink(missing_ok=True)
        return
    head = f"# What `rkgraph fix --tune` found to pay for {result.name}; `rkgraph compile` reads it with the model."
    write_text(path, "\n".join([head, *toml_table(build)]) + "\n")
    yield f"wrote {path}: {', '.join(toml_table(build))}"


def _row(trial: Mapping[str, Any]) -> list[str]:
    mark, score = "*" if trial["kept"] else "", trial["score"]
    if score is None:
        return [mark, trial["what"], "", "", "", "", trial["error"].partition("\n")[0][:100]]
    note = f"{score['no_kernel']} without a kernel" if score["no_kernel"] else ""
    numbers = (str(score["cpu"]), str(score["crossings"]), f"{score['cycles']:,}", f"{score['rw_kb']:,.1f}")
    return [mark, trial["what"], *numbers, note]
