"""What `rkgraph fix` is asked for: the options of the command line, and those of a plan, which must agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.engine.plan_file import ABSENT, PlanEntry, PlanFile, Request, entries_of
from rkgraph.errors import UsageError

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.engine.fix import FixOutcome

__all__ = ["agreed", "keep_plan", "tell_idle", "tell_strange"]

SHARDED = "RK602"
"""The rule that heeds --lm-head-shards."""

_SCALARS = ("target", "rules", "precision", "lm_head_shards", "presimplify", "inputs", "calibration")
_TABLES = ("shapes", "dims", "freeze", "assume")
_WORDS = {"shapes": "shape", "dims": "dim"}


def agreed(asked: Request, given: Collection[str], plan: PlanFile, path: Path) -> Request:
    """The options of the plan, and what the command line adds to them.

    Args:
        asked: the options of the command line, defaults included.
        given: the fields of `asked` that the user gave.
        plan: what was read from `path`.
        path: the plan.

    Raises:
        UsageError: both say something, and not the same.
    """
    planned = plan.request
    merged: dict[str, Any] = {}
    for name in _SCALARS:
        mine, its = getattr(asked, name), getattr(planned, name)
        if name in given and its not in (None, False) and not _same(mine, its):
            raise _contradiction(f"--{_option(name)} {mine}", f"{name} = {its}", path)
        merged[name] = mine if name in given else its
    for name in _TABLES:
        mine, its = getattr(asked, name), getattr(planned, name)
        for key in mine.keys() & its.keys():
            if not _same(mine[key], its[key]):
                raise _contradiction(f"--{_option(name)} {key}={_told(mine[key])}", f"{key} = {_told(its[key])}", path)
        merged[name] = {**its, **mine}
    return replace(planned, **merged, allow=planned.allow | asked.allow)


def keep_plan(path: Path, outcome: FixOutcome, known: PlanFile, request: Request, model: Path) -> None:
    """Write the plan of a run on `model`; `known`: the plan that was followed, with what --tune found.

    Raises:
        UsageError: it cannot be written.
    """
    from rkgraph.engine.plan_text import write_plan
    from rkgraph.rulebook.registry import load_rules

    titles = {rule.code: rule.card.fix.title for rule in load_rules() if rule.card.fix is not None}
    request = replace(request, lm_head_shards=known.shards or request.lm_head_shards)
    write_plan(path, replace(known, request=request, fixes=entries_of(outcome.fixes, titles)), model)


def tell_strange(printer: Output, outcome: FixOutcome, plan: PlanFile, path: Path) -> None:
    """Name the fixes of the plan that match nothing in the model, which has changed since."""
    stale = [entry for entry in plan.fixes if entry.fingerprint in outcome.strange]
    for entry in stale:
        printer.note(f"{path}: stale: {_entry(entry)}: nothing in this model is like that any more", "warning")
    if stale:
        printer.note(f"{path}: --rewrite-plan drops {'it' if len(stale) == 1 else 'them'}", "dim")


def tell_idle(printer: Output, outcome: FixOutcome, request: Request) -> None:
    """Name what was asked for and had nothing to do."""
    fixes = outcome.after.fixes
    told = {fix.code for fix in fixes.applied} | {fix.code for fix in fixes.refused}
    if request.lm_head_shards and SHARDED not in told:
        what = f"--lm-head-shards {request.lm_head_shards}: the model has no output projection that is to be cut"
        printer.note(f"{what} (rkgraph rule {SHARDED})", "warning")


def _entry(entry: PlanEntry) -> str:
    return f"{entry.code} at {entry.place} ({entry.fingerprint}, apply = {str(entry.apply).lower()})"


def _contradiction(option: str, planned: str, path: Path) -> UsageError:
    return UsageError(f"{option} contradicts {path}, which says {planned}", "leave the option out, or edit the plan")


def _option(field: str) -> str:
    return _WORDS.get(field, field).replace("_", "-")


def _told(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "scalar"
    if hasattr(value, "low"):
        return f"{value.low:g}..{value.high:g}"
    return f"an array of shape {list(value.shape)}" if getattr(value, "ndim", 0) else str(value)


def _same(mine: object, its: object) -> bool:
    import numpy as np

    if isinstance(mine, np.ndarray) and isinstance(its, np.ndarray):
        return bool(mine.shape == its.shape and np.array_equal(mine, its))
    if isinstance(mine, Path) and isinstance(its, Path):
        return mine.resolve() == its.resolve()
    if isinstance(mine, Mapping) and isinstance(its, Mapping):
        return mine.keys() == its.keys() and all(_same(mine[key], its[key]) for key in mine)
    return mine == its
